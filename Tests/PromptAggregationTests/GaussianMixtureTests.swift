import Foundation
import PromptAggregation
import Testing

@Suite struct GaussianMixtureTests {
    /// What scikit-learn's BayesianGaussianMixture found from the same responsibilities (Fixtures/make_mixture.py).
    struct GoldenCases: Decodable {
        struct Case: Decodable {
            let width: Int
            let components: Int
            let iterations: Int
            let rows: [Double]
            let start: [Int]
            let means: [Double]
            let variances: [Double]
            let responsibilities: [Double]
            let lowerBound: Double
        }
        let cases: [Case]
    }

    @Test func landsOnScikitLearn() throws {
        let file = Bundle.module.resourceURL!.appendingPathComponent("Fixtures/mixture.json")
        let golden = try JSONDecoder().decode(GoldenCases.self, from: Data(contentsOf: file))
        #expect(golden.cases.count == 4)
        for item in golden.cases {
            var start = [Double](repeating: 0, count: item.start.count * item.components)
            for (row, label) in item.start.enumerated() { start[row * item.components + label] = 1 }
            var mixture = BayesianMixture(
                rows: item.rows, width: item.width, responsibilities: start, components: item.components)
            mixture.run(iterations: item.iterations, tolerance: 0)
            #expect(farthest(mixture.means, item.means) < 1e-8)
            #expect(farthest(mixture.variances, item.variances) < 1e-8)
            #expect(farthest(mixture.responsibilities, item.responsibilities) < 1e-8)
            #expect(abs(mixture.lowerBound - item.lowerBound) < 1e-7 * abs(item.lowerBound))
        }
    }

    func farthest(_ a: [Double], _ b: [Double]) -> Double {
        guard a.count == b.count else { return .infinity }
        return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1) / max(1, abs($1.1))) }
    }

    @Test func findsThePoolThatTheCopiesWereMadeOf() throws {
        let contributions = PfptTests.contributions(clients: 5, prompts: 4, width: 64, deviation: 0.002, seed: 1)
        var strategy = try Sample.make("gmm", initial: contributions[0].base)
        let report = strategy.aggregate(contributions)
        #expect(strategy.state.promptIDs.sorted() == contributions[0].base.promptIDs)
        #expect(report.births.isEmpty && report.deaths.isEmpty)
        // The prior of one row at the mean of all draws each mean of five rows towards it by a sixth.
        let pool = contributions[0].base.prompts
        let middle = (0..<64).map { column in
            (0..<4).reduce(Float(0)) { $0 + pool.row($1).dropFirst(column).first! } / 4
        }
        for (place, id) in strategy.state.promptIDs.enumerated() {
            let expected = zip(pool.row(Int(id)), middle).map { (5 * $0 + $1) / 6 }
            #expect(zip(strategy.state.prompts.row(place), expected).allSatisfy { abs($0 - $1) < 0.004 })
        }
    }
}
