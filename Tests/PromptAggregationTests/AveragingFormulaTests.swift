import PromptAggregation
import Testing

/// The published formulas, by hand on a state of one number; where known implementations deviate, the paper's value.
@Suite struct AveragingFormulaTests {
    static func state(_ value: Float, id: PromptID = 0) -> PromptState {
        PromptState(
            parameters: Parameters([(Parameters.prompts, Tensor(shape: [1, 1], values: [value]))]), promptIDs: [id])
    }

    static func contribution(
        _ client: Int, from base: Float, to value: Float, samples: Int = 1, staleness: Int = 0,
        policy: StalenessWeight = .constant, sequence: UInt64 = 1
    ) -> Contribution {
        Contribution(
            client: ClientID(Sample.name(client)), session: 1, sequence: sequence,
            parameters: state(value).parameters, promptIDs: [0], base: state(base), sampleCount: samples,
            staleness: staleness, stalenessWeight: policy(staleness))
    }

    static func value(_ strategy: any AggregationStrategy) -> Float { strategy.state.prompts.values[0] }

    @Test func fedBuffDividesByTheBufferAndTakesTheDisplacementFromTheBase() throws {
        var strategy = try Sample.make("fedbuff", initial: Self.state(10))
        // Δ = 1 and 4 with weights 1 and 1/√(1 + 3) = 1/2: 10 + (1 + 2) / 2.
        _ = strategy.aggregate([
            Self.contribution(0, from: 10, to: 11),
            Self.contribution(1, from: 3, to: 7, staleness: 3, policy: .inverseSquareRoot),
        ])
        #expect(Self.value(strategy) == 11.5)
    }

    @Test func stalenessWeightsAreThePapers() {
        #expect(StalenessWeight.inverseSquareRoot(3) == 0.5)
        #expect(StalenessWeight.inverseSquareRoot(8) == 1.0 / 3)
        #expect(abs(StalenessWeight.polynomial(exponent: 0.5)(3) - 0.5) < 1e-15)
        #expect(StalenessWeight.hinge(slope: 10, grace: 4)(4) == 1)
        #expect(StalenessWeight.hinge(slope: 10, grace: 4)(6) == 1.0 / 21)
        #expect(StalenessWeight.constant(100) == 1)
    }

    @Test func fedAsyncMixesTheWholeLocalState() throws {
        var strategy = try Sample.make("fedasync", [("mixing", "0.5")], initial: Self.state(8))
        // α = 0.5 · 1/2: 0.75 · 8 + 0.25 · 4, whatever the base was; then 0.5 · 7 + 0.5 · 3.
        _ = strategy.aggregate([Self.contribution(0, from: 2, to: 4, staleness: 3, policy: .inverseSquareRoot)])
        #expect(Self.value(strategy) == 7)
        _ = strategy.aggregate([Self.contribution(1, from: 7, to: 3)])
        #expect(Self.value(strategy) == 5)
    }

    @Test func ca2flCalibratesWithTheLastDisplacements() throws {
        var strategy = try Sample.make("ca2fl", [("clients", "4")], initial: Self.state(0))
        // h = 0: v = (1 + 3) / 2.
        _ = strategy.aggregate([Self.contribution(0, from: 0, to: 1), Self.contribution(1, from: 0, to: 3)])
        #expect(Self.value(strategy) == 2)
        // h = (1 + 3) / 4 = 1: v = 1 + ((2 − 1) + (4 − 0)) / 2.
        _ = strategy.aggregate([
            Self.contribution(0, from: 2, to: 4, sequence: 2), Self.contribution(2, from: 2, to: 6),
        ])
        #expect(Self.value(strategy) == 5.5)
    }

    @Test(arguments: [("adam", 0.19), ("yogi", 0.19), ("adagrad", 1.0)])
    func fedOptKeepsItsMomentsAsThePaperSays(rule: String, growth: Double) throws {
        let epsilon = 0.001
        var strategy = try Sample.make(
            "fedopt",
            [("rule", rule), ("server_rate", "0.1"), ("beta1", "0.9"), ("beta2", "0.81"), ("epsilon", "0.001")],
            initial: Self.state(1))
        _ = strategy.aggregate([Self.contribution(0, from: 1, to: 3)])
        // Δ = 2: m = 0.2; v starts at ε². There is no correction of the moments' start.
        let start = epsilon * epsilon
        let v = rule == "adam" ? 0.81 * start + growth * 4 : start + growth * 4
        #expect(abs(Double(Self.value(strategy)) - (1 + 0.1 * 0.2 / (v.squareRoot() + epsilon))) < 1e-7)
    }

    @Test func medianOfAnEvenNumberIsTheMiddle() throws {
        var strategy = try Sample.make("median", initial: Self.state(10))
        _ = strategy.aggregate(
            [(0, 11), (1, 12), (2, 16), (3, 1000)].map { Self.contribution($0.0, from: 10, to: $0.1) })
        #expect(Self.value(strategy) == 14)
    }

    @Test func trimmedMeanLeavesOutEitherEnd() throws {
        var strategy = try Sample.make("trimmed-mean", [("trim", "0.25")], initial: Self.state(0))
        _ = strategy.aggregate(
            [(0, -900), (1, 2), (2, 4), (3, 1000)].map { Self.contribution($0.0, from: 0, to: $0.1) })
        #expect(Self.value(strategy) == 3)
    }

    @Test func clippingShortensLongDisplacementsOnly() throws {
        var strategy = try Sample.make("fedavg", [("clip", "2")], initial: Self.state(0))
        _ = strategy.aggregate([Self.contribution(0, from: 0, to: 10), Self.contribution(1, from: 0, to: -1)])
        #expect(Self.value(strategy) == 0.5)
    }

    @Test func fedProxAsksItsClientsForAProximalTerm() throws {
        var plan = TrainingPlan()
        try StrategyCatalog.adapt(&plan, to: "fedprox", settings: StrategySettings([("proximal_weight", "0.5")]))
        #expect(plan.proximalWeight == 0.5)
        var untouched = TrainingPlan()
        try StrategyCatalog.adapt(&untouched, to: "fedavg")
        #expect(untouched == TrainingPlan())
    }
}
