import PromptAggregation

/// Measures single flushes of fresh strategies, on contributions that are noisy copies of one pool.
public struct AggregationBenchmark: Sendable {
    /// A flush: every client contributes some prompts of the pool, or all of them.
    public struct Shape: Hashable, Sendable, CustomStringConvertible {
        public let clients: Int
        /// Of each client.
        public let prompts: Int
        public let width: Int
        /// Prompts in the pool, at least `prompts`.
        public let pool: Int

        /// - Parameter pool: nil for as many prompts as each client contributes.
        public init(clients: Int, prompts: Int, width: Int, pool: Int? = nil) {
            self.clients = clients
            self.prompts = prompts
            self.width = width
            self.pool = max(prompts, pool ?? prompts)
        }

        public var description: String {
            "\(clients) x \(prompts) x \(width)" + (pool > prompts ? " of \(pool)" : "")
        }
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
        + [192, 384, 1024].map { Shape(clients: 10, prompts: 10, width: $0) } + largeShapes
    /// A thousand prompts that compete in one fit: all of them the clients' own, and a pool of which each client touches a
    /// hundredth.
    public static let largeShapes = [nil, 1000].map { Shape(clients: 100, prompts: 10, width: 768, pool: $0) }

    public static let methods = [
        Method("fedavg"), Method("pfpt-async"), Method("pfpt"), Method("pfpt", [("drop", "end")]),
        Method("pfpt", [("prompt_step", "gradient")]),
    ]
    /// What else walks over all that the clients sent.
    public static let largeMethods = [
        Method("fedavg"), Method("pfpt-async"), Method("pfpt", [("evidence", "touched")]), Method("median"),
        Method("trimmed-mean"), Method("ca2fl"), Method("gmm"),
    ]
    /// All shapes and the methods that are measured at them, or those that are named; the parity mode takes seconds, so it
    /// is measured at the paper's shapes alone.
    public static func pairs(shape: String? = nil, method: String? = nil) -> [(shape: Shape, method: Method)] {
        shapes.filter { shape == nil || $0.description == shape }.flatMap { shape in
            (largeShapes.contains(shape) ? largeMethods : methods + (paperShapes.contains(shape) ? [.reference] : []))
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

    /// A pool at the scale at which tuning begins, uniform within ±0.04, and each client's copies of its prompts with
    /// normal deviations of 0.01; clients take prompts in turns.
    package static func contributions(_ shape: Shape) -> [Contribution] {
        var random = SeededRandom(seed: 1)
        let pool = (0..<shape.pool * shape.width).map { _ in Float(0.08 * random.nextUniform() - 0.04) }
        func parameters(_ values: [Float]) -> Parameters {
            let rows = values.count / shape.width
            return Parameters([(Parameters.prompts, Tensor(shape: [rows, shape.width], values: values))])
        }
        let base = PromptState(parameters: parameters(pool), promptIDs: (0..<shape.pool).map { PromptID($0) })
        let digits = String(shape.clients).count
        return (0..<shape.clients).map { client in
            let number = String(client)
            let touched = (0..<shape.prompts).map { (client * shape.prompts + $0) % shape.pool }
            let moved = touched.flatMap { base.prompts.row($0).map { $0 + Float(0.01 * random.nextNormal()) } }
            return Contribution(
                client: ClientID("client-" + String(repeating: "0", count: digits - number.count) + number), session: 1,
                sequence: 1, parameters: parameters(moved), promptIDs: touched.map { base.promptIDs[$0] }, base: base,
                sampleCount: 100, staleness: 0, stalenessWeight: 1)
        }
    }
}
