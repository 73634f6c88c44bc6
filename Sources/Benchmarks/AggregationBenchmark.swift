import PromptAggregation

/// Measures single flushes of fresh strategies, on contributions that are noisy copies of one pool.
public struct AggregationBenchmark: Sendable {
    /// A flush: every client contributes all prompts of the pool.
    public struct Shape: Hashable, Sendable, CustomStringConvertible {
        public let clients: Int
        public let prompts: Int
        public let width: Int

        public init(clients: Int, prompts: Int, width: Int) {
            self.clients = clients
            self.prompts = prompts
            self.width = width
        }

        public var description: String { "\(clients) x \(prompts) x \(width)" }
    }

    /// A strategy with settings, under a name of its own.
    public struct Method: Hashable, Sendable {
        public let name: String
        public let strategy: String
        public let settings: StrategySettings

        init(_ strategy: String, _ settings: [(key: String, value: String)] = []) {
            name = ([strategy] + settings.map { "\($0.key)=\($0.value)" }).joined(separator: " ")
            self.strategy = strategy
            self.settings = StrategySettings(settings)
        }

        public static let reference = Method("pfpt-reference")
    }

    /// What a method made of a shape.
    public struct Row: Hashable, Sendable {
        public let shape: Shape
        public let method: Method
        /// The median and the fastest of the runs.
        public let flush: Duration
        public let fastestFlush: Duration
        /// Prompts in the pool afterwards.
        public let prompts: Int
        /// In nats, nil for strategies that have none.
        public let objective: Double?
    }

    /// The paper's: 10 clients of 10 and of 20 prompts, ViT-B's width.
    public static let paperShapes = [10, 20].map { Shape(clients: 10, prompts: $0, width: 768) }
    /// Growing buffers, pools and widths.
    public static let shapes =
        paperShapes + [5, 20, 40].map { Shape(clients: $0, prompts: 10, width: 768) }
        + [5, 40].map { Shape(clients: 10, prompts: $0, width: 768) }
        + [192, 384, 1024].map { Shape(clients: 10, prompts: 10, width: $0) }

    public static let methods = [
        Method("fedavg"), Method("pfpt-async"), Method("pfpt"), Method("pfpt", [("drop", "end")]),
        Method("pfpt", [("prompt_step", "gradient")]),
    ]
    /// All shapes and the methods that are measured at them, or those that are named; the parity mode takes seconds, so it
    /// is measured at the paper's shapes alone.
    public static func pairs(shape: String? = nil, method: String? = nil) -> [(shape: Shape, method: Method)] {
        shapes.filter { shape == nil || $0.description == shape }.flatMap { shape in
            (methods + (paperShapes.contains(shape) ? [.reference] : []))
                .filter { method == nil || $0.name == method }
                .map { (shape, $0) }
        }
    }

    public let runs: Int

    /// - Parameter runs: how many flushes; the median counts. At least 1.
    public init(runs: Int) { self.runs = max(1, runs) }

    /// - Throws: `StrategyError`.
    public func run(_ method: Method, _ shape: Shape) throws -> Row {
        let contributions = Self.contributions(shape)
        let clock = ContinuousClock()
        var times: [Duration] = []
        var last: (prompts: Int, objective: Double?) = (0, nil)
        for _ in 0..<runs {
            var strategy = try StrategyCatalog.make(
                name: method.strategy, settings: method.settings, initial: contributions[0].base, seed: 1)
            times.append(
                clock.measure {
                    let report = strategy.aggregate(contributions)
                    last = (strategy.state.promptIDs.count, report.objectiveAfter)
                })
        }
        times.sort()
        return Row(
            shape: shape, method: method, flush: times[times.count / 2], fastestFlush: times[0],
            prompts: last.prompts, objective: last.objective)
    }

    /// A pool at the scale at which tuning begins, uniform within ±0.04, and each client's copies of it with normal
    /// deviations of 0.01.
    package static func contributions(_ shape: Shape) -> [Contribution] {
        var random = SeededRandom(seed: 1)
        let pool = (0..<shape.prompts * shape.width).map { _ in Float(0.08 * random.nextUniform() - 0.04) }
        func parameters(_ values: [Float]) -> Parameters {
            Parameters([(Parameters.prompts, Tensor(shape: [shape.prompts, shape.width], values: values))])
        }
        let base = PromptState(
            parameters: parameters(pool), promptIDs: (0..<shape.prompts).map { PromptID($0) })
        let digits = String(shape.clients).count
        return (0..<shape.clients).map { client in
            let number = String(client)
            return Contribution(
                client: ClientID("client-" + String(repeating: "0", count: digits - number.count) + number), session: 1,
                sequence: 1, parameters: parameters(pool.map { $0 + Float(0.01 * random.nextNormal()) }),
                promptIDs: base.promptIDs, base: base, sampleCount: 100, staleness: 0, stalenessWeight: 1)
        }
    }
}
