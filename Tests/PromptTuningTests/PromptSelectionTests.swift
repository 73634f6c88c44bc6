import Foundation
import PromptAggregation
import PromptTuning
import Safetensors
import Testing

/// The choice of prompts and the similarity term.
@Suite struct PromptSelectionTests {
    @Test func matchesTheAuthorsPool() throws {
        let file = try SafetensorsFile(path: Bundle.module.bundlePath + "/Fixtures/l2p-6x9x24.safetensors")
        let features = try file.tensor(named: "features").floats()
        let key = try file.tensor(named: "key").floats()
        let selection = PromptSelection(
            features: features, projected: project(features, by: key, width: 24),
            prompts: try file.tensor(named: "prompts").floats(), width: 24, count: 4)
        #expect(selection.rows.sorted() == (try file.tensor(named: "expected.picked").integers()))
        let similarity = try file.tensor(named: "expected.similarity").doubles()[0]
        #expect(abs(selection.similarity - similarity) < 1e-5)
        let weight = try #require(file.metadata["weight"].flatMap(Double.init))
        var prompts = [Float](repeating: 0, count: 9 * 24)
        for (place, row) in selection.rows.enumerated() {
            for column in 0..<24 {
                prompts[row * 24 + column] = Float(weight * selection.promptGradient[place * 24 + column])
            }
        }
        #expect(relativeError(prompts, try file.tensor(named: "expected.grad.prompts").doubles()) < 1e-5)
        let keyGradient = selection.keyGradient.map { Float(weight * $0) }
        #expect(relativeError(keyGradient, try file.tensor(named: "expected.grad.key").doubles()) < 1e-5)
    }

    @Test func majorityOfTheBatchDecidesAndTiesGoToTheLowerRow() {
        // Cosines: image 0 with prompts 2 and 1 first, image 1 with 2 and 0, image 2 with 2 and 0.
        let prompts: [Float] = [1, 0, 0, 0, 1, 0, 1, 1, 1, -1, -1, -1]
        let features: [Float] = [0, 1, 0.5, 1, 0, 0.5, 1, 0, 0.5]
        let two = PromptSelection(features: features, projected: features, prompts: prompts, width: 3, count: 2)
        #expect(two.rows == [2, 0])
        let one = PromptSelection(
            features: [1, 1, 0], projected: [1, 1, 0], prompts: [0, 1, 0, 1, 0, 0], width: 3, count: 1)
        #expect(one.rows == [0])
        let all = PromptSelection(features: features, projected: features, prompts: prompts, width: 3, count: 9)
        #expect(all.rows.sorted() == [0, 1, 2, 3])
    }

    @Test func gradientsMatchFiniteDifferences() {
        let width = 6
        let images = 3
        let pool = 4
        var random = SeededRandom(seed: 8)
        let features = random.matrix(images, width)
        let key = random.matrix(width, width)
        let prompts = random.matrix(pool, width)
        // The whole pool is picked, so that a small change cannot change the choice.
        func select(_ prompts: [Float], _ key: [Float]) -> PromptSelection {
            PromptSelection(
                features: features, projected: project(features, by: key, width: width), prompts: prompts, width: width,
                count: pool)
        }
        let selection = select(prompts, key)
        func slope(_ values: [Float], _ place: Int, _ similarity: ([Float]) -> Double) -> Double {
            var up = values
            var down = values
            up[place] += 0x1p-10
            down[place] -= 0x1p-10
            return (similarity(up) - similarity(down)) / Double(up[place] - down[place])
        }
        for (place, row) in selection.rows.enumerated() {
            for column in 0..<width {
                let expected = slope(prompts, row * width + column) { select($0, key).similarity }
                #expect(abs(selection.promptGradient[place * width + column] - expected) < 1e-4)
            }
        }
        for place in key.indices {
            let expected = slope(key, place) { select(prompts, $0).similarity }
            #expect(abs(selection.keyGradient[place] - expected) < 1e-4)
        }
    }

    @Test func similarityEntersTheLossAndTheGradients() throws {
        let learner = try PromptLearner(encoder: .bundled(), threads: 1)
        let dataset = try TuningDataset(PromptLearnerTests.colours(6, seed: 7))
        let state = learner.initialState(pool: 5, classes: 3, keyProjection: true, seed: 2)
        func step(_ weight: Double) throws -> BatchGradients {
            var plan = TrainingPlan()
            plan.promptsPerBatch = 2
            plan.similarityWeight = weight
            return try learner.gradients(state, on: dataset, images: Array(0..<6), plan: plan)
        }
        let (none, some, double) = (try step(0), try step(0.5), try step(1))
        #expect(none.loss != some.loss)
        #expect(abs((double.loss - none.loss) - 2 * (some.loss - none.loss)) < 1e-9)
        #expect(none.gradients[Parameters.keyWeight]!.allSatisfy { $0 == 0 })
        #expect(some.gradients[Parameters.keyWeight]!.contains { $0 != 0 })
        #expect(some.gradients[Parameters.prompts]!.count { $0 != 0 } <= 2 * 192)
    }

    private func project(_ features: [Float], by key: [Float], width: Int) -> [Float] {
        stride(from: 0, to: features.count, by: width).flatMap { start in
            (0..<width).map { row in
                Float(
                    (0..<width).reduce(0.0) { $0 + Double(key[row * width + $1]) * Double(features[start + $1]) })
            }
        }
    }
}
