/// Simulations of many seeds, side by side.
public struct FaultSweep: Sendable {
    /// A seed in which something did not hold.
    public struct Failure: Sendable {
        public var seed: UInt64
        /// Strategy, mode and size.
        public var scenario: String
        /// Each thing that did not hold.
        public var violations: [String]
    }

    public private(set) var seeds = 0
    /// Ascending by seed.
    public private(set) var failures: [Failure] = []
    public private(set) var tally = FaultTally()
    /// How many seeds drew each strategy and mode.
    public private(set) var scenarios: [String: Int] = [:]

    private struct Outcome: Sendable {
        var failure: Failure
        var tally: FaultTally
    }

    /// Simulates each seed on its own; their order and the number of threads change nothing.
    /// - Parameters:
    ///   - threads: how many run at a time.
    ///   - progress: gets how many seeds are done, and each failure as it comes.
    public init(
        seeds: some Sequence<UInt64>, threads: Int, progress: (Int, Failure?) -> Void = { _, _ in }
    ) async {
        await self.init(seeds: seeds, threads: threads, planted: nil, progress: progress)
    }

    package init(
        seeds: some Sequence<UInt64>, threads: Int, planted: PlantedFault?,
        progress: (Int, Failure?) -> Void = { _, _ in }
    ) async {
        var rest = seeds.makeIterator()
        await withTaskGroup(of: Outcome.self) { group in
            for _ in 0..<max(1, threads) {
                if let seed = rest.next() { group.addTask { Self.simulate(seed, planted) } }
            }
            for await outcome in group {
                add(outcome)
                progress(self.seeds, outcome.failure.violations.isEmpty ? nil : outcome.failure)
                if let seed = rest.next() { group.addTask { Self.simulate(seed, planted) } }
            }
        }
        failures.sort { $0.seed < $1.seed }
    }

    private static func simulate(_ seed: UInt64, _ planted: PlantedFault?) -> Outcome {
        do {
            let scenario = try FaultScenario(seed: seed)
            var simulation = FaultSimulation(scenario, planted: planted)
            let violations = simulation.run()
            return Outcome(
                failure: Failure(seed: seed, scenario: scenario.summary, violations: violations),
                tally: simulation.tally)
        } catch {
            return Outcome(
                failure: Failure(seed: seed, scenario: "no scenario", violations: ["\(error)"]), tally: FaultTally())
        }
    }

    private mutating func add(_ outcome: Outcome) {
        seeds += 1
        scenarios[outcome.failure.scenario, default: 0] += 1
        tally += outcome.tally
        if !outcome.failure.violations.isEmpty { failures.append(outcome.failure) }
    }
}
