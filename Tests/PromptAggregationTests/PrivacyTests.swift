import Foundation
import PromptAggregation
import Testing

/// The accountant against figures that are computed in other ways.
@Suite struct PrivacyAccountantTests {
    /// The smallest ε of the Gaussian mechanism itself, from δ(ε) = Φ(1/(2z) − εz) − e^ε Φ(−1/(2z) − εz) (Balle and Wang
    /// 2018, theorem 8), by halving. Composed Gaussian mechanisms are one with z / √updates.
    private func exactEpsilon(noiseMultiplier z: Double, updates: Int, delta: Double) -> Double {
        let z = z / Double(updates).squareRoot()
        func normal(_ x: Double) -> Double { erfc(-x / 2.0.squareRoot()) / 2 }
        func excess(_ epsilon: Double) -> Double {
            normal(1 / (2 * z) - epsilon * z) - exp(epsilon) * normal(-1 / (2 * z) - epsilon * z)
        }
        var (low, high) = (0.0, 100.0)
        for _ in 0..<200 {
            let middle = (low + high) / 2
            if excess(middle) > delta { low = middle } else { high = middle }
        }
        return high
    }

    /// The bound by trying two million orders.
    private func bruteEpsilon(rho: Double, delta: Double) -> Double {
        var least = Double.infinity
        for step in 1...2_000_000 {
            let order = 1 + Double(step) * 1e-4
            least = min(
                least, order * rho + log((order - 1) / order) - (log(delta) + log(order)) / (order - 1))
        }
        return least
    }

    @Test func oneUpdateWithUnitNoise() {
        let rho = PrivacyAccountant.rho(noiseMultiplier: 1)
        #expect(rho == 0.5)
        let exact = exactEpsilon(noiseMultiplier: 1, updates: 1, delta: 1e-5)
        #expect(abs(exact - 4.3772) < 1e-3, "the figure of Balle and Wang's mechanism")
        let epsilon = PrivacyAccountant.epsilon(rho: rho, delta: 1e-5)
        #expect(abs(epsilon - bruteEpsilon(rho: rho, delta: 1e-5)) < 1e-6)
        #expect(epsilon > exact && epsilon < 1.1 * exact)
        // Mironov's first conversion, ρ α + log(1/δ) / (α − 1), is looser: ρ + 2 √(ρ log(1/δ)).
        #expect(epsilon < 0.5 + 2 * (0.5 * log(1e5)).squareRoot())
    }

    @Test(arguments: [(0.7, 1, 1e-5), (1, 10, 1e-5), (4, 100, 1e-6), (2, 7, 1e-3), (20, 3, 1e-9)])
    func theBoundHoldsAndIsClose(z: Double, updates: Int, delta: Double) {
        let rho = Double(updates) * PrivacyAccountant.rho(noiseMultiplier: z)
        let epsilon = PrivacyAccountant.epsilon(rho: rho, delta: delta)
        let exact = exactEpsilon(noiseMultiplier: z, updates: updates, delta: delta)
        #expect(epsilon >= exact && epsilon < 1.15 * exact + 0.02, "\(epsilon) for \(exact)")
        #expect(epsilon <= bruteEpsilon(rho: rho, delta: delta) + 1e-6)
    }

    @Test func itGrowsWithEachUpdateAndEndsSensibly() {
        let figures = (0...50).map { PrivacyAccountant.epsilon(rho: Double($0) * 0.1, delta: 1e-5) }
        #expect(figures[0] == 0 && zip(figures, figures.dropFirst()).allSatisfy { $0 < $1 })
        #expect(PrivacyAccountant.epsilon(rho: .infinity, delta: 1e-5) == .infinity)
        #expect(PrivacyAccountant.epsilon(rho: 1e-30, delta: 1e-5) < 1e-6)
        #expect(PrivacyAccountant.epsilon(rho: 1e9, delta: 1e-5).isFinite)
    }
}

/// What leaves a client is clipped as a whole, has noise in every value, and holds every prompt.
@Suite struct ClientPrivacyTests {
    private func privacy(clip: Double, noise: Double = 1) -> ClientPrivacy {
        ClientPrivacy(clipNorm: clip, noiseMultiplier: noise, delta: 1e-5, budget: nil, sampleCount: 1)
    }

    private let base = PromptState(
        parameters: Parameters([
            (Parameters.prompts, Tensor(shape: [3, 2], values: [1, 2, 3, 4, 5, 6])),
            (Parameters.headWeight, Tensor(shape: [2, 2], values: [0.5, 0.5, -0.5, -0.5])),
            (Parameters.fixedPrefix + "mean", Tensor(shape: [2], values: [9, 9])),
        ]), promptIDs: [10, 11, 12])

