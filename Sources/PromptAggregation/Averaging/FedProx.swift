/// FedProx (Li et al., MLSys 2020, equation 2): clients add μ/2 · ‖v − v_base‖² to their loss; the aggregation is FedAvg's.
enum FedProx {
    static let entry = StrategyEntry(
        name: "fedprox", summary: "FedAvg whose clients are held near the state that they start from.",
        source: "Li et al., MLSys 2020, equation 2",
        settings: [
            .number("proximal_weight", 1e-3, 0...1e6, "The weight μ of the proximal term in the clients' loss.")
        ] + ServerStep.settings,
        adapt: { settings, plan in plan.proximalWeight = settings.number("proximal_weight") },
        make: { settings, initial, _ in
            Chain("fedprox", initial, weigh: .samples, combine: .mean, step: ServerStep(settings, like: initial))
        })
}
