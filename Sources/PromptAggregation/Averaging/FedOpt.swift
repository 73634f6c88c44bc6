/// Adaptive server optimizers (Reddi et al., ICLR 2021, algorithm 2): the averaged displacement is taken for a gradient.
///
///     m = β₁ m + (1 − β₁) Δ,   x = x + η m / (√v + ε)
///     Adagrad v = v + Δ²;  Yogi v = v − (1 − β₂) Δ² sign(v − Δ²);  Adam v = β₂ v + (1 − β₂) Δ²
///
/// v starts at ε² and there is no correction for the moments' start, as the paper has it. Δ is weighted by sample count and
/// staleness.
struct FedOpt: CatalogStrategy {
    enum Rule: String, Hashable, Sendable, CaseIterable { case adam, yogi, adagrad }

    static let entry = StrategyEntry(
        name: "fedopt", summary: "An adaptive optimizer on the server: Adam, Yogi or Adagrad.",
        source: "Reddi et al., ICLR 2021, algorithm 2",
        settings: [
            .choice("rule", Rule.adam.rawValue, Rule.allCases.map(\.rawValue), "How the second moment is kept."),
            .number("server_rate", 0.01, 1e-8...100, "The server's step size η."),
            .number("beta1", 0.9, 0...0.999999, "Decay of the first moment."),
            .number("beta2", 0.98, 0...0.999999, "Decay of the second moment (Adam and Yogi)."),
            .number("epsilon", 1e-3, 1e-12...1, "The paper's τ: how adaptive the steps are at most."),
        ]
    ) { settings, initial, _ in
        FedOpt(settings, initial)
    }

    private(set) var state: PromptState
    private let rule: Rule
    private let rate, beta1, beta2, epsilon: Double
    private var first: [[Double]]
    private var second: [[Double]]

    private init(_ settings: CheckedSettings, _ initial: PromptState) {
        state = initial
        rule = Rule(rawValue: settings.text("rule")) ?? .adam
        rate = settings.number("server_rate")
        beta1 = settings.number("beta1")
        beta2 = settings.number("beta2")
        epsilon = settings.number("epsilon")
        let zero = Displacement(like: initial).tensors
        first = zero
        let start = epsilon * epsilon
        second = zero.map { $0.map { _ in start } }
    }

    mutating func aggregate(inOrder contributions: [Contribution]) -> FlushReport {
        let weights = shares(contributions.map { Double($0.sampleCount) * $0.stalenessWeight })
        guard weights.contains(where: { $0 > 0 }) else { return FlushReport(weights: weights) }
        var step = Displacement(like: state)
        for (contribution, weight) in zip(contributions, weights) where weight > 0 {
            step.add(contribution, weight: weight, like: state)
        }
        for tensor in step.tensors.indices {
            for place in step.tensors[tensor].indices {
                step.tensors[tensor][place] = move(tensor, place, by: step.tensors[tensor][place])
            }
        }
        state.move(by: step, rate: rate)
        return FlushReport(weights: weights)
    }

    private mutating func move(_ tensor: Int, _ place: Int, by change: Double) -> Double {
        let square = change * change
        let m = beta1 * first[tensor][place] + (1 - beta1) * change
        var v = second[tensor][place]
        switch rule {
        case .adagrad: v += square
        case .adam: v = beta2 * v + (1 - beta2) * square
        case .yogi: v -= (1 - beta2) * square * (v > square ? 1 : v < square ? -1 : 0)
        }
        first[tensor][place] = m
        second[tensor][place] = v
        return m / (v.squareRoot() + epsilon)
    }

    func write(to writer: inout SnapshotWriter) {
        writer.write(state)
        writer.write(first)
        writer.write(second)
    }

    mutating func read(from reader: inout SnapshotReader) throws(SnapshotError) {
        state = try reader.state(like: state)
        let layout = Displacement(like: state)
        first = try reader.moments(like: layout)
        second = try reader.moments(like: layout)
    }
}
