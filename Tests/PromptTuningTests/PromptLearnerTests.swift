import Foundation
import PromptAggregation
import PromptTuning
import Testing

@Suite struct PromptLearnerTests {
    /// Three classes of noisy colour, 32 px.
    static func colours(_ count: Int, seed: UInt64) -> ArrayImages {
        var random = SeededRandom(seed: seed)
        var pixels: [Float] = []
        let labels = (0..<count).map { $0 % 3 }
        for label in labels {
            for channel in 0..<3 {
                for _ in 0..<32 * 32 {
                    pixels.append(Float((channel == label ? 1 : -1) + 0.5 * random.nextNormal()))
                }
            }
        }
        return ArrayImages(pixels: pixels, imageSize: 32, labels: labels)
    }

    private func plan(_ change: (inout TrainingPlan) -> Void = { _ in }) -> TrainingPlan {
        var plan = TrainingPlan()
        plan.promptsPerBatch = 4
        plan.batchSize = 8
        plan.epochs = 2
        plan.headLearningRate = 1e-2
        change(&plan)
        return plan
    }

    @Test(arguments: TrainingPlan.Optimizer.allCases) func tuningLowersTheLoss(_ optimizer: TrainingPlan.Optimizer)
        throws
    {
        let learner = try PromptLearner(encoder: .bundled(), threads: 2)
        let dataset = try TuningDataset(Self.colours(24, seed: 1))
        let plan = plan { $0.optimizer = optimizer }
        let start = learner.initialState(pool: 6, classes: 3, keyProjection: true, seed: 1)
        let before = try learner.evaluate(start, on: dataset, plan: plan)
        let result = try #require(try learner.tune(start, on: dataset, plan: plan, seed: 5))
        #expect(abs(before.loss - log(3)) < 1e-5)
        #expect(result.steps == 6)
        #expect(result.sampleCount == 24)
        #expect(result.promptIDs.count == result.parameters[Parameters.prompts]?.rows)
        let after = try learner.evaluate(start.replacing(with: result), on: dataset, plan: plan)
        #expect(after.loss < 0.9 * before.loss)
        #expect(after.accuracy > 0.9)
    }

    @Test func threadsAndRepetitionsGiveTheSameBits() throws {
        let encoder = try FrozenEncoder.bundled()
        let plan = plan { $0.maximumSteps = 3 }
        let results = try [1, 2, 2, 3].map { threads in
            let learner = try PromptLearner(encoder: encoder, threads: threads)
            let dataset = try TuningDataset(Self.colours(20, seed: 2))
            let start = learner.initialState(pool: 6, classes: 3, keyProjection: true, seed: 1)
            return try learner.tune(start, on: dataset, plan: plan, seed: 9)
        }
        #expect(results.allSatisfy { $0 == results[0] && $0 != nil })
    }

    /// A bound that no norm reaches has the prompts' gradients computed and changes nothing else.
    @Test(arguments: EncoderPrecision.allCases) func aHeadIsTunedToTheSameBitsWithoutGradientsOfThePrompts(
        _ precision: EncoderPrecision
    ) throws {
        let learner = try PromptLearner(encoder: try .bundled(precision: precision), threads: 2)
        let dataset = try TuningDataset(Self.colours(20, seed: 2))
        let start = learner.initialState(pool: 6, classes: 3, keyProjection: true, seed: 1)
        let results = try [0, 1e30].map { bound in
            let plan = plan {
                $0.promptLearningRate = 0
                $0.gradientClip = bound
            }
            return try #require(try learner.tune(start, on: dataset, plan: plan, seed: 9))
        }
        #expect(results[0] == results[1])
        let tuned = start.replacing(with: results[0])
        #expect(tuned.prompts == start.prompts)
        #expect(tuned.parameters[Parameters.headWeight] != start.parameters[Parameters.headWeight])
    }

    @Test func deepPromptsAreTunedAsOneRowEach() throws {
        let encoder = try FrozenEncoder.bundled()
        let dataset = try TuningDataset(Self.colours(20, seed: 2))
        let plan = plan { $0.maximumSteps = 3 }
        let results = try [1, 3].map { threads in
            let learner = try PromptLearner(encoder: encoder, threads: threads)
            let start = learner.initialState(pool: 6, promptDepth: 6, classes: 3, keyProjection: true, seed: 1)
            #expect(start.prompts.shape == [6, 6 * 192])
            let result = try #require(try learner.tune(start, on: dataset, plan: plan, seed: 9))
            let prompts = try #require(result.parameters[Parameters.prompts])
            #expect(prompts.shape == [result.promptIDs.count, 6 * 192])
            for (row, identity) in result.promptIDs.enumerated() {
                for layer in 0..<6 {
                    let columns = layer * 192..<(layer + 1) * 192
                    let before = start.prompts.row(Int(identity))
                    let moved = columns.contains {
                        before[before.startIndex + $0] != prompts.row(row)[prompts.row(row).startIndex + $0]
                    }
                    #expect(moved, "row \(row), layer \(layer)")
                }
            }
            let (before, after) = (
                try learner.evaluate(start, on: dataset, plan: plan),
                try learner.evaluate(start.replacing(with: result), on: dataset, plan: plan)
            )
            #expect(after.loss < before.loss)
            return result
        }
        #expect(results[0] == results[1])
    }

