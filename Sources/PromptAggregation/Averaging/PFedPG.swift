/// pFedPG (after Yang, Wang and Wang, ICCV 2023, arXiv 2308.15367): a generator G makes each client's prompts P_n from
/// a common basis P and the client's descriptor D_n, all of them trained by what local tuning made of P_n:
///
///     P_n = G(D_n) = P + A V W_O,   A = softmax(Q Kᵀ / √h),   Q = D_n W_Q,   K = P W_K,   V = P W_V
///     client  P̃_n, H_n = tuned from P_n, H_n;   ΔP_n = P̃_n − P_n   (the head H_n stays with the client)
///     θ ← θ + α · mean_S (∂P_n/∂θ)ᵀ ΔP_n   for θ in P, W_Q, W_K, W_V, W_O;   D_n ← D_n + α (∂P_n/∂D_n)ᵀ ΔP_n
///
/// The basis is the pool. The state holds the generator's matrices beside it, so that one published state serves all: a
/// client makes its own prompts, and an update holds θ + α (∂P_n/∂θ)ᵀ ΔP_n, which leaves the server a mean.
///
/// The formulas were written without the paper's text at hand, so they name no equations of it: whether it adds P to the
/// attention's output, for one, is to be checked.
///
/// Deviations: the descriptor stays with its client, where the paper's server keeps all of them and sends prompts alone;
/// late updates, taken at their base version's θ, count by their staleness weights (the paper is synchronous).
enum PFedPG {
    static let entry = StrategyEntry(
        name: "pfedpg", summary: "A generator, tuned by all, makes the prompts of each client, which keeps its head.",
        source: "after Yang, Wang and Wang, ICCV 2023, arXiv 2308.15367",
        settings: [
            .number("rate", 1, 1e-8...100, "The step size α of the basis, the generator and the descriptors."),
            .integer("attention", 32, 1...65_536, "The width h of the generator's attention."),
        ],
        adapt: { settings, plan in
            plan.generatorRate = settings.number("rate")
            plan.personal = .head
        },
        make: { settings, initial, seed in
            let start = start(initial, attention: settings.integer("attention"), seed: seed)
            return Chain("pfedpg", start, weigh: .staleness, combine: .mean)
        })

    /// The first values are ours. With descriptors of size 1 the entries of Q and K are of size 1 too, so that clients'
    /// attention differs from the start; V W_O is a tenth of P, because with larger ones a rate of 1 diverged.
    private static func start(_ initial: PromptState, attention: Int, seed: UInt64) -> PromptState {
        var state = initial
        let width = initial.width
        let squares = initial.prompts.values.reduce(0) { $0 + Double($1) * Double($1) }
        let size = (squares / Double(max(initial.prompts.values.count, 1))).squareRoot()
        let narrowing = 1 / Double(width).squareRoot()
        let shapes = [
            (Parameters.generatorQuery, [width, attention], narrowing),
            (Parameters.generatorKey, [width, attention], size > 0 ? narrowing / size : narrowing),
            (Parameters.generatorValue, [width, attention], 0.3 * narrowing),
            (Parameters.generatorOutput, [attention, width], 0.3 / Double(attention).squareRoot()),
        ]
        var random = SeededRandom(seed: seed, stream: 0x9F)
        for (name, shape, deviation) in shapes {
            state.parameters[name] = Tensor(
                shape: shape,
                values: (0..<width * attention).map { _ in Float(saturating: deviation * random.nextNormal()) })
        }
        return state
    }
}
