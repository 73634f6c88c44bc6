import PromptAggregation
import PromptTuning
import Synchronization
import Testing

/// Prompts that enter before a later block (`TrainingPlan.firstBlock`). What is computed is in `ModelVectorTests`; here is
/// that it is computed once.
@Suite struct FirstBlockTests {
    /// Images that count how often they are read.
    private final class CountedImages: ImageSource {
        private let images: ArrayImages
        private let reads = Mutex(0)

        init(_ count: Int) { images = PromptLearnerTests.colours(count, seed: 2) }

        var count: Int { images.count }
        var labels: [Int] { images.labels }

        func copyImage(_ index: Int, into pixels: UnsafeMutableBufferPointer<Float>) throws {
            reads.withLock { $0 += 1 }
            images.copyImage(index, into: pixels)
        }

        /// Reads since the last call.
        func newReads() -> Int {
            reads.withLock { reads in
                defer { reads = 0 }
                return reads
            }
        }
    }

    /// What the first blocks leave of an image of the bundled encoder: 65 tokens of 192 float32.
    private static let rowBytes = 65 * 192 * 4

    private static func plan(_ block: Int) -> TrainingPlan {
        var plan = TrainingPlan()
        plan.promptsPerBatch = 4
        plan.batchSize = 8
        plan.epochs = 2
        plan.headLearningRate = 1e-2
        plan.firstBlock = block
        return plan
    }

    @Test(arguments: EncoderPrecision.allCases, [3, 5]) func whatIsKeptChangesNoBit(
        _ precision: EncoderPrecision, _ block: Int
    ) throws {
        let plan = Self.plan(block)
        let outcomes = try [(1, 0), (2, 7 * Self.rowBytes), (3, 1 << 30)].map { threads, bytes in
            let learner = try PromptLearner(
                encoder: .bundled(precision: precision, cacheBytes: bytes), threads: threads)
            let dataset = try TuningDataset(PromptLearnerTests.colours(20, seed: 2))
            let start = learner.initialState(
                pool: 6, promptDepth: 6 - block, classes: 3, keyProjection: true, seed: 1)
            let before = try learner.evaluate(start, on: dataset, plan: plan)
            let result = try #require(try learner.tune(start, on: dataset, plan: plan, seed: 9))
            let after = try learner.evaluate(start.replacing(with: result), on: dataset, plan: plan)
            #expect(after.loss < before.loss)
            return Outcome(result: result, before: before, after: after)
        }
        #expect(Set(outcomes).count == 1)
    }

    private struct Outcome: Hashable {
        var result: TuningResult
        var before, after: Evaluation
    }

    @Test func textsComeOutTheSameToo() throws {
        let texts = TokenTexts(texts: [[1, 5, 9, 2], [1, 7, 2], [1, 3, 3, 8, 4, 2]], labels: [0, 1, 2])
        let vectors = try TextGradient.Case("mean-deep")
        var plan = Self.plan(1)
        plan.promptsPerBatch = 2
        let learner = try PromptLearner(encoder: vectors.encoder, threads: 2)
        let state = learner.initialState(pool: 4, classes: 3, keyProjection: false, seed: 1)
        let dataset = try TuningDataset(texts)
        let fresh = try learner.classify(state, on: dataset, plan: plan, selection: .instance)
        let kept = try learner.classify(state, on: dataset, plan: plan, selection: .instance)
        #expect(fresh.logits == kept.logits)
        let alone = try (0..<3).map { index in
            let one = try TuningDataset(TokenTexts(texts: [texts.texts[index]], labels: [0]))
            return try learner.classify(state, on: one, plan: plan, selection: .instance).logits
        }
        #expect(fresh.logits == alone.flatMap { $0 })
    }

    @Test func theFirstBlocksRunOnceAnImage() throws {
        let images = CountedImages(20)
        let learner = try PromptLearner(encoder: .bundled(), threads: 2)
        let dataset = try TuningDataset(images)
        let start = learner.initialState(pool: 6, classes: 3, keyProjection: false, seed: 1)
        _ = try learner.tune(start, on: dataset, plan: Self.plan(3), seed: 9)
        _ = try learner.evaluate(start, on: dataset, plan: Self.plan(3))
        #expect(images.newReads() == 20)
        // Another block needs other rows; without one, each pass reads.
        _ = try learner.evaluate(start, on: dataset, plan: Self.plan(4))
        #expect(images.newReads() == 20)
        _ = try learner.tune(start, on: dataset, plan: Self.plan(0), seed: 9)
        #expect(images.newReads() == 40)
    }

    @Test func whatIsKeptIsBoundedAndGivenBack() throws {
        let encoder = try FrozenEncoder.bundled(cacheBytes: 8 * Self.rowBytes - 1)
        let learner = try PromptLearner(encoder: encoder, threads: 1)
        var plan = Self.plan(3)
        plan.promptsPerBatch = 0
        let start = learner.initialState(pool: 2, classes: 3, keyProjection: false, seed: 1)
        for _ in 0..<2 {
            let images = CountedImages(20)
            let dataset = try TuningDataset(images)
            _ = try learner.evaluate(start, on: dataset, plan: plan)
            #expect(images.newReads() == 20)
            for _ in 0..<2 {
                _ = try learner.evaluate(start, on: dataset, plan: plan)
                #expect(images.newReads() == 13)
            }
        }
    }

    /// Runs on the same images may follow each other with other blocks.
    @Test func whatIsKeptMakesRoomForAnotherBlock() throws {
        let learner = try PromptLearner(encoder: .bundled(cacheBytes: 20 * Self.rowBytes), threads: 1)
        let images = CountedImages(20)
        let dataset = try TuningDataset(images)
        let start = learner.initialState(pool: 2, classes: 3, keyProjection: false, seed: 1)
        for block in [3, 4, 3] {
            for reads in [20, 0] {
                _ = try learner.evaluate(start, on: dataset, plan: Self.plan(block))
                #expect(images.newReads() == reads)
            }
        }
    }

    @Test func blocksThatThereAreNot() throws {
        let learner = try PromptLearner(encoder: .bundled(), threads: 1)
        let dataset = try TuningDataset(PromptLearnerTests.colours(3, seed: 2))
        let deep = learner.initialState(pool: 2, promptDepth: 2, classes: 3, keyProjection: false, seed: 1)
        _ = try learner.evaluate(deep, on: dataset, plan: Self.plan(4))
        #expect(
            throws: TuningError.plan(
                field: "firstBlock", expected: "at most 4 with prompts for 2 of the encoder's 6 blocks", found: "5")
        ) { try learner.evaluate(deep, on: dataset, plan: Self.plan(5)) }
        #expect(throws: TuningError.plan(field: "firstBlock", expected: "at least 0", found: "-1")) {
            try learner.evaluate(deep, on: dataset, plan: Self.plan(-1))
        }
    }
}
