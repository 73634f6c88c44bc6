import PromptAggregation
import Testing

/// No finite evidence, however light, large or small, leads to a number that is none.
@Suite struct ExtremeEvidenceTests {
    static let weights: [Double] = [
        .leastNonzeroMagnitude, 1e-300, 1e-100, 1e-45, 1e-20, 1e-16, 1e-15, 1e-14, 1e-13, 1e-12, 1e-9, 1e-6, 1e-3, 1,
        1e3, 1e7,
    ]
    static let sizes: [Float] = [
        0, .leastNonzeroMagnitude, 1e-38, 1e-20, 1e-3, 1, 1e3, 1e6, 1e20, .greatestFiniteMagnitude,
    ]

    @Test(arguments: weights, ["gradient", "mean"])
    func theFitStaysFinite(weight: Double, promptStep: String) throws {
        var random = SeededRandom(seed: 17)
        let layout = NetworkLayout(width: 5, hidden: 7)
        for size in Self.sizes {
            func rows(_ count: Int) -> [Float] {
                (0..<count * layout.width).map { _ in
                    let value = size * Float(2 * random.nextUniform() - 1)
                    return random.next() % 4 == 0 ? -size : value
                }
            }
            let model = PoolModel(layout: layout, prompts: rows(4), random: &random)
            let evidence = [[0, 1, 2], [2], [-1, 3], []].map { matches in
                PoolEvidence(
                    rows: rows(matches.count), count: matches.count,
                    weight: random.next() % 3 == 0
                        ? Self.weights[Int(random.next(upperBound: UInt64(Self.weights.count)))] : weight,
                    matches: matches)
            }
            for learningRate in [1e-8, 1e-3, 1] {
                let step = try #require(PoolFitOptions.PromptStep(rawValue: promptStep))
                let options = PoolFitOptions(sweeps: 6, learningRate: learningRate, promptStep: step)
                let fit = PoolFit(model: model, evidence: evidence, options: options, capacity: 8)
                fit.run()
                let after = fit.model(keeping: Array(0..<fit.pool))
                let values = [after.covariance, after.usage, after.prompts].flatMap(\.values)
                #expect(values.allSatisfy(\.isFinite) && fit.objective().isFinite, "\(size) \(learningRate)")
            }
        }
    }

    /// What is fitted is stored, read again and goes on to the same bits.
    @Test(arguments: weights, ["pfpt", "pfpt-async"])
    func aFlushOfLightEvidenceIsReplayed(weight: Double, name: String) throws {
        let initial = Sample.state()
        for promptStep in ["gradient", "mean"] {
            let settings = [
                (key: "prompt_step", value: promptStep), (key: "sweeps", value: "3"), (key: "hidden", value: "8"),
                (key: name == "pfpt" ? "keep_networks" : "cold_start", value: name == "pfpt" ? "true" : "false"),
            ]
            var strategy = try Sample.make(name, settings, initial: initial)
            for round in 0..<4 {
                let contributions = (0..<3).map {
                    Sample.contribution(
                        $0, base: strategy.state, weight: round == 2 ? 1 : weight, sequence: UInt64(round + 1))
                }
                var restored = try Sample.make(name, settings, initial: initial)
                try restored.restore(strategy.snapshot())
                let report = strategy.aggregate(contributions)
                #expect(restored.aggregate(contributions) == report)
                #expect(restored.snapshot() == strategy.snapshot())
                #expect(strategy.state.parameters.entries.allSatisfy { $0.tensor.firstNonFinite == nil })
                #expect((report.objectiveAfter ?? 0).isFinite)
            }
        }
    }

    /// A first step of Adam moves every value by the learning rate times the weight, however small that is.
    @Test(arguments: [1, 0.5, 1e-3, 1e-6, 1e-9])
    func aLightFirstStepIsAsLongAsItsWeightSays(weight: Double) {
        var random = SeededRandom(seed: 5)
        let layout = NetworkLayout(width: 4, hidden: 3)
        // At 0 float32 shows the smallest of steps.
        let model = PoolModel(layout: layout, prompts: [Float](repeating: 0, count: 4), random: &random)
        let evidence = PoolEvidence(rows: [1, -2, 3, -4], count: 1, weight: weight, matches: [0])
        var options = PoolFitOptions(sweeps: 1, learningRate: 0.5, promptStep: .gradient)
        options.keepsMatches = true
        let fit = PoolFit(model: model, evidence: [evidence], options: options, capacity: 1)
        fit.run()
        // The step on the Gaussian term, and the one on the usage term, which continues with its momentum.
        for value in fit.model(keeping: [0]).prompts.values {
            #expect(abs(Double(value)) > 0.5 * 0.5 * weight && abs(Double(value)) < 3 * 0.5 * weight)
        }
    }
}
