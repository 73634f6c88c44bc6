/// The coordinate-wise trimmed mean (Yin et al., ICML 2018, definition 2): the largest and the smallest β of the
/// displacements are left out at each coordinate, rounded down.
enum TrimmedMean {
    static let entry = StrategyEntry(
        name: "trimmed-mean",
        summary: "The mean of the clients' displacements without the extremes at each coordinate.",
        source: "Yin et al., ICML 2018, definition 2",
        settings: [
            .number("trim", 0.1, 0...0.499, "The share β of the clients left out at either end.")
        ] + ServerStep.settings
    ) { settings, initial, _ in
        Chain(
            "trimmed-mean", initial, weigh: .alike, combine: .trimmedMean(settings.number("trim")),
            step: ServerStep(settings, like: initial))
    }
}
