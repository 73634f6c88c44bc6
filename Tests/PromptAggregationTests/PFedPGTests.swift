import PromptAggregation
import Testing

/// The server of pFedPG; what its clients do is in `PromptGeneratorTests`.
@Suite struct PFedPGTests {
    private let initial = Sample.state(pool: 6, width: 8)
    private let names = [
        Parameters.generatorKey, Parameters.generatorOutput, Parameters.generatorQuery, Parameters.generatorValue,
    ]

    @Test func publishesAGeneratorThatTheSeedDecides() throws {
        let state = try Sample.make("pfedpg", [("attention", "5")], initial: initial).state
        #expect(state.parameters.names == (initial.parameters.names + names).sorted())
        for name in names {
            #expect(state.parameters[name]!.shape == (name == Parameters.generatorOutput ? [5, 8] : [8, 5]))
        }
        #expect(try Sample.make("pfedpg", [("attention", "5")], initial: initial).state == state)
        #expect(try Sample.make("pfedpg", [("attention", "5")], initial: initial, seed: 4).state != state)
    }

    @Test func movesEverythingByTheMeanOfTheClientsSteps() throws {
        var strategy = try Sample.make("pfedpg", initial: initial)
        let base = strategy.state
        // Sample counts do not matter; a late update weighs a third.
        let contributions = [
            Sample.contribution(0, base: base, samples: 90), Sample.contribution(1, base: base, weight: 1.0 / 3),
        ]
        #expect(strategy.aggregate(contributions).weights == [0.75, 0.25])
        for name in names + [Parameters.prompts] {
            let parts = contributions.map { $0.parameters[name]!.values }
            for (place, value) in strategy.state.parameters[name]!.values.enumerated() {
                #expect(abs(value - (0.75 * parts[0][place] + 0.25 * parts[1][place])) < 1e-5)
            }
        }
    }

    @Test func asksItsClientsForAGeneratorAndHeadsOfTheirOwn() throws {
        var plan = TrainingPlan()
        #expect(plan.generatorRate == 0)
        try StrategyCatalog.adapt(&plan, to: "pfedpg", settings: StrategySettings([("rate", "0.25")]))
        #expect(plan.generatorRate == 0.25 && plan.personal == .head)
        #expect(names.allSatisfy(plan.sends) && !plan.sends(Parameters.headWeight))
    }

    @Test func takesAPoolOfZeros() throws {
        var zeros = initial
        zeros.parameters[Parameters.prompts] = Tensor(zeros: [6, 8])
        let state = try Sample.make("pfedpg", initial: zeros).state
        #expect(state.parameters.entries.allSatisfy { $0.tensor.firstNonFinite == nil })
    }
}
