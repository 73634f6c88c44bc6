/// How the contributions of a flush become the next version.
///
/// A strategy is a value: a copy is a snapshot. It has no clock and no randomness but the seed it was made with, so the
/// same contributions give the same bits.
public protocol AggregationStrategy: Sendable {
    /// The state to publish.
    var state: PromptState { get }

    /// Turns a flush's contributions into the next `state`.
    ///
    /// - Parameter contributions: in the order of `Contribution.inOrder`; checked by the aggregator: every tensor finite
    ///   and of the shape that `state` has (but for the rows of `prompts`), identities without repetition. May be empty.
    mutating func aggregate(_ contributions: [Contribution]) -> FlushReport
}

/// What a strategy tells observers of one flush.
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
}
