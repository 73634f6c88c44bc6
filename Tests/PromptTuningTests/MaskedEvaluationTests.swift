import PromptAggregation
import PromptTuning
import Testing

/// Accuracy among the classes of an image's own source.
@Suite struct MaskedEvaluationTests {
    private struct Grouped: ImageSource {
        let images: ArrayImages
        let classGroups: [Range<Int>]
        var count: Int { images.count }
        var labels: [Int] { images.labels }
        func copyImage(_ index: Int, into pixels: UnsafeMutableBufferPointer<Float>) throws {
            images.copyImage(index, into: pixels)
        }
    }

    @Test func onlyTheClassesOfTheGroupCompete() throws {
        let learner = try PromptLearner(encoder: .bundled(imageSize: 32), threads: 1)
        var random = SeededRandom(seed: 3)
        let labels = (0..<40).map { $0 % 5 }
        let pixels = (0..<40 * 3 * 32 * 32).map { _ in Float(random.nextNormal()) }
        let images = ArrayImages(pixels: pixels, imageSize: 32, labels: labels)
        var state = learner.initialState(pool: 4, classes: 5, keyProjection: false, seed: 1)
        let weights = state.parameters[Parameters.headWeight]!
        state.parameters[Parameters.headWeight] = Tensor(
            shape: weights.shape, values: weights.values.map { _ in Float(random.nextNormal()) })
        var plan = TrainingPlan()
        plan.promptsPerBatch = 2
        let groups = [0..<2, 2..<5]
        let dataset = try TuningDataset(Grouped(images: images, classGroups: groups))
        let evaluation = try learner.evaluate(state, on: dataset, plan: plan)
        let plain = try learner.evaluate(state, on: TuningDataset(images), plan: plan)
        #expect(evaluation.classHits == plain.classHits && plain.maskedClassHits == plain.classHits)
        #expect(evaluation.maskedAccuracy > evaluation.accuracy)

        let logits = try learner.gradients(state, on: dataset, images: Array(0..<40), plan: plan).logits
        var expected = [Int](repeating: 0, count: 5)
        for (image, label) in labels.enumerated() {
            let group = groups.first { $0.contains(label) }!
            let best = group.max { logits[image * 5 + $0] < logits[image * 5 + $1] }
            if best == label { expected[label] += 1 }
        }
        #expect(evaluation.maskedClassHits == expected)
    }

    @Test func partsArePooled() {
        let parts = [
            Evaluation(classCounts: [4, 0], classHits: [1, 0], maskedClassHits: [2, 0], loss: 1),
            Evaluation(classCounts: [0, 1], classHits: [0, 1], loss: 6),
        ]
        let pooled = Evaluation(pooling: parts)
        #expect(pooled == Evaluation(classCounts: [4, 1], classHits: [1, 1], maskedClassHits: [2, 1], loss: 2))
        #expect(pooled.accuracy == 0.4 && pooled.maskedAccuracy == 0.6)
    }
}
