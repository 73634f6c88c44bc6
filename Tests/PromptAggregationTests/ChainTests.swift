import PromptAggregation
import Testing

/// Methods that are chains of stages, against a slow twin, on seeded contributions of mixed base versions.
@Suite struct ChainTests {
    static let chains = ["fedavg", "fedprox", "fedbuff", "median", "trimmed-mean"]
    static let rules = ["plain", "momentum", "adam", "yogi", "adagrad"]

    /// Some clients, early and late, of whom some touched no prompt, lack a tensor, have no samples or do not count.
    static func flush(_ versions: [PromptState], round: Int, seed: UInt64) -> [Contribution] {
        var random = SeededRandom(seed: seed, stream: UInt64(round))
        func number(below bound: Int) -> Int { Int(random.next(upperBound: UInt64(bound))) }
        func chance(_ probability: Double) -> Bool { random.nextUniform() < probability }
        return (0..<number(below: 7)).map { client in
            let late = number(below: min(3, versions.count))
            let base = versions[versions.count - 1 - late]
            let touched = base.promptIDs.indices.filter { _ in chance(0.6) }
            var contribution = Sample.contribution(
                client, base: base, touched: touched, samples: number(below: 21), staleness: late,
                weight: chance(0.1) ? 0 : StalenessWeight.inverseSquareRoot(late),
                sequence: UInt64(round + 1), step: chance(0.5) ? 0.3 : 0.01, seed: seed)
            if chance(0.2) { contribution.parameters[Parameters.headBias] = nil }
            return contribution
        }
    }

    /// Runs a method beside its twin; `isEqual` gets a value of either and where it is.
    static func compare(
        _ name: String, _ settings: [(key: String, value: String)], _ twin: (PromptState) -> SlowChain,
        _ isEqual: (Float, Float) -> Bool
    ) throws {
        for seed in 1...4 as ClosedRange<UInt64> {
            let initial = Sample.state(pool: 4, width: 3, classes: 2, seed: seed)
            var (fast, slow) = (try Sample.make(name, settings, initial: initial), twin(initial))
            var versions = [initial]
            for round in 0..<6 {
                let contributions = flush(versions, round: round, seed: seed)
                _ = fast.aggregate(contributions)
                slow.aggregate(contributions)
                for (found, expected) in zip(fast.state.parameters.entries, slow.state.parameters.entries) {
                    let odd = zip(found.tensor.values, expected.tensor.values).first { !isEqual($0, $1) }
                    #expect(odd == nil, "\(found.name), seed \(seed), round \(round)")
                }
                slow.state = fast.state
                versions.append(fast.state)
            }
        }
    }

    @Test(arguments: chains, rules) func chainsAreTheirFormulas(name: String, rule: String) throws {
        let rate = ["plain", "momentum"].contains(rule) ? 1 : 0.01
        try Self.compare(name, [("server_step", rule)], { SlowChain(name, rule: rule, rate: rate, state: $0) }, ==)
    }

    /// A plain step's rate goes into the weights, which rounds differently from a product at the end.
    @Test(arguments: chains, rules) func chainsTakeARateAndABound(name: String, rule: String) throws {
        try Self.compare(
            name, [("server_step", rule), ("server_rate", "0.3"), ("clip", "0.2")],
            { SlowChain(name, rule: rule, rate: 0.3, clip: 0.2, state: $0) }, { abs($0 - $1) <= $0.ulp })
    }

    /// FedOpt is FedAvg with another last stage.
    @Test(arguments: ["adam", "yogi", "adagrad"]) func fedOptIsFedAvgWithAnAdaptiveStep(rule: String) throws {
        let initial = Sample.state()
        var opt = try Sample.make("fedopt", [("rule", rule)], initial: initial)
        var average = try Sample.make("fedavg", [("server_step", rule)], initial: initial)
        for round in 0..<4 {
            let contributions = Self.flush([opt.state], round: round, seed: 9)
            #expect(opt.aggregate(contributions) == average.aggregate(contributions))
            #expect(opt.state == average.state)
        }
    }

    /// Δ = 2, then 1: m = 2, then 0.5 · 2 + 1.
    @Test func momentumKeepsMovingAsBefore() throws {
        var strategy = try Sample.make(
            "fedavg", [("server_step", "momentum"), ("server_rate", "0.5"), ("beta1", "0.5")],
            initial: AveragingFormulaTests.state(10))
        _ = strategy.aggregate([AveragingFormulaTests.contribution(0, from: 10, to: 12)])
        #expect(AveragingFormulaTests.value(strategy) == 11)
        _ = strategy.aggregate([AveragingFormulaTests.contribution(1, from: 11, to: 12)])
        #expect(AveragingFormulaTests.value(strategy) == 12)
    }

