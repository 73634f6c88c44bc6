import PromptAggregation
import Testing

/// What holds for every strategy of the catalog.
@Suite struct RosterLawTests {
    let initial = Sample.state()

    /// Every strategy as it is, and some with settings behind their names.
    static let methods =
        StrategyCatalog.names + [
            "fedavg server_step=momentum clip=0.05", "fedbuff server_step=yogi server_rate=0.03",
            "median server_step=adam server_rate=0.01 clip=0.05", "trimmed-mean server_step=adagrad server_rate=0.1",
            "pfpt-async clip=0.05",
        ]

    static func settings(of method: String) -> [(key: String, value: String)] {
        method.split(separator: " ").dropFirst().map { setting in
            let parts = setting.split(separator: "=")
            return (String(parts[0]), String(parts[1]))
        }
    }

    /// Settings that keep the slow strategies quick here.
    static func make(_ method: String, _ initial: PromptState) throws -> any AggregationStrategy {
        let name = String(method.prefix { $0 != " " })
        let keys = try StrategyCatalog.entry(name).settings.map(\.key)
        let quick = [(key: "sweeps", value: "3"), (key: "hidden", value: "8")].filter { keys.contains($0.key) }
        return try Sample.make(name, quick + settings(of: method), initial: initial)
    }

    /// Whether anything of what clients send counts.
    static func exchanges(_ name: String) -> Bool { name != "isolated" }

    /// Whether contributions move prompts and head; FedCOF works the head out from class means.
    static func tunes(_ name: String) -> Bool { exchanges(name) && name != "fedcof" }

    /// A flush of mixed staleness, sample counts and touched rows.
    func flush(_ base: PromptState, round: Int) -> [Contribution] {
        (0..<4).map { client in
            Sample.contribution(
                client, base: base, touched: client == 2 ? [0, 2, 3] : nil, samples: 10 + 7 * client,
                staleness: client, weight: StalenessWeight.inverseSquareRoot(client), sequence: UInt64(round + 1))
        }
    }

    /// Every order in which four updates can arrive leads to the same bits.
    @Test(arguments: RosterLawTests.methods)
    func forgetsTheOrderOfArrival(name: String) throws {
        var strategy = try Self.make(name, initial)
        for round in 0..<2 {
            let contributions = flush(strategy.state, round: round)
            var sorted = strategy
            let expected = sorted.aggregate(contributions)
            for order in Self.orders(of: contributions) where order != contributions {
                var other = strategy
                #expect(other.aggregate(order) == expected)
                #expect(other.state == sorted.state && other.snapshot() == sorted.snapshot())
            }
            strategy = sorted
        }
    }

    static func orders(of contributions: [Contribution]) -> [[Contribution]] {
        guard contributions.count > 1 else { return [contributions] }
        return contributions.indices.flatMap { first in
            var rest = contributions
            let taken = rest.remove(at: first)
            return orders(of: rest).map { [taken] + $0 }
        }
    }

    @Test(arguments: RosterLawTests.methods)
    func leavesTheStateAloneWhenNothingCame(name: String) throws {
        var strategy = try Self.make(name, initial)
        let start = strategy.state
        let report = strategy.aggregate([])
        #expect(strategy.state == start)
        #expect(report.weights.isEmpty && report.births.isEmpty && report.deaths.isEmpty)
    }

    @Test(arguments: RosterLawTests.methods)
    func takesASingleContribution(name: String) throws {
        var strategy = try Self.make(name, initial)
        let report = strategy.aggregate([Sample.contribution(0, base: initial)])
        #expect(report.weights == [Self.exchanges(name) ? 1 : 0])
        #expect((strategy.state.prompts != initial.prompts) == Self.tunes(name))
        checkShapes(strategy.state)
    }

    @Test(arguments: RosterLawTests.methods)
    func weightsAreSharesAndMatchesNameThePool(name: String) throws {
        var strategy = try Self.make(name, initial)
        for round in 0..<3 {
            let old = strategy.state.promptIDs
            let contributions = flush(strategy.state, round: round)
            let report = strategy.aggregate(contributions)
            #expect(strategy.state.promptIDs.count <= strategy.largestPool)
            #expect(report.weights.count == contributions.count)
            let total: Double = Self.exchanges(name) ? 1 : 0
            #expect(report.weights.allSatisfy { $0 >= 0 } && abs(report.weights.reduce(0, +) - total) < 1e-12)
            let pool = strategy.state.promptIDs
            #expect(Set(pool).count == pool.count)
            #expect(report.births == pool.filter { !old.contains($0) })
            #expect(report.deaths == old.filter { !pool.contains($0) })
            for (matches, contribution) in zip(report.matches, contributions) where !matches.isEmpty {
                #expect(matches.count == contribution.promptIDs.count)
                let named = matches.filter { $0 != FlushReport.unmatched }
                #expect(Set(named).count == named.count && named.allSatisfy { pool.contains($0) })
            }
        }
    }

