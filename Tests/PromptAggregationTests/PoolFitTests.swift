import PromptAggregation
import Testing

@Suite struct PoolFitTests {
    let layout = NetworkLayout(width: 20, hidden: 6)
    let rows = 5

    /// A pool of five prompts, and a client with two prompts near the first and the fourth.
    func problem() -> (model: PoolModel, evidence: PoolEvidence) {
        var random = SeededRandom(seed: 21)
        let prompts = (0..<rows * layout.width).map { _ in Float(random.nextNormal()) }
        let model = PoolModel(layout: layout, prompts: prompts, random: &random)
        let near = [0, 3].flatMap { row in
            prompts[row * layout.width..<(row + 1) * layout.width].map { $0 + Float(0.8 * random.nextNormal()) }
        }
        return (model, PoolEvidence(rows: near, count: 2, weight: 1, matches: [0, 3]))
    }

    func fit(_ model: PoolModel, _ evidence: PoolEvidence, learningRate: Double = 1e-3) -> PoolFit {
        var options = PoolFitOptions(sweeps: 1, learningRate: learningRate, promptStep: .gradient)
        options.keepsMatches = true
        return PoolFit(model: model, evidence: [evidence], options: options, capacity: rows)
    }

    /// The first step of Adam goes against the sign of each gradient: it must be uphill in the objective as differences
    /// show it, for every parameter of both networks and every coordinate of the pool.
    @Test func everyParameterMovesUphill() {
        let (model, evidence) = problem()
        let stepped = fit(model, evidence)
        stepped.run()
        let after = stepped.model(keeping: Array(0..<rows))
        checkUphill(model, evidence, \.covariance, after.covariance.values)
        checkUphill(model, evidence, \.usage, after.usage.values)
        checkUphill(model, evidence, \.prompts, after.prompts.values)
    }

    func checkUphill(
        _ model: PoolModel, _ evidence: PoolEvidence, _ part: WritableKeyPath<PoolModel, PoolModel.Learned>,
        _ after: [Float]
    ) {
        var judged = 0
        for place in model[keyPath: part].values.indices {
            func objective(_ offset: Float) -> Double {
                var moved = model
                moved[keyPath: part].values[place] += offset
                return fit(moved, evidence).objective()
            }
            let slope = (objective(0.01) - objective(-0.01)) / 0.02
            // Below this the differences of float32 sums say nothing about the sign.
            guard abs(slope) > 0.02 else { continue }
            judged += 1
            #expect((after[place] - model[keyPath: part].values[place]) * Float(slope) > 0, "\(place): slope \(slope)")
        }
        #expect(judged > after.count / 3)
    }

    /// Rows that no client uses and that have no past move only as the usage term moves them; with `mean` not at all.
    @Test func meanStepMovesMatchedRowsToTheirEvidence() {
        let (model, evidence) = problem()
        var options = PoolFitOptions(sweeps: 1, learningRate: 1e-3, promptStep: .mean)
        options.keepsMatches = true
        let fit = PoolFit(model: model, evidence: [evidence], options: options, capacity: rows)
        fit.run()
        let after = fit.model(keeping: Array(0..<rows)).prompts.values
        let width = layout.width
        #expect(Array(after[0..<width]) == Array(evidence.rows[0..<width]))
        #expect(Array(after[3 * width..<4 * width]) == Array(evidence.rows[width...]))
        #expect(Array(after[width..<3 * width]) == Array(model.prompts.values[width..<3 * width]))
    }
}
