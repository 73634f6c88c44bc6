/// The coordinate-wise median (Yin et al., ICML 2018, definition 1).
enum CoordinateMedian {
    static let entry = StrategyEntry(
        name: "median", summary: "The median of the clients' displacements at each coordinate.",
        source: "Yin et al., ICML 2018, definition 1", settings: ServerStep.settings
    ) { settings, initial, _ in
        Chain("median", initial, weigh: .alike, combine: .median, step: ServerStep(settings, like: initial))
    }
}
