import PromptAggregation
import PromptTuning
import TestSupport
import Testing

/// The class statistics that clients send beside what they tune, where the state asks for them.
@Suite struct ClassScatterTests {
    private let learner: PromptLearner
    private let dataset: TuningDataset

    init() throws {
        learner = try PromptLearner(encoder: .bundled(), threads: 2)
        dataset = try TuningDataset(PromptLearnerTests.colours(10, seed: 3))
    }

    private func state(whitened: Bool = false) throws -> PromptState {
        var state = learner.initialState(pool: 3, classes: 4, keyProjection: false, seed: 1)
        state.parameters[Parameters.headWeight]!.values[5] = 0.1
        state.parameters[Parameters.classMeans] = Tensor(zeros: [4, 192])
        state.parameters[Parameters.classCounts] = Tensor(zeros: [4])
        state.parameters[Parameters.classScatter] = Tensor(zeros: [192 * 193 / 2])
        if whitened { try learner.whiten(&state, by: dataset, plan: plan()) }
        return state
    }

    private func plan(steps: Int = 0, rate: Double = 0) -> TrainingPlan {
        var plan = TrainingPlan()
        plan.batchSize = 4
        plan.epochs = 2
        plan.maximumSteps = steps
        plan.promptLearningRate = rate
        plan.headLearningRate = 0
        plan.promptsPerBatch = 0
        plan.similarityWeight = 0
        return plan
    }

    /// Counts, means and scatter, in float64, of rows of what the head reads.
    private func statistics(_ rows: [[Double]], _ labels: [Int]) -> (
        counts: [Double], means: [Double], scatter: [Double]
    ) {
        var counts = [Double](repeating: 0, count: 4)
        var means = [[Double]](repeating: [Double](repeating: 0, count: 192), count: 4)
        for (row, label) in zip(rows, labels) {
            counts[label] += 1
            for column in 0..<192 { means[label][column] += row[column] }
        }
        for label in 0..<4 where counts[label] > 0 { means[label] = means[label].map { $0 / counts[label] } }
        var scatter: [Double] = []
        for a in 0..<192 {
            for b in a..<192 {
                scatter.append(
                    zip(rows, labels).reduce(0) {
                        $0 + ($1.0[a] - means[$1.1][a]) * ($1.0[b] - means[$1.1][b])
                    })
            }
        }
        return (counts, means.flatMap { $0 }, scatter)
    }

    private func distance(_ tensor: Tensor?, _ expected: [Double]) -> Double {
        guard let tensor, tensor.values.count == expected.count else { return .infinity }
        let largest = expected.reduce(1e-30) { max($0, abs($1)) }
        return zip(tensor.values, expected).reduce(0) { max($0, abs(Double($1.0) - $1.1)) } / largest
    }

    /// Of each image once, however many epochs there are; without prompts, and whitened where the head reads whitened features.
    @Test(arguments: [false, true])
    func sendsTheStatisticsOfWhatTheHeadReads(whitened: Bool) throws {
        let state = try state(whitened: whitened)
        let result = try #require(try learner.tune(state, on: dataset, plan: plan(), seed: 4))
        var bare = state
        bare.parameters[Parameters.prompts] = Tensor(zeros: [0, 192])
        bare.promptIDs = []
        let features = try learner.gradients(bare, on: dataset, images: Array(0..<10), plan: plan()).features
        var rows = (0..<10).map { features[$0 * 192..<($0 + 1) * 192].map(Double.init) }
        if whitened {
            let mean = state.parameters[Parameters.featureMean]!.values
            let matrix = state.parameters[Parameters.featureWhitening]!
            rows = rows.map { row in
                (0..<192).map { target in
                    zip(matrix.row(target), row.indices).reduce(0) {
                        $0 + Double($1.0) * (row[$1.1] - Double(mean[$1.1]))
                    }
                }
            }
        }
        let expected = statistics(rows, dataset.labels)
        #expect(result.parameters[Parameters.classCounts]?.values == [4, 3, 3, 0])
        #expect(distance(result.parameters[Parameters.classMeans], expected.means) < 1e-4)
        #expect(distance(result.parameters[Parameters.classScatter], expected.scatter) < 1e-4)
        #expect(result.parameters[Parameters.headWeight] == state.parameters[Parameters.headWeight])
    }

    @Test func areOfTheFrozenClassifiersOutputsWhereTheHeadReadsThem() throws {
        try withTemporaryFolder { folder in
            try writeClassifyingEncoder(to: folder, outputs: 20)
            let learner = try PromptLearner(encoder: FrozenEncoder(directory: folder), threads: 2)
            var state = learner.initialState(
                pool: 0, classes: 4, head: HeadDesign(classifierWidth: 20), keyProjection: false, seed: 1)
            state.parameters[Parameters.headWeight]!.values[5] = 0.1
            let read = try learner.gradients(state, on: dataset, images: Array(0..<10), plan: plan()).headInputs
            state = learner.initialState(
                pool: 3, classes: 4, head: HeadDesign(classifierWidth: 20), keyProjection: false, seed: 1)
            state.parameters[Parameters.classMeans] = Tensor(zeros: [4, 20])
            state.parameters[Parameters.classCounts] = Tensor(zeros: [4])
            state.parameters[Parameters.classScatter] = Tensor(zeros: [20 * 21 / 2])
            let result = try #require(try learner.tune(state, on: dataset, plan: plan(), seed: 4))
            let expected: [Double] = (0..<4).flatMap { label in
                let images = dataset.labels.indices.filter { dataset.labels[$0] == label }
                return (0..<20).map { column in
                    images.reduce(0) { $0 + Double(read[$1 * 20 + column]) } / Double(max(images.count, 1))
                }
            }
            #expect(distance(result.parameters[Parameters.classMeans], expected) < 1e-4)
        }
    }

