/// FedBuff (Nguyen et al., AISTATS 2022, algorithm 1): Δ̄ = (1/K) Σ_k s(τ_k) Δ_k over the K updates of the buffer, and
/// x = x + η Δ̄. Δ_k is taken against the version that the client started from, and the sum is divided by K, neither by the
/// number of clients nor by the sum of the weights.
enum FedBuff {
    static let entry = StrategyEntry(
        name: "fedbuff", summary: "Buffered asynchronous averaging of displacements, discounted by staleness.",
        source: "Nguyen et al., AISTATS 2022, algorithm 1", settings: ServerStep.settings
    ) { settings, initial, _ in
        Chain(
            "fedbuff", initial, weigh: .stalenessOverBuffer, combine: .mean,
            step: ServerStep(settings, like: initial))
    }
}
