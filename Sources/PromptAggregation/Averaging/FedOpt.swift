/// Adaptive server optimizers (Reddi et al., ICLR 2021, algorithm 2): the averaged displacement, by sample count and
/// staleness, is taken for a gradient.
enum FedOpt {
    static let entry = StrategyEntry(
        name: "fedopt", summary: "An adaptive optimizer on the server: Adam, Yogi or Adagrad.",
        source: "Reddi et al., ICLR 2021, algorithm 2",
        settings: [
            .choice("rule", "adam", ["adam", "yogi", "adagrad"], "How the second moment is kept."),
            .number("server_rate", 0.01, 1e-8...100, "The server's step size η."),
        ] + ServerStep.momentSettings
    ) { settings, initial, _ in
        Chain(
            "fedopt", initial, weigh: .samples, combine: .mean,
            step: ServerStep(settings, rule: "rule", like: initial))
    }
}
