import PromptAggregation

/// Measures flushes of a strategy that knows many clients already, a few of which contribute again with other values.
public struct KnownClientsBenchmark: Sendable {
    /// What each client sends: `prompts` prompts, and class statistics where the strategy asks for them.
    public struct Shape: Hashable, Sendable {
        public let prompts: Int
        public let width: Int
        public let classes: Int

        public init(prompts: Int, width: Int, classes: Int) {
            self.prompts = prompts
            self.width = width
            self.classes = classes
        }
    }

    public struct Row: Hashable, Sendable {
        public let known: Int
        public let median: Duration
        public let mean: Duration
        public let slowest: Duration
    }

    public let strategy: String
    public let shape: Shape
    /// Contributions of a flush.
    public let buffer: Int
    public let flushes: Int

    /// - Parameters:
    ///   - buffer: at least 1.
    ///   - flushes: those that are timed, at least 1.
    public init(strategy: String, shape: Shape, buffer: Int, flushes: Int) {
        self.strategy = strategy
        self.shape = shape
        self.buffer = max(1, buffer)
        self.flushes = max(1, flushes)
    }

    /// Times flushes whose clients are `known` ones in turn, after all of these were heard once.
    ///
    /// - Throws: `StrategyError`.
    public func run(known: Int) throws -> Row {
        var random = SeededRandom(seed: 1)
        let initial = Self.state(shape, &random)
        var made = try StrategyCatalog.make(
            name: strategy, settings: StrategySettings(), initial: initial, seed: 1)
        for first in stride(from: 0, to: known, by: Self.largestFlush) {
            let clients = Array(first..<min(known, first + Self.largestFlush))
            _ = made.aggregate(contributions(of: clients, sequence: 1, made.state, &random))
        }
        let clock = ContinuousClock()
        var times: [Duration] = []
        for flush in 0..<flushes {
            let clients = (0..<buffer).map { (flush * buffer + $0) % known }
            let contributions = contributions(of: clients, sequence: UInt64(flush + 2), made.state, &random)
            times.append(clock.measure { _ = made.aggregate(contributions) })
        }
        times.sort()
        return Row(
            known: known, median: times[times.count / 2], mean: times.reduce(.zero, +) / times.count,
            slowest: times[times.count - 1])
    }

    /// Bounds the memory of what is not measured.
    private static let largestFlush = 100

    private static func state(_ shape: Shape, _ random: inout SeededRandom) -> PromptState {
        PromptState(
            parameters: Parameters([
                (Parameters.prompts, noise([shape.prompts, shape.width], &random)),
                (Parameters.headWeight, noise([shape.classes, shape.width], &random)),
                (Parameters.headBias, Tensor(zeros: [shape.classes])),
            ]), promptIDs: (0..<shape.prompts).map { PromptID($0) })
    }

    private func contributions(
        of clients: [Int], sequence: UInt64, _ base: PromptState, _ random: inout SeededRandom
    ) -> [Contribution] {
        clients.map { client in
            var parameters = Parameters()
            if base.parameters[Parameters.classMeans] == nil {
                for entry in base.parameters.entries {
                    parameters[entry.name] = Self.noise(entry.tensor.shape, &random)
                }
            } else {
                parameters[Parameters.classMeans] = Self.noise([shape.classes, shape.width], &random)
                parameters[Parameters.classCounts] = Tensor(
                    shape: [shape.classes], values: (0..<shape.classes).map { Float(5 + ($0 + client) % 11) })
            }
            let isTuned = parameters[Parameters.prompts] != nil
            if !isTuned { parameters[Parameters.prompts] = Tensor(zeros: [0, shape.width]) }
            return Contribution(
                client: ClientID("client-\(client)"), session: 1, sequence: sequence, parameters: parameters,
                promptIDs: isTuned ? base.promptIDs : [], base: base, sampleCount: 100, staleness: 0,
                stalenessWeight: 1)
        }
    }

    private static func noise(_ shape: [Int], _ random: inout SeededRandom) -> Tensor {
        Tensor(
            shape: shape, values: (0..<shape.reduce(1, *)).map { _ in Float(0.08 * random.nextUniform() - 0.04) })
    }
}
