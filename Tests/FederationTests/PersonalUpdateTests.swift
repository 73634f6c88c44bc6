import Federation
import PromptAggregation
import Testing

/// An update holds what its plan has clients send, no more and no less.
@Suite struct PersonalUpdateTests {
    /// Sends one update to a new aggregator and returns why it was rejected, nil when it was not.
    private func rejection(
        _ personal: TrainingPlan.Personal, _ tensors: [(name: String, tensor: Tensor)], ids: [PromptID]
    ) throws -> String? {
        var plan = TrainingPlan()
        plan.personal = personal
        let strategy = SummingStrategy(pool: 1, beside: [(Parameters.headBias, Tensor(zeros: [3]))])
        var bench = try Bench(
            FederationConfiguration(seed: 1, mode: .buffered(.init(size: 9, flushAfter: nil)), plan: plan),
            strategy: strategy)
        bench.hello("a")
        bench.hello("b")
        bench.take(
            .received(
                .update(
                    .init(
                        client: ClientID("a"), session: 1, run: Bench.run, task: bench.tasks["a"]!.number,
                        baseVersion: 0, sampleCount: 10, parameters: Parameters(tensors), promptIDs: ids, metrics: [])))
        )
        #expect((bench.verdicts == [.accepted]) == bench.rejects.isEmpty)
        return bench.rejects.first?.reason
    }

    private let prompts = (name: Parameters.prompts, tensor: Tensor(shape: [1, 2], values: [1, 2]))
    private let noPrompts = (name: Parameters.prompts, tensor: Tensor(zeros: [0, 2]))
    private let bias = (name: Parameters.headBias, tensor: Tensor(zeros: [3]))

    @Test func holdsWhatThePlanSays() throws {
        #expect(try rejection(.nothing, [prompts, bias], ids: [0]) == nil)
        #expect(try rejection(.head, [prompts], ids: [0]) == nil)
        #expect(try rejection(.everything, [noPrompts], ids: []) == nil)
    }

    @Test func holdsNoMoreAndNoLess() throws {
        #expect(
            try rejection(.nothing, [prompts], ids: [0])
                == "expected the tensors [\"head.bias\", \"prompts\"], found [\"prompts\"]")
        #expect(
            try rejection(.head, [prompts, bias], ids: [0])
                == "expected the tensors [\"prompts\"], found [\"head.bias\", \"prompts\"]")
    }
}
