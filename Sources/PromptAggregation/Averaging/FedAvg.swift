/// Federated averaging (McMahan et al. 2017, algorithm 1), written as a sum of displacements so that it also takes
/// contributions of mixed base versions (Nguyen et al. 2022, equation 3):
///
///     new = current + Σ_t w_t (local_t − base_t),   w_t = n_t s_t / Σ_u n_u s_u
///
/// When every base is the current state this is Σ_t w_t local_t, because the weights sum to 1. Under plain FedAvg every
/// client returns the whole pool; a row that it did not touch comes back unchanged, which is a displacement of zero.
struct FedAvg: MemorylessStrategy {
    static let entry = StrategyEntry(
        name: "fedavg", summary: "Average of all tuned values by sample count and staleness.",
        source: "McMahan et al., AISTATS 2017, algorithm 1", settings: []
    ) { _, initial, _ in FedAvg(state: initial) }

    var state: PromptState

    mutating func aggregate(inOrder contributions: [Contribution]) -> FlushReport {
        let weights = shares(contributions.map { Double($0.sampleCount) * $0.stalenessWeight })
        state.average(contributions, weights: weights)
        return FlushReport(weights: weights)
    }
}
