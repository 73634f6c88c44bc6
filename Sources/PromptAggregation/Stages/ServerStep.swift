/// The last stage: how the state x moves by the displacement Δ that the flush combined, which stands for a gradient.
///
///     plain      x = x + η Δ
///     momentum   m = β₁ m + Δ,   x = x + η m                        (FedAvgM: Hsu, Qi and Brown 2019, arXiv 1909.06335)
///     the others m = β₁ m + (1 − β₁) Δ,   x = x + η m / (√v + ε)    (Reddi et al., ICLR 2021, algorithm 2)
///
///     adagrad v = v + Δ²;   yogi v = v − (1 − β₂) Δ² sign(v − Δ²);   adam v = β₂ v + (1 − β₂) Δ²
///
/// m starts at 0 and v at ε². There is no correction for the moments' start, as the papers have it.
struct ServerStep: Hashable, Sendable {
    enum Rule: String, Hashable, Sendable, CaseIterable {
        case plain, momentum, adam, yogi, adagrad

        /// The step size where none is chosen: the adaptive rules move every value by about as much.
        var usualRate: Double { [.plain, .momentum].contains(self) ? 1 : 0.01 }
    }

    /// Of a method that leaves the choice.
    static let settings: [SettingDeclaration] =
        [
            .choice(
                "server_step", Rule.plain.rawValue, Rule.allCases.map(\.rawValue),
                "How the server takes the aggregated change: at once, or as an optimizer takes a gradient."),
            .number(
                "server_rate", 0, 0...100,
                "The server's step size η; 0 for the usual one, 0.01 with adam, yogi and adagrad and else 1."),
        ] + momentSettings

    static let momentSettings: [SettingDeclaration] = [
        .number("beta1", 0.9, 0...0.999999, "Decay of the server step's first moment."),
        .number("beta2", 0.98, 0...0.999999, "Decay of its second moment (adam, yogi)."),
        .number("epsilon", 1e-3, 1e-12...1, "How adaptive its steps are at most (the τ of FedOpt's paper)."),
    ]

    static let plain = ServerStep(.plain, rate: 1)

    private let rule: Rule
    private let rate, beta1, beta2, epsilon: Double
    /// Empty where the rule has none.
    private var first: [[Double]] = []
    private var second: [[Double]] = []

    private init(_ rule: Rule, rate: Double, beta1: Double = 0, beta2: Double = 0, epsilon: Double = 0) {
        self.rule = rule
        self.rate = rate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
    }

    /// - Parameter key: the setting that names the rule.
    init(_ settings: CheckedSettings, rule key: String = "server_step", like state: PromptState) {
        let (rule, rate) = (Rule(rawValue: settings.text(key)) ?? .plain, settings.number("server_rate"))
        self.init(
            rule, rate: rate > 0 ? rate : rule.usualRate,
            beta1: settings.number("beta1"), beta2: settings.number("beta2"), epsilon: settings.number("epsilon"))
        let zero = Displacement(like: state).tensors
        if rule != .plain { first = zero }
        let start = epsilon * epsilon
        if rule != .plain && rule != .momentum { second = zero.map { $0.map { _ in start } } }
    }

    var isPlain: Bool { rule == .plain }

    /// What the displacement is to be multiplied by before `move`: a plain step's η. There it costs a product a contribution
    /// and not one a value.
    var linearRate: Double { isPlain ? rate : 1 }

    /// Moves the state by a displacement that was multiplied by `linearRate`.
    mutating func move(_ state: inout PromptState, by displacement: Displacement) {
        guard !isPlain else { return state.move(by: displacement) }
        var step = displacement
        for tensor in step.tensors.indices {
            for place in step.tensors[tensor].indices {
                step.tensors[tensor][place] = direction(tensor, place, after: step.tensors[tensor][place])
            }
        }
        state.move(by: step, rate: rate)
    }

    private mutating func direction(_ tensor: Int, _ place: Int, after change: Double) -> Double {
        if rule == .momentum {
            first[tensor][place] = beta1 * first[tensor][place] + change
            return first[tensor][place]
        }
        let square = change * change
        let m = beta1 * first[tensor][place] + (1 - beta1) * change
        var v = second[tensor][place]
        switch rule {
        case .adagrad: v += square
        case .yogi: v -= (1 - beta2) * square * (v > square ? 1 : v < square ? -1 : 0)
        default: v = beta2 * v + (1 - beta2) * square
        }
        first[tensor][place] = m
        second[tensor][place] = v
        return m / (v.squareRoot() + epsilon)
    }
}

extension ServerStep {
    func write(to writer: inout SnapshotWriter) {
        for moments in [first, second] where !moments.isEmpty { writer.write(moments) }
    }

    mutating func read(from reader: inout SnapshotReader, like state: PromptState) throws(SnapshotError) {
        let layout = Displacement(like: state)
        if !first.isEmpty { first = try reader.moments(like: layout) }
        if !second.isEmpty { second = try reader.moments(like: layout) }
    }
}
