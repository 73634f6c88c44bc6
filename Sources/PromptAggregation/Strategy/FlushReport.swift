/// What a strategy reports to observers of one flush.
public struct FlushReport: Hashable, Sendable {
    /// The share of each contribution in the result, in the order of the contributions; the sum is 1 unless none counted.
    public var weights: [Double]
    /// For each contribution, the pool prompt that each of its rows was matched with; empty where a strategy matches none.
    public var matches: [[PromptID]]
    public var births: [PromptID]
    public var deaths: [PromptID]
    /// The strategy's objective before and after the flush, nil where it has none.
    public var objectiveBefore: Double?
    public var objectiveAfter: Double?

    /// Stands in `matches` for a row that no prompt of the pool took.
    public static let unmatched = PromptID.max

    public init(
        weights: [Double], matches: [[PromptID]] = [], births: [PromptID] = [], deaths: [PromptID] = [],
        objectiveBefore: Double? = nil, objectiveAfter: Double? = nil
    ) {
        self.weights = weights
        self.matches = matches
        self.births = births
        self.deaths = deaths
        self.objectiveBefore = objectiveBefore
        self.objectiveAfter = objectiveAfter
    }

    /// The report of a flush of more contributions, of which only those at these places counted.
    func spread(over count: Int, at places: [Int]) -> FlushReport {
        var report = self
        report.weights = [Double](repeating: 0, count: count)
        if !matches.isEmpty { report.matches = [[PromptID]](repeating: [], count: count) }
        for (place, own) in zip(places, weights.indices) {
            report.weights[place] = weights[own]
            if !matches.isEmpty { report.matches[place] = matches[own] }
        }
        return report
    }
}
