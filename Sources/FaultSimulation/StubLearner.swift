import Federation
import PromptAggregation
import PromptWire
import RunLog

/// Stands in for the tuning: moves what an update holds by a little, as the task's seed says, and numbers each training,
/// as `Training` says.
package struct StubLearner {
    private(set) var trainings = 0
    /// A real client too touches only a few of a large pool; a pool made of all that all clients send has no bound.
    private static let mostRows = 3
    private static let largestStart: Float = 1e6

    /// - Parameter isBad: whether a value shall not be finite.
    mutating func tune(
        _ order: TrainingOrder, client: ClientID, sampleCount: Int, isBad: Bool
    ) -> (training: Training, result: TrainingResult) {
        trainings += 1
        var random = SeededRandom(seed: order.task.seed, stream: UInt64(trainings))
        let base = order.base.state
        let plan = order.task.plan
        let rows = plan.personal.includes(Parameters.prompts) ? [] : touched(of: base.promptIDs.count, &random)
        var parameters = Parameters()
        for entry in base.parameters.entries where plan.sends(entry.name) {
            var tensor = entry.tensor
            if entry.name == Parameters.prompts {
                let values = rows.flatMap { tensor.values[$0 * base.width..<($0 + 1) * base.width] }
                tensor = Tensor(shape: [rows.count, base.width], values: values)
            }
            for place in tensor.values.indices {
                // What a strategy sums over its clients would grow without bound, as no statistics of images do.
                let start = abs(tensor.values[place]) < Self.largestStart ? tensor.values[place] : 0
                tensor.values[place] = start + Float(random.number(in: -0.1...0.1))
            }
            if isBad, !tensor.values.isEmpty { tensor.values[0] = .nan }
            parameters[entry.name] = tensor
        }
        let training = Training(
            number: trainings, client: client, base: order.base.version,
            digest: Digest(of: AggregatorCodec.globalPromptsPayload(order.base)))
        let result = TrainingResult(
            task: order.task.number, baseVersion: order.base.version, parameters: parameters,
            promptIDs: rows.map { base.promptIDs[$0] }, sampleCount: sampleCount,
            metrics: training.metrics)
        return (training, result)
    }

    /// Places of the prompts that a training touches, ascending; at times none.
    private func touched(of pool: Int, _ random: inout SeededRandom) -> [Int] {
        var rows: Set<Int> = []
        for _ in 0..<random.integer(in: 0...Self.mostRows) where pool > 0 {
            rows.insert(random.integer(in: 0...pool - 1))
        }
        return rows.sorted()
    }
}