    @Test(arguments: RosterLawTests.methods)
    func aWeightOfZeroLeavesNoTrace(name: String) throws {
        // The authors' aggregation weighs all prompts alike and CA2FL knows no staleness.
        guard !["pfpt-reference", "ca2fl"].contains(name) else { return }
        var (with, without) = (try Self.make(name, initial), try Self.make(name, initial))
        let contributions = flush(initial, round: 0)
        var silent = Sample.contribution(9, base: initial, weight: 0)
        silent.parameters[Parameters.headBias]!.values[0] = 100
        // FedBuff divides by the size of the buffer, whoever fills it.
        if name.hasPrefix("fedbuff") {
            _ = with.aggregate([silent])
            #expect(with.state == initial)
        } else {
            _ = with.aggregate(contributions + [silent])
            _ = without.aggregate(contributions)
            #expect(with.state == without.state)
        }
    }

    @Test(arguments: RosterLawTests.methods)
    func leavesFixedTensorsAlone(name: String) throws {
        var initial = initial
        initial.parameters[Parameters.featureMean] = Tensor(shape: [2], values: [3, 4])
        var strategy = try Self.make(name, initial)
        for round in 0..<2 {
            var contributions = flush(strategy.state, round: round)
            // Whether a client leaves them out, as it should, or sends them.
            contributions[0].parameters[Parameters.featureMean] = nil
            _ = strategy.aggregate(contributions)
            #expect(strategy.state.parameters[Parameters.featureMean]?.values == [3, 4])
        }
    }

    @Test(arguments: RosterLawTests.methods)
    func leavesTensorsAloneThatClientsKeep(name: String) throws {
        var strategy = try Self.make(name, initial)
        for round in 0..<2 {
            var contributions = flush(strategy.state, round: round)
            for place in contributions.indices {
                for name in contributions[place].parameters.names where TrainingPlan.Personal.head.includes(name) {
                    contributions[place].parameters[name] = nil
                }
            }
            _ = strategy.aggregate(contributions)
        }
        // FedCOF makes the head itself; a run's configuration refuses a personal head beside it.
        for tensor in [Parameters.headWeight, Parameters.headBias] where name != "fedcof" {
            #expect(strategy.state.parameters[tensor] == initial.parameters[tensor])
        }
        #expect((strategy.state.prompts != initial.prompts) == Self.tunes(name))
    }

    @Test(arguments: RosterLawTests.methods)
    func aCopyIsASnapshot(name: String) throws {
        var strategy = try Self.make(name, initial)
        _ = strategy.aggregate(flush(initial, round: 0))
        var restored = strategy
        let snapshot = strategy.state
        for round in 1..<4 { _ = strategy.aggregate(flush(strategy.state, round: round)) }
        #expect(restored.state == snapshot)
        for round in 1..<4 { _ = restored.aggregate(flush(restored.state, round: round)) }
        #expect(restored.state == strategy.state)
    }

    @Test(arguments: RosterLawTests.methods, [Float(0), 1e-30, 1e6, 1e30, .greatestFiniteMagnitude])
    func staysFinite(name: String, size: Float) throws {
        var strategy = try Self.make(name, initial)
        for round in 0..<3 {
            var contributions = flush(strategy.state, round: round)
            for (place, sign) in [Float(1), -1, 1].enumerated() {
                let values = contributions[place].parameters[Parameters.prompts]!
                contributions[place].parameters[Parameters.prompts] = Tensor(
                    shape: values.shape, values: values.values.indices.map { $0 % 3 == 0 ? -sign * size : sign * size })
                for name in [Parameters.headWeight, Parameters.classMeans, Parameters.classCounts] {
                    contributions[place].parameters[name]?.values[1] = sign * size
                }
            }
            let report = strategy.aggregate(contributions)
            checkShapes(strategy.state)
            #expect(strategy.state.parameters.entries.allSatisfy { $0.tensor.firstNonFinite == nil })
            #expect(report.weights.allSatisfy { $0.isFinite })
            #expect((report.objectiveBefore ?? 0).isFinite && (report.objectiveAfter ?? 0).isFinite)
        }
        var restored = try Self.make(name, initial)
        try restored.restore(strategy.snapshot())
        #expect(restored.state == strategy.state)
    }

    @Test(arguments: RosterLawTests.methods)
    func takesPromptsThatLeftThePoolAndPromptsThatNoOneTouched(name: String) throws {
        var strategy = try Self.make(name, initial)
        for round in 0..<4 {
            var contributions = flush(initial, round: round)
            contributions[1] = Sample.contribution(1, base: initial, touched: [], sequence: UInt64(round + 1))
            _ = strategy.aggregate(contributions)
            checkShapes(strategy.state)
        }
    }

    func checkShapes(_ state: PromptState) {
        #expect(state.prompts.shape == [state.promptIDs.count, initial.width])
        #expect(!state.promptIDs.isEmpty)
        for entry in initial.parameters.entries where entry.name != Parameters.prompts {
            #expect(state.parameters[entry.name]?.shape == entry.tensor.shape)
        }
    }
}
