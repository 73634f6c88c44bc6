/// A statistic of the contributions' displacements taken coordinate by coordinate.
enum CoordinateStatistic {
    /// Moves the state by `statistic` of the displacements at each coordinate.
    ///
    /// A prompt is judged by the contributions that touched it; one that nobody touched stays.
    ///
    /// - Parameter statistic: given at least one displacement, in ascending order.
    static func move(
        _ state: inout PromptState, by contributions: [Contribution], statistic: (ArraySlice<Double>) -> Double
    ) {
        for entry in state.parameters.entries where !Parameters.isFixed(entry.name) {
            let rows = entry.name == Parameters.prompts ? state.promptIDs.count : 1
            guard rows > 0 else { continue }
            let width = entry.tensor.values.count / rows
            var tensor = entry.tensor
            for row in 0..<rows {
                let moved = contributions.compactMap { displacement(of: $0, entry.name, row, width, state) }
                guard !moved.isEmpty else { continue }
                for column in 0..<width {
                    let sorted = moved.map { $0[column] }.sorted()
                    let place = row * width + column
                    tensor.values[place] = Float(saturating: Double(tensor.values[place]) + statistic(sorted[...]))
                }
            }
            state.parameters[entry.name] = tensor
        }
    }

    /// What a contribution changed of one row of the pool, or of another tensor as a whole; nil when it lacks it.
    private static func displacement(
        of contribution: Contribution, _ name: String, _ row: Int, _ width: Int, _ state: PromptState
    ) -> [Double]? {
        guard let local = contribution.parameters[name], let base = contribution.base.parameters[name] else {
            return nil
        }
        if name == Parameters.prompts {
            let id = state.promptIDs[row]
            guard let tuned = contribution.promptIDs.firstIndex(of: id),
                let started = contribution.base.promptIDs.firstIndex(of: id)
            else { return nil }
            return zip(local.row(tuned), base.row(started)).map { Double($0) - Double($1) }
        }
        guard local.values.count == width, base.values.count == width else { return nil }
        return zip(local.values, base.values).map { Double($0) - Double($1) }
    }

    /// The mean of some numbers, without overflow.
    static func mean(_ values: ArraySlice<Double>) -> Double { values.reduce(0) { $0 + $1 / Double(values.count) } }
}

/// The coordinate-wise median (Yin et al., ICML 2018, definition 1): of an even number the mean of the two middle ones.
struct CoordinateMedian: MemorylessStrategy {
    static let entry = StrategyEntry(
        name: "median", summary: "The median of the clients' displacements at each coordinate.",
        source: "Yin et al., ICML 2018, definition 1", settings: []
    ) { _, initial, _ in CoordinateMedian(state: initial) }

    var state: PromptState

    private init(state: PromptState) { self.state = state }

    mutating func aggregate(inOrder contributions: [Contribution]) -> FlushReport {
        let counting = contributions.filter { $0.stalenessWeight > 0 }
        CoordinateStatistic.move(&state, by: counting) { sorted in
            let upper = sorted.count / 2
            return CoordinateStatistic.mean(sorted[(sorted.count - 1) / 2...upper])
        }
        return FlushReport(weights: shares(contributions.map { $0.stalenessWeight > 0 ? 1 : 0 }))
    }
}

/// The coordinate-wise trimmed mean (Yin et al., ICML 2018, definition 2): the largest and the smallest β of the
/// displacements are left out at each coordinate, rounded down.
struct TrimmedMean: MemorylessStrategy {
    static let entry = StrategyEntry(
        name: "trimmed-mean",
        summary: "The mean of the clients' displacements without the extremes at each coordinate.",
        source: "Yin et al., ICML 2018, definition 2",
        settings: [.number("trim", 0.1, 0...0.499, "The share β of the clients left out at either end.")]
    ) { settings, initial, _ in
        TrimmedMean(state: initial, trim: settings.number("trim"))
    }

    var state: PromptState
    private let trim: Double

    mutating func aggregate(inOrder contributions: [Contribution]) -> FlushReport {
        let counting = contributions.filter { $0.stalenessWeight > 0 }
        let trim = trim
        CoordinateStatistic.move(&state, by: counting) { sorted in
            CoordinateStatistic.mean(
                sorted.dropFirst(Int(trim * Double(sorted.count))).dropLast(Int(trim * Double(sorted.count))))
        }
        return FlushReport(weights: shares(contributions.map { $0.stalenessWeight > 0 ? 1 : 0 }))
    }
}
