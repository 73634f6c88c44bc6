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
        let state = PromptState(
            parameters: Parameters([
                (Parameters.prompts, Tensor(zeros: [1, 2])), (Parameters.headBias, Tensor(zeros: [3])),
            ]), promptIDs: [0])
        var aggregator = Aggregator(
            configuration: FederationConfiguration(seed: 1, mode: .continuous, plan: plan),
            strategy: try StrategyCatalog.make(name: "fedavg", initial: state, seed: 1))
        let client = ClientID("a")
        let hello = ClientMessage.Hello(
            client: client, session: 1, lastVersion: -1, sampleCount: 10, encoderDigest: "")
        let update = ClientMessage.Update(
            client: client, session: 1, sequence: 1, task: 1, baseVersion: 0, sampleCount: 10,
            parameters: Parameters(tensors), promptIDs: ids, metrics: [])
        let events: [AggregatorEvent.Kind] = [.started, .received(.hello(hello)), .received(.update(update))]
        var reasons: [String] = []
        for event in events {
            for effect in aggregator.handle(AggregatorEvent(time: Timestamp(nanoseconds: 0), kind: event)) {
                if case .publish(_, .reject(let reject)) = effect { reasons.append(reject.reason) }
            }
        }
        #expect(aggregator.version == (reasons.isEmpty ? 1 : 0))
        return reasons.first
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
