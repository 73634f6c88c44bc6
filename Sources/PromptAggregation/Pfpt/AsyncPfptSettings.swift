/// The settings of `pfpt-async`, with those that depend on the initial pool worked out.
struct AsyncPfptSettings: Hashable, Sendable {
    let fit: PoolFitOptions
    let extent: EvidenceExtent
    let sharesBySamples: Bool
    let patience: Int
    let leastSupport: Double
    let births: Double
    let birthDistance: Double
    let poolLimit: Int
    let poolMinimum: Int
    let isColdStart: Bool

    init(_ settings: CheckedSettings, initial: PromptState) {
        var fit = PfptSettings.options(settings)
        fit.inertia = settings.number("inertia")
        self.fit = fit
        extent = PfptSettings.extent(settings)
        sharesBySamples = settings.text("share") == "samples"
        patience = settings.integer("patience")
        leastSupport = settings.number("least_support")
        births = settings.number("births")
        birthDistance = settings.number("birth_distance")
        let initialPool = max(initial.promptIDs.count, 1)
        let minimum = settings.integer("pool_minimum")
        poolMinimum = minimum > 0 ? minimum : min(initialPool, 10)
        let limit = settings.integer("pool_limit")
        poolLimit = max(limit > 0 ? limit : min(2 * initialPool, PromptState.largestPool), poolMinimum)
        isColdStart = settings.flag("cold_start")
    }
}
