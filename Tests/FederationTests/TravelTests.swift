import Federation
import PromptAggregation
import Testing

/// What of a state travels, and how its values do.
@Suite struct TravelTests {
    private let fixed = Parameters.featureMean

    private func bench(_ precision: Precision = .float32) throws -> Bench {
        let beside = [
            (name: fixed, tensor: Tensor(shape: [2], values: [0.1, 0.2])),
            (name: Parameters.headBias, tensor: Tensor(shape: [2], values: [0.3, 0.4])),
        ]
        var bench = try Bench(
            FederationConfiguration(seed: 1, mode: .continuous, plan: plan, precision: precision),
            strategy: SummingStrategy(beside: beside))
        bench.hello("a")
        return bench
    }

    private var plan: TrainingPlan {
        var plan = TrainingPlan()
        plan.personal = .head
        return plan
    }

    private func travelled(_ bench: Bench) -> [AggregatorMessage.Prompts] {
        bench.last.compactMap { if case .publish(_, .prompts(let it)) = $0 { it } else { nil } }
    }

    @Test func whatDidNotChangeIsLeftOutAndMadeWholeAgain() throws {
        var bench = try bench()
        bench.update("a", base: 0)
        let first = try #require(travelled(bench).first)
        #expect(first.changed.parameters.names == [Parameters.prompts])
        #expect(first.unchanged.map(\.name) == [fixed, Parameters.headBias])
        #expect(first.unchanged.allSatisfy { $0.since == 0 })
        #expect(first.completed(by: nil) == nil, "nobody can make it whole out of nothing")
        let zero = AggregatorMessage.GlobalPrompts(
            version: 0,
            state: SummingStrategy(
                beside: bench.aggregator.current.state.parameters.entries.filter {
                    $0.name != Parameters.prompts
                }.map { ($0.name, $0.tensor) }
            ).state)
        #expect(first.completed(by: zero) == bench.aggregator.current)
        bench.take(.received(.fetch(.init(client: ClientID("a"), session: 1, holding: -1))))
        #expect(travelled(bench).map(\.unchanged) == [[]])
        #expect(travelled(bench).first?.completed(by: nil) == bench.aggregator.current)
    }

    /// Clients start from what was published, so the base that an update is compared with is rounded too.
    @Test func halfPrecisionRoundsWhatIsPublishedAndNotWhatIsKept() throws {
        var bench = try bench(.float16)
        for turn in 1...3 { bench.update("a", base: turn - 1, values: [0.1, 0]) }
        let published = bench.aggregator.current.state.prompts.values[0]
        #expect(published == Float(Float16(Float(0.1) + 0.1 + 0.1)))
        #expect(published != Float(0.1) + 0.1 + 0.1)
        #expect(bench.aggregator.current.state.parameters[fixed]?.values == [0.1, 0.2], "fixed tensors travel once")
        #expect(travelled(bench).allSatisfy { $0.precision == .float16 })
        bench.hello("b")
        let welcomes = bench.last.compactMap {
            if case .publish(_, .welcome(let it)) = $0 { it.precision } else { nil }
        }
        #expect(welcomes == [.float16])
    }

    @Test func countsAreExactInHalfPrecision() throws {
        let counts = Tensor(shape: [2], values: [2049, 70_001])
        let bench = try Bench(
            FederationConfiguration(seed: 1, mode: .continuous, precision: .float16),
            strategy: SummingStrategy(beside: [(Parameters.classCounts, counts)]))
        #expect(bench.aggregator.current.state.parameters[Parameters.classCounts] == counts)
    }

    @Test(arguments: [
        (Float(1) / 3, Float(Float16(Float(1) / 3))), (1e9, 65504), (-1e9, -65504), (0, 0), (1e-9, 0), (65519, 65504),
    ])
    func halfPrecisionIsFinite(value: Float, expected: Float) {
        #expect(Precision.float16.rounded(value) == expected)
        #expect(Precision.float32.rounded(value) == value)
    }
}