    /// Where nothing counts, neither the state nor a moment changes.
    @Test(arguments: chains, rules) func momentsWaitForContributionsThatCount(name: String, rule: String) throws {
        let initial = Sample.state()
        var strategy = try Sample.make(name, [("server_step", rule)], initial: initial)
        _ = strategy.aggregate([Sample.contribution(0, base: initial)])
        let before = strategy.snapshot()
        _ = strategy.aggregate([])
        _ = strategy.aggregate([Sample.contribution(1, base: initial, weight: 0)])
        #expect(strategy.snapshot() == before)
    }
}

/// The bound on what an update can move, in front of any strategy.
@Suite struct ClippedTests {
    static let clipping = StrategyCatalog.entries.filter { $0.settings.contains { $0.key == "clip" } }.map(\.name)

    /// A strategy that clips is the strategy itself on updates that were shortened before.
    @Test(arguments: clipping, ["0.001", "0.1"]) func isTheStrategyOnShorterUpdates(name: String, bound: String) throws
    {
        let initial = Sample.state(pool: 4, width: 3, classes: 2)
        var clipping = try RosterLawTests.make("\(name) clip=\(bound)", initial)
        var plain = try RosterLawTests.make(name, initial)
        for round in 0..<3 {
            let contributions = ChainTests.flush([plain.state], round: round, seed: 4)
            let shortened = contributions.map {
                SlowChain.clipped($0, to: Double(bound)!, in: plain.state.parameters.names)
            }
            #expect(round > 0 || shortened != contributions)
            #expect(clipping.aggregate(contributions) == plain.aggregate(shortened))
            #expect(clipping.state == plain.state)
        }
        #expect(clipping.snapshot() == plain.snapshot())
    }

    @Test(arguments: clipping) func updatesWithinTheBoundKeepTheirBits(name: String) throws {
        let initial = Sample.state()
        var clipping = try RosterLawTests.make("\(name) clip=100", initial)
        var plain = try RosterLawTests.make(name, initial)
        for round in 0..<3 {
            let contributions = RosterLawTests().flush(plain.state, round: round)
            #expect(clipping.aggregate(contributions) == plain.aggregate(contributions))
            #expect(clipping.snapshot() == plain.snapshot())
        }
    }

    @Test func oneUpdateMovesTheStateNoFurtherThanTheBound() throws {
        for seed in 1...50 as ClosedRange<UInt64> {
            let initial = Sample.state(seed: seed)
            var strategy = try Sample.make("fedavg", [("clip", "0.25")], initial: initial)
            let sent = Sample.contribution(0, base: initial, step: 0.001 * Double(seed), seed: seed)
            _ = strategy.aggregate([sent])
            func norm(_ parameters: Parameters) -> Double {
                zip(parameters.entries, initial.parameters.entries).reduce(0) { sum, pair in
                    zip(pair.0.tensor.values, pair.1.tensor.values).reduce(sum) {
                        $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
                    }
                }.squareRoot()
            }
            #expect(abs(norm(strategy.state.parameters) - min(norm(sent.parameters), 0.25)) < 1e-6)
        }
    }

    /// The head is solved from the statistics as they were sent, and they lengthen no update.
    @Test func classStatisticsAreLeftAlone() throws {
        let initial = Sample.state(pool: 5, width: ClosedHeadTests.width, classes: ClosedHeadTests.classes)
        var clipping = try Sample.make("fedavg", [("head", "closed"), ("clip", "0.05")], initial: initial)
        var plain = try ClosedHeadTests.make("fedavg", initial)
        let images = ClosedHeadTests.images(40)
        // What clients tune counts from the second time on.
        for sequence in 1...2 as ClosedRange<UInt64> {
            let contributions = (0..<3).map {
                ClosedHeadTests.contribution($0, images, base: clipping.state, sequence: sequence)
            }
            _ = clipping.aggregate(contributions)
            _ = plain.aggregate(contributions.map { SlowChain.clipped($0, to: 0.05, in: [Parameters.prompts]) })
        }
        #expect(clipping.state == plain.state && clipping.state.prompts != initial.prompts)
    }

    @Test func settingsAreChecked() {
        func error(_ name: String, _ key: String, _ value: String) -> String {
            "\(#expect(throws: StrategyError.self) { try Sample.make(name, [(key, value)], initial: Sample.state()) }!)"
        }
        #expect(error("fedavg", "clip", "-1").hasSuffix("must be a number from 0.0 to 1000000000.0, but is '-1'"))
        #expect(error("median", "server_step", "sgd").contains("one of plain, momentum, adam, yogi, adagrad"))
        #expect(error("fedbuff", "server_rate", "-1").contains("a number from 0.0 to 100.0"))
        // What a control variate says of a client must reach the server whole.
        #expect(error("scaffold", "clip", "1").contains("has no setting 'clip'"))
    }
}
