import PromptAggregation
import PromptTuning
import Testing

/// What clients of FedCOF send, and what they see of the state.
@Suite struct ClassMeansTests {
    private let learner: PromptLearner
    private let dataset: TuningDataset

    init() throws {
        learner = try PromptLearner(encoder: .bundled(), threads: 2)
        dataset = try TuningDataset(PromptLearnerTests.colours(10, seed: 3))
    }

    private func state(pool: Int, seed: UInt64 = 1) -> PromptState {
        var state = learner.initialState(pool: pool, classes: 4, keyProjection: false, seed: seed)
        var random = SeededRandom(seed: 2)
        state.parameters[Parameters.headWeight] = Tensor(
            shape: [4, 192], values: (0..<4 * 192).map { _ in Float(0.02 * random.nextNormal()) })
        return state
    }

    private var plan: TrainingPlan {
        var plan = TrainingPlan()
        plan.batchSize = 4
        plan.classMeans = true
        return plan
    }

    private func tune(_ state: PromptState) throws -> TuningResult {
        try #require(try learner.tune(state, on: dataset, plan: plan, seed: 4))
    }

    /// Class features of the encoder without prompts: [images, 192].
    private func features() throws -> [Float] {
        var bare = TrainingPlan()
        bare.promptsPerBatch = 0
        return try learner.gradients(state(pool: 0), on: dataset, images: Array(0..<10), plan: bare).features
    }

    private func means(_ features: [Float]) -> [Double] {
        (0..<4).flatMap { label in
            let images = dataset.labels.indices.filter { dataset.labels[$0] == label }
            return (0..<192).map { column in
                images.reduce(0) { $0 + Double(features[$1 * 192 + column]) } / Double(max(images.count, 1))
            }
        }
    }

    private func distance(_ a: [Float], _ b: [Double]) -> Double {
        a.count == b.count ? zip(a, b).reduce(0) { max($0, abs(Double($1.0) - $1.1)) } : .infinity
    }

    @Test func sendsTheMeansOfTheBareFeatures() throws {
        let result = try tune(state(pool: 5))
        #expect(result.parameters.names == ["class.counts", "class.means", "prompts"])
        #expect(result.parameters[Parameters.prompts]?.shape == [0, 192] && result.promptIDs.isEmpty)
        #expect(result.parameters[Parameters.classCounts]?.values == [4, 3, 3, 0])
        let sent = try #require(result.parameters[Parameters.classMeans])
        #expect(sent.shape == [4, 192])
        #expect(distance(sent.values, means(try features())) < 1e-5)
        #expect(sent.row(3).allSatisfy { $0 == 0 })
        #expect(result.steps == 0 && result.personal.names.isEmpty)
        #expect(result.meanLoss.isFinite && 0...1 ~= result.trainingAccuracy)
    }

    @Test func promptsAreNeitherSentNorUsed() throws {
        let (one, other) = (state(pool: 5), state(pool: 7, seed: 8))
        #expect(try tune(one).parameters == tune(other).parameters)
        #expect(try learner.evaluate(one, on: dataset, plan: plan) == learner.evaluate(other, on: dataset, plan: plan))
    }

    @Test func areThoseOfTheWhitenedFeaturesWhereTheHeadReadsThem() throws {
        var whitened = state(pool: 5)
        try learner.whiten(&whitened, by: dataset, plan: plan)
        let sent = try #require(try tune(whitened).parameters[Parameters.classMeans])
        let centre = whitened.parameters[Parameters.featureMean]!.values
        let matrix = whitened.parameters[Parameters.featureWhitening]!
        let plain = means(try features())
        for label in 0..<3 {
            let expected = (0..<192).map { row in
                zip(matrix.row(row), 0..<192).reduce(0) {
                    $0 + Double($1.0) * (plain[label * 192 + $1.1] - Double(centre[$1.1]))
                }
            }
            #expect(distance(Array(sent.row(label)), expected) < 1e-3)
        }
        #expect(sent.row(3).allSatisfy { $0 == 0 })
    }

    @Test func refusesAHiddenLayer() throws {
        let hidden = learner.initialState(
            pool: 5, classes: 3, head: HeadDesign(hidden: 8), keyProjection: false, seed: 1)
        let error = #expect(throws: TuningError.self) { try tune(hidden) }
        #expect("\(error!)".contains("head.hidden.weight"))
    }

    @Test func stopsWhenTold() throws {
        #expect(try learner.tune(state(pool: 5), on: dataset, plan: plan, seed: 1, shouldStop: { true }) == nil)
    }
}
