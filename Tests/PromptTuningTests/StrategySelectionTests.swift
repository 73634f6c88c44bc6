import PromptAggregation
import PromptTuning
import Testing

/// Every strategy of the catalog with clients that pick prompts for each batch, and with clients that use the whole pool.
@Suite struct StrategySelectionTests {
    private let learner: PromptLearner
    private let initial: PromptState
    private let datasets: [TuningDataset]

    init() throws {
        learner = try PromptLearner(encoder: .bundled(), threads: 2)
        datasets = try [3, 4].map { try TuningDataset(PromptLearnerTests.colours(8, seed: $0)) }
        var state = learner.initialState(pool: 4, classes: 3, keyProjection: true, seed: 1)
        // A head under which the loss depends on the prompts.
        var random = SeededRandom(seed: 2)
        state.parameters[Parameters.headWeight] = Tensor(
            shape: [3, 192], values: (0..<3 * 192).map { _ in Float(0.1 * random.nextNormal()) })
        initial = state
    }

    private func make(_ name: String) throws -> any AggregationStrategy {
        let keys = try StrategyCatalog.entry(name).settings.map(\.key)
        let quick = [(key: "sweeps", value: "2"), (key: "hidden", value: "8")].filter { keys.contains($0.key) }
        return try StrategyCatalog.make(name: name, settings: StrategySettings(quick), initial: initial, seed: 1)
    }

    /// One step of two clients on all of their images, and the flush of what they send.
    private func round(_ name: String, picked: Int) throws -> (updates: [TuningResult], state: PromptState) {
        var plan = TrainingPlan()
        plan.batchSize = 8
        plan.maximumSteps = 1
        plan.promptsPerBatch = picked
        plan.similarityWeight = 0
        try StrategyCatalog.adapt(&plan, to: name)
        var strategy = try make(name)
        let base = strategy.state
        let updates = try datasets.map {
            try #require(try learner.tune(base, on: $0, plan: plan, seed: 2))
        }
        let contributions = updates.enumerated().map { client, update in
            Contribution(
                client: ClientID("c\(client)"), session: 1, sequence: 1, parameters: update.parameters,
                promptIDs: update.promptIDs, base: base, sampleCount: 8, staleness: 0, stalenessWeight: 1)
        }
        _ = strategy.aggregate(contributions)
        return (updates, strategy.state)
    }

    @Test(arguments: StrategyCatalog.names)
    func picksPromptsOrUsesThePool(name: String) throws {
        let off = try round(name, picked: 0)
        let all = try round(name, picked: 4)
        let two = try round(name, picked: 2)
        // Prompts that no batch picked come back where the method moves them all the same, or where clients keep them.
        let rows =
            ["fedcof": [0, 0, 0], "isolated": [0, 0, 0], "pfedpg": [4, 4, 4], "scaffold": [4, 4, 4]][name] ?? [4, 4, 2]
        for (result, rows) in zip([off, all, two], rows) {
            #expect(result.updates.allSatisfy { $0.promptIDs.count == rows })
            #expect(result.updates.allSatisfy { $0.parameters[Parameters.prompts]?.rows == rows })
            #expect(result.state.parameters.entries.allSatisfy { $0.tensor.firstNonFinite == nil })
            #expect((result.state.prompts == initial.prompts) == (rows == 0))
        }
        for (client, update) in off.updates.enumerated() {
            // Picking all changes their order before the encoder, and so the rounding.
            #expect(abs(update.meanLoss - all.updates[client].meanLoss) < 1e-5)
            // FedCOF's clients use no prompts at all.
            #expect((abs(update.meanLoss - two.updates[client].meanLoss) > 1e-5) == (name != "fedcof"))
        }
    }
}
