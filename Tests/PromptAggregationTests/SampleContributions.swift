import PromptAggregation

/// Small states and contributions for tests.
enum Sample {
    static func matrix(_ rows: Int, _ width: Int, _ random: inout SeededRandom, scale: Double = 0.1) -> Tensor {
        Tensor(shape: [rows, width], values: (0..<rows * width).map { _ in Float(scale * random.nextNormal()) })
    }

    /// A pool with a linear head of `classes` rows.
    static func state(pool: Int = 6, width: Int = 8, classes: Int = 3, seed: UInt64 = 1) -> PromptState {
        var random = SeededRandom(seed: seed, stream: 77)
        let parameters = Parameters([
            (Parameters.prompts, matrix(pool, width, &random)),
            (Parameters.headWeight, matrix(classes, width, &random)),
            (
                Parameters.headBias,
                Tensor(shape: [classes], values: (0..<classes).map { _ in Float(random.nextNormal()) })
            ),
        ])
        return PromptState(parameters: parameters, promptIDs: (0..<pool).map { PromptID($0 + 1) })
    }

    /// What a client named by number might return: every value of its base moved a little, only `touched` rows of the pool.
    static func contribution(
        _ client: Int, base: PromptState, touched: [Int]? = nil, samples: Int = 10, staleness: Int = 0,
        weight: Double = 1, sequence: UInt64 = 1, step: Double = 0.02, seed: UInt64 = 5
    ) -> Contribution {
        var random = SeededRandom(seed: seed, stream: UInt64(client) &* 1000 &+ sequence)
        let touched = touched ?? Array(base.promptIDs.indices)
        var parameters = base.parameters
        for name in parameters.names where name != Parameters.prompts {
            parameters[name] = moved(base.parameters[name]!, step, &random)
        }
        let rows = touched.flatMap { base.prompts.row($0) }
        parameters[Parameters.prompts] = moved(
            Tensor(shape: [touched.count, base.width], values: rows), step, &random)
        return Contribution(
            client: ClientID(name(client)), session: 1, sequence: sequence, parameters: parameters,
            promptIDs: touched.map { base.promptIDs[$0] }, base: base, sampleCount: samples, staleness: staleness,
            stalenessWeight: weight)
    }

    static func name(_ client: Int) -> String { client < 10 ? "client-0\(client)" : "client-\(client)" }

    static func moved(_ tensor: Tensor, _ step: Double, _ random: inout SeededRandom) -> Tensor {
        Tensor(shape: tensor.shape, values: tensor.values.map { $0 + Float(step * random.nextNormal()) })
    }

    static func make(
        _ name: String, _ settings: [(key: String, value: String)] = [], initial: PromptState, seed: UInt64 = 3
    ) throws -> any AggregationStrategy {
        try StrategyCatalog.make(name: name, settings: StrategySettings(settings), initial: initial, seed: seed)
    }
}
