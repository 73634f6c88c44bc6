/// A method as a chain of stages over the contributions of a flush:
///
/// 1. clip: no update moves further than a bound (`Clipped`, in front of any strategy);
/// 2. align: a row belongs to the pool's prompt of its identity (`AlignedTensor`);
/// 3. weigh: how much each contribution counts (`Weighing`);
/// 4. combine: the displacements of all become one (`Combination`);
/// 5. step: the state moves by it (`ServerStep`).
struct Chain: AggregationStrategy {
    let formatID: String
    private(set) var state: PromptState
    private let weighing: Weighing
    private let combination: Combination
    private var step: ServerStep

    /// - Parameter name: the method's, which is what snapshots call it.
    init(
        _ name: String, _ initial: PromptState, weigh: Weighing, combine: Combination, step: ServerStep = .plain
    ) {
        formatID = name
        state = initial
        weighing = weigh
        combination = combine
        self.step = step
    }

    mutating func aggregate(inOrder contributions: [Contribution]) -> FlushReport {
        let shares = weighing.shares(of: contributions)
        // An optimizer's moments pass with contributions that count, not with flushes.
        guard step.isPlain || shares.contains(where: { $0 > 0 }) else { return FlushReport(weights: shares) }
        let displacement = combination.displacement(
            of: contributions, weights: weighing.weights(of: contributions, rate: step.linearRate),
            rate: step.linearRate, like: state)
        step.move(&state, by: displacement)
        return FlushReport(weights: shares)
    }

    func write(to writer: inout SnapshotWriter) {
        writer.write(state)
        step.write(to: &writer)
    }

    mutating func read(from reader: inout SnapshotReader) throws(SnapshotError) {
        state = try reader.state(like: state)
        try step.read(from: &reader, like: state)
    }
}
