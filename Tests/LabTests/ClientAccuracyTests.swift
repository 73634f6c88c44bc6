import Lab
import PromptTuning
import Testing

/// What the clients may expect of a version.
@Suite struct ClientAccuracyTests {
    private let evaluation = Evaluation(classCounts: [10, 4, 0], classHits: [5, 4, 0], loss: 1)

    @Test func classesWeighAsTheyDoAtTheClient() {
        #expect(evaluation.accuracy(among: [0, 0, 0, 1]) == 0.625)
        #expect(evaluation.accuracy(among: [1, 1]) == 1)
    }

    @Test func classesWithoutEvaluatedImagesAreLeftOut() {
        #expect(evaluation.accuracy(among: [0, 2, 2]) == 0.5)
        #expect(evaluation.accuracy(among: [2]) == 0)
    }

    @Test func theWorstDecileIsTheMeanOfTheLowestTenth() {
        #expect((1...20).reversed().map(Double.init).worstDecile == 1.5)
        #expect([3.0, 2, 5].worstDecile == 2)
        #expect([Double]().worstDecile.isNaN)
    }
}