    @Test func kernelVariantsAgree() throws {
        let encoder = try FrozenEncoder.bundled()
        let dataset = try TuningDataset(Self.colours(6, seed: 2))
        let plan = plan()
        let steps = try KernelVariant.supported.map { kernels in
            let learner = try PromptLearner(encoder: encoder, threads: 2, kernels: kernels)
            let state = learner.initialState(
                pool: 5, promptDepth: 3, classes: 3, head: HeadDesign(hidden: 7), keyProjection: true, seed: 1)
            return try learner.gradients(state, on: dataset, images: Array(0..<6), plan: plan)
        }
        for (kernels, step) in zip(KernelVariant.supported, steps) {
            for (name, gradient) in step.gradients {
                let error = relativeError(gradient, steps[0].gradients[name]!.map(Double.init))
                #expect(error < 1e-5, "\(kernels) against \(KernelVariant.supported[0]), \(name): \(error)")
            }
            #expect(relativeError(step.features, steps[0].features.map(Double.init)) < 1e-5)
        }
    }

    @Test func theFirstPromptsAreScaledAndNothingElseIs() throws {
        let learner = try PromptLearner(encoder: .bundled(), threads: 1)
        func start(_ scale: Double) -> PromptState {
            learner.initialState(pool: 4, promptDepth: 2, promptScale: scale, classes: 3, keyProjection: true, seed: 1)
        }
        let (plain, small) = (start(1), start(0.125))
        #expect(small.prompts.values == plain.prompts.values.map { (value: Float) -> Float in 0.125 * value })
        var others = small.parameters
        others[Parameters.prompts] = plain.prompts
        #expect(others == plain.parameters)
        let fanSum: Float = 3 * 4 * 4 + 192  // patches of 4 pixels, width 192
        let bound = (6 / fanSum).squareRoot()
        let largest: Float = plain.prompts.values.map { abs($0) }.max()!
        #expect(largest <= bound && largest > 0.95 * bound)
    }

    @Test func stopsWhenTold() throws {
        let learner = try PromptLearner(encoder: .bundled(), threads: 1)
        let dataset = try TuningDataset(Self.colours(8, seed: 3))
        let start = learner.initialState(pool: 4, classes: 3, keyProjection: false, seed: 1)
        #expect(try learner.tune(start, on: dataset, plan: plan(), seed: 1, shouldStop: { true }) == nil)
    }

    @Test func returnsOnlyTheTouchedPrompts() throws {
        let learner = try PromptLearner(encoder: .bundled(), threads: 2)
        let dataset = try TuningDataset(Self.colours(8, seed: 4))
        let plan = plan {
            $0.epochs = 1
            $0.promptsPerBatch = 2
        }
        let start = learner.initialState(pool: 9, classes: 3, keyProjection: false, seed: 1)
        let result = try #require(try learner.tune(start, on: dataset, plan: plan, seed: 1))
        #expect(result.promptIDs.count == 2)
        #expect(result.parameters[Parameters.prompts]?.shape == [2, 192])
    }

    @Test func badInputIsRefused() throws {
        let learner = try PromptLearner(encoder: .bundled(), threads: 1)
        let dataset = try TuningDataset(Self.colours(6, seed: 4))
        let start = learner.initialState(pool: 4, classes: 2, keyProjection: false, seed: 1)
        #expect(throws: TuningError.label(image: 2, label: 2, classes: 2)) {
            try learner.tune(start, on: dataset, plan: plan(), seed: 1)
        }
        var headless = start
        headless.parameters[Parameters.headBias] = nil
        #expect(throws: TuningError.missingParameter(Parameters.headBias)) {
            try learner.evaluate(headless, on: dataset, plan: plan())
        }
        let narrow = PromptState(
            parameters: Parameters(
                [(Parameters.prompts, Tensor(zeros: [1, 8]))] + [
                    (Parameters.headWeight, Tensor(zeros: [3, 8])), (Parameters.headBias, Tensor(zeros: [3])),
                ]), promptIDs: [0])
        #expect(
            throws: TuningError.parameterShape(
                Parameters.prompts, expected: "[1, 192], or up to 6 times as wide", found: [1, 8])
        ) {
            try learner.tune(narrow, on: dataset, plan: plan(), seed: 1)
        }
        #expect(throws: TuningError.plan(field: "batchSize", expected: "at least 1", found: "0")) {
            try learner.tune(start, on: dataset, plan: plan { $0.batchSize = 0 }, seed: 1)
        }
        #expect(throws: TuningError.threads(0)) { try PromptLearner(encoder: learner.encoder, threads: 0) }
    }
}

extension PromptState {
    /// The state with the tuned values in the places of those that they came from.
    func replacing(with result: TuningResult) -> PromptState {
        var parameters = result.parameters
        var prompts = self.prompts
        for (row, identity) in result.promptIDs.enumerated() {
            let place = promptIDs.firstIndex(of: identity)! * width
            prompts.values.replaceSubrange(
                place..<place + width, with: result.parameters[Parameters.prompts]!.row(row))
        }
        parameters[Parameters.prompts] = prompts
        return PromptState(parameters: parameters, promptIDs: promptIDs)
    }
}