    /// With the published prompts, and without a step, where the state says so; loss and accuracy are those of evaluation.
    @Test func areTakenWithThePublishedPromptsWhereClientsMeasure() throws {
        var state = try state()
        state.parameters[Parameters.headWeight]!.values[5] = 1
        let without = try #require(try learner.tune(state, on: dataset, plan: plan(), seed: 4))
        state.parameters[Parameters.statisticsGeneration] = Tensor(shape: [1], values: [2])
        let result = try #require(try learner.tune(state, on: dataset, plan: plan(steps: 5, rate: 0.1), seed: 4))
        let features = try learner.gradients(state, on: dataset, images: Array(0..<10), plan: plan()).features
        let expected = statistics(
            (0..<10).map { features[$0 * 192..<($0 + 1) * 192].map(Double.init) }, dataset.labels)
        #expect(distance(result.parameters[Parameters.classMeans], expected.means) < 1e-4)
        #expect(distance(result.parameters[Parameters.classScatter], expected.scatter) < 1e-4)
        #expect(result.parameters[Parameters.classMeans] != without.parameters[Parameters.classMeans])
        #expect(result.steps == 0 && result.promptIDs.isEmpty)
        #expect(result.parameters.names == without.parameters.names)
        let evaluation = try learner.evaluate(state, on: dataset, plan: plan())
        #expect(result.trainingAccuracy == evaluation.accuracy && abs(result.meanLoss - evaluation.loss) < 1e-9)
    }

    /// Of all images and the same under any prompts, whatever steps follow; and what is sent has the state's tensors in the
    /// state's shapes.
    @Test func areOfAllImagesAndTheSameUnderAnyPrompts() throws {
        let state = try state()
        var other = state
        other.parameters[Parameters.prompts]!.values[3] += 1
        let still = try #require(try learner.tune(other, on: dataset, plan: plan(), seed: 4))
        let result = try #require(try learner.tune(state, on: dataset, plan: plan(steps: 1, rate: 0.01), seed: 5))
        for name in [Parameters.classMeans, Parameters.classCounts, Parameters.classScatter] {
            #expect(result.parameters[name] == still.parameters[name])
        }
        #expect(result.steps == 1 && result.parameters.names == state.parameters.names)
        for name in result.parameters.names {
            #expect(result.parameters[name]!.shape == state.parameters[name]!.shape)
        }
        #expect(result.parameters[Parameters.prompts] != state.parameters[Parameters.prompts])
    }

    /// Under a head of zeros prompts have no gradient: a task brings the statistics and takes no step.
    @Test func takesNoStepBeforeTheFirstHead() throws {
        var state = try state()
        state.parameters[Parameters.headWeight] = Tensor(zeros: [4, 192])
        let result = try #require(try learner.tune(state, on: dataset, plan: plan(steps: 3, rate: 0.01), seed: 4))
        #expect(result.steps == 0 && result.promptIDs.isEmpty)
        #expect(result.parameters[Parameters.prompts]?.shape == [0, 192])
        #expect(result.parameters[Parameters.classCounts]?.values == [4, 3, 3, 0])
        #expect(abs(result.meanLoss - 1.3862944) < 1e-6)
        for name in [Parameters.classMeans, Parameters.classCounts, Parameters.classScatter] {
            state.parameters[name] = nil
        }
        #expect(try learner.tune(state, on: dataset, plan: plan(steps: 3), seed: 4)?.steps == 3)
    }

    @Test func stopsWithinThePassOverTheImages() throws {
        var asked = 0
        let result = try learner.tune(state(), on: dataset, plan: plan(), seed: 4) {
            asked += 1
            return asked == 2
        }
        #expect(result == nil && asked == 2)
    }

    @Test func sendsNoneUnasked() throws {
        var state = try state()
        for name in [Parameters.classMeans, Parameters.classCounts, Parameters.classScatter] {
            state.parameters[name] = nil
        }
        let result = try #require(try learner.tune(state, on: dataset, plan: plan(), seed: 4))
        #expect(result.parameters.names == state.parameters.names)
    }

    @Test func refusesAScatterOfAnotherSize() throws {
        var state = try state()
        state.parameters[Parameters.classScatter] = Tensor(zeros: [7])
        #expect(
            throws: TuningError.parameterShape(
                Parameters.classScatter, expected: "a triangle beside a linear head", found: [7])
        ) {
            try learner.tune(state, on: dataset, plan: plan(), seed: 4)
        }
    }
}
