import PromptAggregation
import PromptTuning
import Testing

/// The head with a hidden layer and dropout; its gradients without dropout are checked by `GradientReference`.
@Suite struct HeadTests {
    private let plan: TrainingPlan = {
        var plan = TrainingPlan()
        plan.promptsPerBatch = 0
        plan.batchSize = 4
        plan.headLearningRate = 1e-2
        return plan
    }()

    private func start(_ learner: PromptLearner, hidden: Int = 6) -> PromptState {
        learner.initialState(pool: 2, classes: 3, head: HeadDesign(hidden: hidden), keyProjection: false, seed: 1)
    }

    @Test func dropoutKeepsTheMeanAndFollowsFromSeedAndStep() {
        func factors(seed: UInt64 = 7, step: Int = 3) -> [Float] {
            Dropout.factors(images: 40, hidden: 500, rate: 0.2, seed: seed, step: step)
        }
        let factors = factors()
        #expect(factors.allSatisfy { $0 == 0 || $0 == 1.25 })
        let mean: Float = factors.reduce(0, +) / Float(factors.count)
        #expect(abs(mean - 1) < 0.02)
        #expect(factors == Dropout.factors(images: 40, hidden: 500, rate: 0.2, seed: 7, step: 3))
        #expect(factors != Dropout.factors(images: 40, hidden: 500, rate: 0.2, seed: 7, step: 4))
        #expect(factors != Dropout.factors(images: 40, hidden: 500, rate: 0.2, seed: 8, step: 3))
    }

    /// Factors m of the hidden values are the same as a last layer W diag(m).
    @Test func droppedValuesTakeNoPart() throws {
        let learner = try PromptLearner(encoder: .bundled(), threads: 2)
        let dataset = try TuningDataset(PromptLearnerTests.colours(2, seed: 1))
        let state = start(learner)
        let factors: [Float] = [2, 0, 2, 2, 0, 2, 0, 2, 2, 0, 0, 2]
        let both = try learner.gradients(state, on: dataset, images: [0, 1], plan: plan, dropout: factors)
        var mean: [String: [Float]] = [:]
        for image in 0..<2 {
            let own = Array(factors[image * 6..<(image + 1) * 6])
            var masked = state
            var weight = state.parameters[Parameters.headWeight]!
            for place in weight.values.indices { weight.values[place] *= own[place % 6] }
            masked.parameters[Parameters.headWeight] = weight
            let single = try learner.gradients(masked, on: dataset, images: [image], plan: plan)
            for (name, gradient) in single.gradients {
                let scaled = gradient.indices.map {
                    gradient[$0] * (name == Parameters.headWeight ? own[$0 % 6] : 1) / 2
                }
                mean[name] = mean[name].map { zip($0, scaled).map { $0 + $1 } } ?? scaled
            }
        }
        for (name, gradient) in both.gradients {
            #expect(relativeError(gradient, mean[name]!.map(Double.init)) < 1e-5, "\(name)")
        }
    }

    @Test func tuningWithDropoutLearnsAndIsTheSameForAnyNumberOfThreads() throws {
        let encoder = try FrozenEncoder.bundled()
        let dataset = try TuningDataset(PromptLearnerTests.colours(24, seed: 2))
        var plan = plan
        plan.headDropout = 0.5
        let results = try [1, 2, 3].map { threads in
            let learner = try PromptLearner(encoder: encoder, threads: threads)
            return try #require(try learner.tune(start(learner, hidden: 32), on: dataset, plan: plan, seed: 9))
        }
        #expect(results[0] == results[1] && results[0] == results[2])
        #expect(
            results[0].parameters.names
                == ["head.bias", "head.hidden.bias", "head.hidden.weight", "head.weight", "prompts"])
        let learner = try PromptLearner(encoder: encoder, threads: 2)
        let before = start(learner, hidden: 32)
        let after = before.replacing(with: results[0])
        #expect(
            try learner.evaluate(after, on: dataset, plan: plan).loss
                < 0.8 * learner.evaluate(before, on: dataset, plan: plan).loss)
        plan.headDropout = 0
        let without = try learner.tune(before, on: dataset, plan: plan, seed: 9)
        #expect(without?.parameters != results[0].parameters)
    }

    @Test func aHeadThatFitsNothingIsRefused() throws {
        let learner = try PromptLearner(encoder: .bundled(), threads: 1)
        let dataset = try TuningDataset(PromptLearnerTests.colours(3, seed: 1))
        var state = start(learner)
        state.parameters[Parameters.headHiddenWeight] = Tensor(zeros: [6, 191])
        #expect(
            throws: TuningError.parameterShape(Parameters.headHiddenWeight, expected: "[6, 192]", found: [6, 191])
        ) { try learner.evaluate(state, on: dataset, plan: plan) }
        state = start(learner)
        state.parameters[Parameters.headHiddenBias] = nil
        #expect(throws: TuningError.missingParameter(Parameters.headHiddenBias)) {
            try learner.evaluate(state, on: dataset, plan: plan)
        }
        state = start(learner)
        state.parameters[Parameters.headWeight] = Tensor(zeros: [3, 192])
        #expect(throws: TuningError.parameterShape(Parameters.headWeight, expected: "[3, 6]", found: [3, 192])) {
            try learner.evaluate(state, on: dataset, plan: plan)
        }
        var all = plan
        all.headDropout = 1
        #expect(throws: TuningError.plan(field: "headDropout", expected: "in [0, 1)", found: "1.0")) {
            try learner.tune(start(learner), on: dataset, plan: all, seed: 1)
        }
    }
}
