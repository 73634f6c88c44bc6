/// Federated averaging (McMahan et al. 2017, algorithm 1), written as a sum of displacements so that it also takes
/// contributions of mixed base versions (Nguyen et al. 2022, equation 3):
///
///     new = current + Σ_t w_t (local_t − base_t),   w_t = n_t s_t / Σ_u n_u s_u
///
/// When every base is the current state this is Σ_t w_t local_t, because the weights sum to 1. Under plain FedAvg every
/// client returns the whole pool; a row that it did not touch comes back unchanged, which is a displacement of zero.
enum FedAvg {
    static let entry = StrategyEntry(
        name: "fedavg", summary: "Average of all tuned values by sample count and staleness.",
        source: "McMahan et al., AISTATS 2017, algorithm 1", settings: ServerStep.settings
    ) { settings, initial, _ in
        Chain("fedavg", initial, weigh: .samples, combine: .mean, step: ServerStep(settings, like: initial))
    }
}
