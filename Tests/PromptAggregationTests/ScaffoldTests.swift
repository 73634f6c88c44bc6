import PromptAggregation
import Testing

/// The server of SCAFFOLD, by hand on a state of one number, and against FedAvg.
@Suite struct ScaffoldTests {
    static let control = Parameters.control(of: Parameters.prompts)

    /// A client that moved the value from 0 to `value`, and its control variate by `change`.
    static func contribution(
        _ client: Int, base: PromptState, by moved: Float, change: Float, weight: Double = 1, sequence: UInt64 = 1
    ) -> Contribution {
        let start = base.prompts.values[0]
        var contribution = AveragingFormulaTests.contribution(
            client, from: start, to: start + moved, sequence: sequence)
        contribution.base = base
        contribution.stalenessWeight = weight
        contribution.parameters[control] = Tensor(
            shape: [1, 1], values: [base.parameters[control]!.values[0] + change])
        return contribution
    }

    static func controlValue(_ strategy: any AggregationStrategy) -> Float {
        strategy.state.parameters[control]!.values[0]
    }

    @Test func movesTheStateByTheMeanAndTheControlByItsShareOfAllClients() throws {
        var strategy = try Sample.make(
            "scaffold", [("clients", "8"), ("server_rate", "0.5")], initial: AveragingFormulaTests.state(10))
        #expect(Self.controlValue(strategy) == 0)
        // x = 10 + 0.5 · (2 + 6) / 2;  c = 0 + 2/8 · (4 + 12) / 2.
        _ = strategy.aggregate([
            Self.contribution(0, base: strategy.state, by: 2, change: 4),
            Self.contribution(1, base: strategy.state, by: 6, change: 12),
        ])
        #expect(AveragingFormulaTests.value(strategy) == 12)
        #expect(Self.controlValue(strategy) == 2)
        // x = 12 + 0.5 · 1;  c = 2 + 1/8 · (−8).
        _ = strategy.aggregate([Self.contribution(1, base: strategy.state, by: 1, change: -8, sequence: 2)])
        #expect(AveragingFormulaTests.value(strategy) == 12.5)
        #expect(Self.controlValue(strategy) == 1)
    }

    @Test func aLateUpdateCountsLessForTheStateAndWholeForTheControl() throws {
        var strategy = try Sample.make("scaffold", [("clients", "2")], initial: AveragingFormulaTests.state(0))
        // x = (1 · 4 + 1/3 · 8) / (1 + 1/3);  c = (2 + 6) / 2.
        _ = strategy.aggregate([
            Self.contribution(0, base: strategy.state, by: 4, change: 2),
            Self.contribution(1, base: strategy.state, by: 8, change: 6, weight: 1.0 / 3),
        ])
        #expect(abs(AveragingFormulaTests.value(strategy) - 5) < 1e-6)
        #expect(Self.controlValue(strategy) == 4)
    }

    @Test func theControlStaysTheMeanOfTheClientsOwnWhileClientsAreStillComing() throws {
        var strategy = try Sample.make("scaffold", initial: AveragingFormulaTests.state(0))
        var own = [Float](repeating: 0, count: 7)
        var heard: Set<Int> = []
        var random = SeededRandom(seed: 4)
        for round in 0..<12 {
            let base = strategy.state
            let clients = Array(0..<min(7, 2 + round)).shuffled(using: &random).prefix(2).sorted()
            var contributions: [Contribution] = []
            for client in clients {
                let change = Float(random.nextNormal())
                own[client] += change
                heard.insert(client)
                contributions.append(
                    Self.contribution(client, base: base, by: 0, change: change, sequence: UInt64(round + 1)))
            }
            _ = strategy.aggregate(contributions)
            let mean = own.reduce(0, +) / Float(heard.count)
            #expect(abs(Self.controlValue(strategy) - mean) < 1e-5)
        }
        #expect(heard.count == 7)
    }

    @Test func withoutControlVariatesAndWithEqualSampleCountsItIsFedAvg() throws {
        let initial = Sample.state()
        var scaffold = try Sample.make("scaffold", initial: initial)
        var average = try Sample.make("fedavg", initial: initial)
        for round in 0..<3 {
            let contributions = (0..<4).map {
                Sample.contribution(
                    $0, base: average.state, touched: $0 == 2 ? [0, 2] : nil, sequence: UInt64(round + 1))
            }
            #expect(scaffold.aggregate(contributions) == average.aggregate(contributions))
            for entry in average.state.parameters.entries {
                #expect(scaffold.state.parameters[entry.name] == entry.tensor)
            }
        }
    }

    @Test func asksItsClientsForControlVariatesAndPlainSGD() throws {
        var plan = TrainingPlan()
        try StrategyCatalog.adapt(&plan, to: "scaffold")
        #expect(plan.controlVariates && plan.optimizer == .sgd && plan.momentum == 0)
    }

    @Test func isolatedAsksItsClientsToKeepEverything() throws {
        var plan = TrainingPlan()
        #expect(plan.sends(Parameters.headBias) && !plan.sends(Parameters.featureMean))
        try StrategyCatalog.adapt(&plan, to: "isolated")
        #expect(plan.personal == .everything)
        #expect(Sample.state().parameters.names.filter(plan.sends) == [Parameters.prompts])
        plan.personal = .head
        let names = [Parameters.headHiddenWeight, Parameters.keyWeight, Parameters.prompts]
        #expect(names.filter(plan.sends) == [Parameters.keyWeight, Parameters.prompts])
        #expect(!plan.sends(Parameters.control(of: Parameters.headBias)))
        #expect(plan.sends(Parameters.control(of: Parameters.prompts)))
    }
}
