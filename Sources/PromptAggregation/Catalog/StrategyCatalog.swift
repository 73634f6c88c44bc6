/// All strategies by name. To add one: its file, and one line here.
public enum StrategyCatalog {
    public static let entries: [StrategyEntry] = [
        AsyncPfpt.entry.withClip.withChoiceOfHead,
        Ca2fl.entry.withClip.withChoiceOfHead,
        CoordinateMedian.entry.withClip.withChoiceOfHead,
        FedAsync.entry.withClip.withChoiceOfHead,
        FedAvg.entry.withClip.withChoiceOfHead,
        FedBuff.entry.withClip.withChoiceOfHead,
        FedCof.entry,
        FedOpt.entry.withClip.withChoiceOfHead,
        FedProx.entry.withClip.withChoiceOfHead,
        GaussianMixture.entry.withClip.withChoiceOfHead,
        Isolated.entry,
        PFedPG.entry.withClip,
        Pfpt.entry.withClip.withChoiceOfHead,
        PfptReference.entry,
        Scaffold.entry,
        TrimmedMean.entry.withClip.withChoiceOfHead,
    ]

    public static let names: [String] = entries.map(\.name)

    /// The strategy of a name.
    /// - Throws: `StrategyError.unknownStrategy` with the names that there are.
    public static func entry(_ name: String) throws(StrategyError) -> StrategyEntry {
        guard let entry = entries.first(where: { $0.name == name }) else {
            throw .unknownStrategy(name: name, known: names)
        }
        return entry
    }

    /// Makes a strategy.
    ///
    /// - Parameters:
    ///   - settings: what the run configuration gives; keys that it leaves out take their defaults.
    ///   - initial: the state that version 0 publishes.
    ///   - seed: the run's seed, the strategy's only source of randomness.
    /// - Throws: `StrategyError` naming the strategy or key that is wrong, what was expected and what came.
    public static func make(
        name: String, settings: StrategySettings = StrategySettings(), initial: PromptState, seed: UInt64
    ) throws(StrategyError) -> any AggregationStrategy {
        let entry = try entry(name)
        if let place = initial.parameters.entries.firstIndex(where: { $0.tensor.firstNonFinite != nil }) {
            let flawed = initial.parameters.entries[place]
            throw .unfitState(
                strategy: name, expected: "finite values",
                actual: "\(flawed.tensor.values[flawed.tensor.firstNonFinite ?? 0]) in '\(flawed.name)'")
        }
        return try entry.make(settings.checked(against: entry.settings, of: name), initial, seed)
    }

    /// The settings by which a strategy's head is tuned or solved for.
    package static let headKeys = ClosedHead.settings.map(\.key)

    /// Whether a strategy with these settings solves for the head, from class statistics that its clients send.
    package static func solvesForHead(_ name: String, settings: StrategySettings) throws(StrategyError) -> Bool {
        ClosedHead.isChosen(by: try settings.checked(against: entry(name).settings, of: name))
    }

    /// Changes a training plan to what the strategy asks of its clients; most ask for nothing.
    public static func adapt(
        _ plan: inout TrainingPlan, to name: String, settings: StrategySettings = StrategySettings()
    ) throws(StrategyError) {
        let entry = try entry(name)
        let checked = try settings.checked(against: entry.settings, of: name)
        entry.adapt(checked, &plan)
        guard !ClosedHead.isChosen(by: checked) || plan.personal == .nothing else {
            throw .wrongValue(
                strategy: name, key: ClosedHead.key, expected: "tuned where every client keeps a head of its own",
                actual: "closed")
        }
    }
}
