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
            let sources = contributions.compactMap { Source($0, entry.name, width) }
            var tensor = entry.tensor
            // One list for all coordinates, since there are many of them.
            var displacements: [Double] = []
            displacements.reserveCapacity(sources.count)
            for row in 0..<rows {
                let id = entry.name == Parameters.prompts ? state.promptIDs[row] : nil
                let places = sources.map { $0.places(of: id) }
                guard places.contains(where: { $0 != nil }) else { continue }
                for column in 0..<width {
                    displacements.removeAll(keepingCapacity: true)
                    for (source, start) in zip(sources, places) {
                        guard let start else { continue }
                        let (local, base) = (source.local[start.local + column], source.base[start.base + column])
                        displacements.append(Double(local) - Double(base))
                    }
                    displacements.sort()
                    let place = row * width + column
                    tensor.values[place] = Float(
                        saturating: Double(tensor.values[place]) + statistic(displacements[...]))
                }
            }
            state.parameters[entry.name] = tensor
        }
    }

    /// One tensor of a contribution, before and after.
    private struct Source {
        let local: [Float]
        let base: [Float]
        private let width: Int
        /// Of the prompts; another tensor is one row.
        private let tuned, started: RowIndex?

        /// Nil where the contribution lacks the tensor, or has it in another shape.
        init?(_ contribution: Contribution, _ name: String, _ width: Int) {
            guard let local = contribution.parameters[name], let base = contribution.base.parameters[name] else {
                return nil
            }
            let isPool = name == Parameters.prompts
            guard isPool || (local.values.count == width && base.values.count == width) else { return nil }
            self.local = local.values
            self.base = base.values
            self.width = width
            tuned = isPool ? RowIndex(contribution.promptIDs) : nil
            started = isPool ? RowIndex(contribution.base.promptIDs) : nil
        }

        /// Where the row of a prompt begins, nil where the contribution did not touch it; of another tensor its first value.
        func places(of id: PromptID?) -> (local: Int, base: Int)? {
            guard let id else { return (0, 0) }
            guard let local = tuned?[id], let base = started?[id] else { return nil }
            return (local * width, base * width)
        }
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
