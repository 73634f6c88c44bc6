import PromptAggregation
import PromptTuning
import Testing

/// Whitening by fixed tensors: what it does to the features, and that a head behind it has the right gradients.
@Suite struct FeatureWhiteningTests {
    private let plan: TrainingPlan = {
        var plan = TrainingPlan()
        plan.promptsPerBatch = 0
        plan.batchSize = 8
        return plan
    }()

    /// A state with a whitened feature and a head of small random values.
    private func whitened(
        _ learner: PromptLearner, _ dataset: TuningDataset, head: HeadDesign = .linear
    ) throws -> PromptState {
        var random = SeededRandom(seed: 3)
        var state = learner.initialState(pool: 2, classes: 3, head: head, keyProjection: false, seed: 1)
        for name in [Parameters.headWeight, Parameters.headBias] {
            var tensor = state.parameters[name]!
            for place in tensor.values.indices { tensor.values[place] = Float(0.05 * random.nextNormal()) }
            state.parameters[name] = tensor
        }
        try learner.whiten(&state, by: dataset, plan: plan)
        return state
    }

    @Test(arguments: [HeadDesign.linear, HeadDesign(hidden: 5)])
    func theGradientIsThatOfTheWhitenedHead(_ head: HeadDesign) throws {
        let learner = try PromptLearner(encoder: .bundled(), threads: 2)
        let dataset = try TuningDataset(PromptLearnerTests.colours(24, seed: 1))
        let state = try whitened(learner, dataset, head: head)
        let images = Array(0..<8)
        let exact = try learner.gradients(state, on: dataset, images: images, plan: plan)
        for name in state.parameters.names where name.hasPrefix("head.") {
            let gradient = exact.gradients[name]!
            let place = gradient.indices.max { abs(gradient[$0]) < abs(gradient[$1]) }!
            func loss(_ step: Float) throws -> Double {
                var moved = state
                var tensor = moved.parameters[name]!
                tensor.values[place] += step
                moved.parameters[name] = tensor
                return try learner.gradients(moved, on: dataset, images: images, plan: plan).loss
            }
            let step: Float = 5e-3
            let difference = try (loss(step) - loss(-step)) / Double(2 * step)
            #expect(abs(difference - Double(gradient[place])) < 0.02 * abs(difference) + 1e-4, "\(name)")
        }
    }

    /// Ω (C + shrinkage · mean variance · I) Ωᵀ = I, with the more shrinkage the fewer images there are for the width.
    @Test(arguments: [(24, 8.0), (96, 2.0), (200, 0.1)])
    func theFewerTheImagesTheMoreTheVariancesAreShrunk(images: Int, shrinkage: Double) throws {
        let learner = try PromptLearner(encoder: .bundled(), threads: 2)
        let dataset = try TuningDataset(PromptLearnerTests.colours(images, seed: 4))
        let plain = learner.initialState(pool: 2, classes: 3, keyProjection: false, seed: 1)
        var state = plain
        try learner.whiten(&state, by: dataset, plan: plan)
        let features = try learner.gradients(plain, on: dataset, images: Array(0..<images), plan: plan).features
        let width = 192
        let mean = try #require(state.parameters[Parameters.featureMean]?.values)
        let matrix = try #require(state.parameters[Parameters.featureWhitening]?.values)
        var (totalVariance, widest) = (0.0, 0.0)
        for place in features.indices {
            totalVariance += Double(features[place] - mean[place % width]).squared / Double(images)
        }
        for row in [0, 1, 77, 191] {
            let weights = (0..<width).map { Double(matrix[row * width + $0]) }
            var variance = 0.0
            for image in 0..<images {
                let value = (0..<width).reduce(0.0) {
                    $0 + weights[$1] * Double(features[image * width + $1] - mean[$1])
                }
                variance += value.squared / Double(images)
            }
            variance += shrinkage * totalVariance / Double(width) * weights.reduce(0) { $0 + $1.squared }
            widest = max(widest, abs(variance - 1))
        }
        #expect(widest < 1e-2)
    }

    @Test func theFixedTensorsAreNotSentBack() throws {
        let learner = try PromptLearner(encoder: .bundled(), threads: 1)
        let dataset = try TuningDataset(PromptLearnerTests.colours(12, seed: 2))
        let state = try whitened(learner, dataset)
        let result = try #require(try learner.tune(state, on: dataset, plan: plan, seed: 1))
        #expect(result.parameters.names == ["head.bias", "head.weight", "prompts"])
        #expect(state.parameters[Parameters.featureWhitening]?.shape == [192, 192])
    }

    @Test func aFixedTensorOfAnotherShapeIsRefused() throws {
        let learner = try PromptLearner(encoder: .bundled(), threads: 1)
        let dataset = try TuningDataset(PromptLearnerTests.colours(6, seed: 2))
        var state = try whitened(learner, dataset)
        state.parameters[Parameters.featureMean] = Tensor(zeros: [3])
        #expect(throws: TuningError.parameterShape(Parameters.featureMean, expected: "[192]", found: [3])) {
            try learner.evaluate(state, on: dataset, plan: plan)
        }
        state.parameters[Parameters.featureMean] = nil
        #expect(throws: TuningError.missingParameter(Parameters.featureMean)) {
            try learner.evaluate(state, on: dataset, plan: plan)
        }
    }
}

extension Double {
    fileprivate var squared: Double { self * self }
}
