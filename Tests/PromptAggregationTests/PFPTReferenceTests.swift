import PromptAggregation
import Testing

@Suite struct PFPTReferenceTests {
    @Test func findsItsFixtures() {
        #expect(ReferenceCase.paths.count >= 3)
    }

    @Test(arguments: ReferenceCase.paths)
    func landsOnTheAuthorsResult(path: String) throws {
        let golden = try ReferenceCase(path: path)
        let (clients, count) = (try golden.integer("clients"), try golden.integer("prompts_per_client"))
        let (width, hidden) = (try golden.integer("width"), try golden.integer("hidden"))
        let starts = try golden.integers("initial_assignment")
        var fit = ReferenceFit(
            locals: try golden.numbers("local_prompts"), clients: clients, promptsPerClient: count, width: width,
            covariance: try golden.network("initial.cov_net", inputs: width, hidden: hidden, outputs: width),
            usage: try golden.network("initial.bernoulli_net", inputs: width, hidden: hidden, outputs: 1),
            matches: (0..<clients).map { Array(starts[$0 * count..<($0 + 1) * count]) })

        var gains: [[Double]] = []
        var assignments: [Int] = []
        try fit.run(sweeps: try golden.integer("sweeps")) { matrix, matches in
            gains.append(matrix)
            assignments += matches
        }
        for index in 0..<3 where golden.has("gain_matrix_\(index)") {
            #expect(farthest(gains[index], try golden.numbers("gain_matrix_\(index)"), relative: true) < 1e-9)
        }
        #expect(assignments == (try golden.integers("assignments")))
        let prompts = fit.survivors.flatMap { fit.centroids.values[$0 * width..<($0 + 1) * width] }
        #expect(farthest(prompts, try golden.numbers("global_prompts")) < 1e-9)
        let covariance = try golden.network("final.cov_net", inputs: width, hidden: hidden, outputs: width)
        let usage = try golden.network("final.bernoulli_net", inputs: width, hidden: hidden, outputs: 1)
        #expect(farthest(fit.covariance.firstWeight.values, covariance.firstWeight.values) < 1e-9)
        #expect(farthest(fit.covariance.secondWeight.values, covariance.secondWeight.values) < 1e-9)
        #expect(farthest(fit.covariance.firstBias.values, covariance.firstBias.values) < 1e-9)
        #expect(farthest(fit.covariance.secondBias.values, covariance.secondBias.values) < 1e-9)
        #expect(farthest(fit.usage.firstWeight.values, usage.firstWeight.values) < 1e-9)
        #expect(farthest(fit.usage.secondWeight.values, usage.secondWeight.values) < 1e-9)
    }

    /// The largest difference between two lists, infinite when their lengths differ.
    func farthest(_ a: [Double], _ b: [Double], relative: Bool = false) -> Double {
        guard a.count == b.count else { return .infinity }
        return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1) / (relative ? max(1, abs($1.1)) : 1)) }
    }
}
