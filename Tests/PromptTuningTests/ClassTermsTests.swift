import Foundation
import PromptAggregation
import PromptTuning
import Testing

/// How a client's class frequencies enter its loss.
@Suite struct ClassTermsTests {
    private let labels = [0, 0, 0, 0, 2, 2, 3]

    private func terms(_ change: (inout TrainingPlan) -> Void) -> ClassTerms {
        var plan = TrainingPlan()
        change(&plan)
        return ClassTerms(plan, labels: labels, classes: 5)
    }

    @Test func withoutOptionsNothingChanges() {
        let terms = terms { _ in }
        #expect(terms.adjustment == [0, 0, 0, 0, 0])
        #expect(terms.weights == [1, 1, 1, 1, 1])
    }

    @Test func weightsAreInverseToTheEffectiveNumbers() {
        let beta = 0.9
        let weights = terms { $0.classBalance = beta }.weights
        let counts = [4.0, 0, 2, 1, 0]
        let effective = counts.map { (1 - pow(beta, $0)) / (1 - beta) }
        for (a, b) in [(0, 2), (2, 3)] {
            #expect(abs(Double(weights[a] / weights[b]) - effective[b] / effective[a]) < 1e-6)
        }
        let mean = zip(counts, weights).reduce(0) { $0 + $1.0 * Double($1.1) } / 7
        #expect(abs(mean - 1) < 1e-6)
        #expect(weights[1] == 0 && weights[4] == 0)
    }

    @Test func nearOneEveryClassCountsTheSame() {
        let weights = terms { $0.classBalance = 0.999999 }.weights
        // Seven images in three classes: 7 / (3 n) each.
        for (label, count) in [(0, 4.0), (2, 2), (3, 1)] {
            #expect(abs(Double(weights[label]) - 7 / (3 * count)) < 1e-5)
        }
    }

    @Test func frequenciesAreAddedToTheLogits() {
        let adjustment = terms { $0.logitAdjustment = 2 }.adjustment
        #expect(abs(Double(adjustment[2]) - 2 * log(2.0 / 7)) < 1e-6)
        #expect(adjustment[1] == -.infinity)
    }

    @Test func theLossAndItsGradientAreWeighted() throws {
        let learner = try PromptLearner(encoder: .bundled(), threads: 2)
        let images = PromptLearnerTests.colours(6, seed: 3)
        let dataset = try TuningDataset(ArrayImages(pixels: images.pixels, imageSize: 32, labels: [0, 0, 0, 0, 1, 2]))
        let state = learner.initialState(pool: 2, classes: 3, keyProjection: false, seed: 1)
        var plan = TrainingPlan()
        plan.promptsPerBatch = 0
        plan.classBalance = 0.999999
        let step = try learner.gradients(state, on: dataset, images: [0, 4], plan: plan)
        // The head is zero, so each image's loss is log 3; weights 6 / (3 · 4) and 6 / 3.
        #expect(abs(step.loss - (0.5 + 2) / 2 * log(3)) < 1e-4)
        let expected = [0.5 * (1.0 / 3 - 1) + 2.0 / 3, 0.5 / 3 + 2 * (1.0 / 3 - 1), 0.5 / 3 + 2.0 / 3].map { $0 / 2 }
        for (found, expected) in zip(step.gradients[Parameters.headBias]!, expected) {
            #expect(abs(Double(found) - expected) < 1e-4)
        }
        let evaluation = try learner.evaluate(state, on: dataset, plan: plan)
        #expect(abs(evaluation.loss - log(3)) < 1e-6)
    }
}