    /// Changes the prompt 11 by (3, 0) and a value of the head by 4: of norm 5.
    private let update = Parameters([
        (Parameters.prompts, Tensor(shape: [1, 2], values: [6, 4])),
        (Parameters.headWeight, Tensor(shape: [2, 2], values: [4.5, 0.5, -0.5, -0.5])),
    ])

    private func changes(_ parameters: Parameters) -> [Double] {
        parameters.entries.flatMap { entry in
            zip(entry.tensor.values, base.parameters[entry.name]!.values).map { Double($0) - Double($1) }
        }
    }

    @Test(arguments: [(0.5, 0.1), (5, 1), (50, 1), (1e-6, 2e-7)] as [(Double, Double)])
    func theWholeChangeIsClipped(clip: Double, scale: Double) throws {
        let (sent, ids) = try privacy(clip: clip).protect(update, promptIDs: [11], base: base) { 0 }
        #expect(ids == base.promptIDs && sent.names == update.names)
        #expect(sent[Parameters.prompts]!.shape == [3, 2])
        let norm = changes(sent).reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(abs(norm - min(5, clip)) < 1e-5)
        #expect(abs(sent[Parameters.prompts]!.values[2] - Float(3 + 3 * scale)) < 1e-5)
        #expect(abs(sent[Parameters.headWeight]!.values[0] - Float(0.5 + 4 * scale)) < 1e-5)
    }

    /// With what a prompt that no batch picked gets, nobody can tell it from one that was.
    @Test func everyValueGetsNoiseOfTheSameScale() throws {
        var random = SeededRandom(seed: 5)
        let (clip, z) = (0.25, 3.0)
        let unchanged = Parameters([
            (Parameters.prompts, Tensor(shape: [0, 2], values: [])),
            (Parameters.headWeight, base.parameters[Parameters.headWeight]!),
        ])
        var sums = [Double](repeating: 0, count: 10)
        var squares = sums
        let rounds = 4000
        for _ in 0..<rounds {
            let sent = try privacy(clip: clip, noise: z).protect(unchanged, promptIDs: [], base: base) {
                random.nextNormal()
            }
            for (place, change) in changes(sent.parameters).enumerated() {
                sums[place] += change
                squares[place] += change * change
            }
        }
        // Five standard errors of mean and variance.
        let deviation = clip * z
        for place in sums.indices {
            #expect(abs(sums[place] / Double(rounds)) < 5 * deviation / Double(rounds).squareRoot())
            let variance = squares[place] / Double(rounds) / (deviation * deviation)
            #expect(abs(variance - 1) < 5 * (2 / Double(rounds)).squareRoot(), "value \(place): \(variance)")
        }
    }

    @Test func whatCannotBeCoveredIsRefused() throws {
        func refusal(_ parameters: Parameters, _ ids: [PromptID] = [11]) -> PrivacyError? {
            #expect(throws: PrivacyError.self) {
                try privacy(clip: 1).protect(parameters, promptIDs: ids, base: base) { 0 }
            }
        }
        var means = update
        means[Parameters.classMeans] = Tensor(shape: [2, 2], values: [0, 0, 0, 0])
        #expect(refusal(means) == .uncovered(tensor: Parameters.classMeans))
        var control = update
        control[Parameters.control(of: Parameters.headWeight)] = Tensor(shape: [2, 2], values: [0, 0, 0, 0])
        #expect(refusal(control) == .uncovered(tensor: "control.head.weight"))
        var other = update
        other[Parameters.headWeight] = Tensor(shape: [4], values: [0, 0, 0, 0])
        #expect(refusal(other) == .uncovered(tensor: Parameters.headWeight))
        #expect(refusal(update, [13]) == .uncovered(tensor: Parameters.prompts))
        var wild = update
        wild[Parameters.headWeight]!.values[3] = .infinity
        #expect(refusal(wild) == .notFinite)
    }

    @Test func theBudgetIsSpentOneUpdateBeforeItIsExceeded() {
        var privacy = privacy(clip: 1, noise: 2)
        privacy.budget = privacy.epsilon(rho: 3 * privacy.rho)
        #expect((0...4).map { privacy.isSpent(rho: Double($0) * privacy.rho) } == [false, false, false, true, true])
        privacy.budget = nil
        #expect(!privacy.isSpent(rho: 1e9))
    }
}
