/// FedBuff (Nguyen et al., AISTATS 2022, algorithm 1): Δ̄ = (1/K) Σ_k s(τ_k) Δ_k over the K updates of the buffer, and
/// x = x + η Δ̄. Δ_k is taken against the version that the client started from, and the sum is divided by K, neither by the
/// number of clients nor by the sum of the weights.
struct FedBuff: MemorylessStrategy {
    static let entry = StrategyEntry(
        name: "fedbuff", summary: "Buffered asynchronous averaging of displacements, discounted by staleness.",
        source: "Nguyen et al., AISTATS 2022, algorithm 1",
        settings: [.number("server_rate", 1, 1e-8...100, "The server's step size η.")]
    ) { settings, initial, _ in
        FedBuff(state: initial, rate: settings.number("server_rate"))
    }

    var state: PromptState
    private let rate: Double

    mutating func aggregate(inOrder contributions: [Contribution]) -> FlushReport {
        let buffered = Double(contributions.count)
        state.average(contributions, weights: contributions.map { rate * $0.stalenessWeight / buffered })
        return FlushReport(weights: shares(contributions.map(\.stalenessWeight)))
    }
}
