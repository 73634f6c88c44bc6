/// PFPT as the paper writes it (Weng et al., NeurIPS 2024, equations 4 to 11, 26 and 27). At every flush the pool
/// starts as the union of the local prompts, is fitted to them, and keeps the prompts that some client is matched with.
/// What is tuned beside the prompts is averaged as FedAvg does.
struct Pfpt: CatalogStrategy {
    static let entry = StrategyEntry(
        name: "pfpt",
        summary: "Probabilistic prompt aggregation: the pool is refitted to the local prompts of each flush.",
        source: "Weng et al., NeurIPS 2024, equations 4-11, 26, 27",
        settings: PfptSettings.fit(sweeps: 50, promptStep: .mean, share: "equal", evidence: .pool) + [
            .integer("restarts", 1, 1...1000, "Fits from different random starts; the best is kept."),
            .flag("keep_networks", false, "Carry the two networks and their optimizer state on to the next flush."),
        ]
    ) { settings, initial, seed in
        Pfpt(settings: settings, initial: initial, seed: seed)
    }

    private(set) var state: PromptState
    let largestPool = PromptState.largestPool
    private let options: PoolFitOptions
    private let extent: EvidenceExtent
    private let layout: NetworkLayout
    private let sharesBySamples: Bool
    private let keepsNetworks: Bool
    private let restarts: Int
    private let seed: UInt64
    private var flush: UInt64 = 0
    private var nextIdentity: PromptID
    private var kept: PoolModel?

    init(settings: CheckedSettings, initial: PromptState, seed: UInt64) {
        state = initial
        options = PfptSettings.options(settings)
        extent = PfptSettings.extent(settings)
        layout = NetworkLayout(width: initial.width, hidden: settings.integer("hidden"))
        sharesBySamples = settings.text("share") == "samples"
        keepsNetworks = settings.flag("keep_networks")
        restarts = settings.integer("restarts")
        self.seed = seed
        nextIdentity = PoolRound.firstFreeIdentity(after: initial)
    }

    mutating func aggregate(inOrder sent: [Contribution]) -> FlushReport {
        let contributions = extent.applied(to: sent, pool: state)
        let weights = PoolRound.weights(
            of: contributions.map(\.sampleCount), stalenessWeights: contributions.map(\.stalenessWeight),
            bySamples: sharesBySamples)
        let averaging = Weighing.samples.shares(of: contributions)
        state.average(contributions, weights: averaging) { $0 != Parameters.prompts }
        let counting = contributions.indices.filter { weights[$0] > 0 && !contributions[$0].promptIDs.isEmpty }
        guard !counting.isEmpty else { return FlushReport(weights: shares(weights)) }
        defer { flush += 1 }

        var random = SeededRandom(seed: seed, stream: flush)
        let evidence = counting.map { place in
            PoolEvidence(
                rows: PoolRound.rows(of: contributions[place]), count: contributions[place].promptIDs.count,
                weight: weights[place], matches: [])
        }
        var best = fit(evidence, start: 0, &random)
        for start in 1..<restarts {
            let other = fit(evidence, start: start, &random)
            if other.after > best.after { best = other }
        }
        var report = publish(best.fit, contributions, counting, shares(weights), best.before)
        for (place, contribution) in sent.enumerated() {
            report.matches[place] = Array(report.matches[place].prefix(contribution.promptIDs.count))
        }
        return report
    }

    /// One fit, with its objective before and after.
    ///
    /// Fits with an even number begin as the authors' code does: matches at random, variances of about 0.5, under which
    /// prompts merge. The others begin with every row at a prompt of its own and variances that keep them apart.
    private func fit(
        _ evidence: [PoolEvidence], start: Int, _ random: inout SeededRandom
    ) -> (fit: PoolFit, before: Double, after: Double) {
        var (model, started) = PoolRound.coldStart(evidence, layout: layout, random: &random)
        if start % 2 == 1 {
            PoolRound.matchWithThemselves(&started)
            model.startVariance(started)
        }
        if keepsNetworks, let kept { model.carryNetworks(from: kept) }
        let fit = PoolFit(model: model, evidence: started, options: options, capacity: model.pool)
        let before = fit.objective()
        fit.run()
        return (fit, before, fit.objective())
    }

    private mutating func publish(
        _ fit: PoolFit, _ contributions: [Contribution], _ counting: [Int], _ weights: [Double], _ before: Double
    ) -> FlushReport {
        let matches = fit.evidence.map(\.matches)
        let old = state.promptIDs
        let pool = Array(0..<fit.pool)
        let identities = PoolRound.identities(
            of: pool, matches: matches, origins: counting.map { contributions[$0].promptIDs }, pool: old,
            next: &nextIdentity)
        let model = fit.model(keeping: pool)
        if keepsNetworks { kept = model }
        state.replacePool(rows: model.prompts.values, identities: identities)

        var reported = [[PromptID]](repeating: [], count: contributions.count)
        for (place, rows) in zip(counting, matches) { reported[place] = rows.map { identities[$0] } }
        return FlushReport(
            weights: weights, matches: reported, births: identities.filter { !old.contains($0) },
            deaths: old.filter { !identities.contains($0) }, objectiveBefore: before, objectiveAfter: fit.objective())
    }

    func write(to writer: inout SnapshotWriter) {
        writer.write(state)
        writer.write(flush)
        writer.write(nextIdentity)
        writer.write(kept) { $1.write(to: &$0) }
    }

    mutating func read(from reader: inout SnapshotReader) throws(SnapshotError) {
        let restored = try reader.state(like: state)
        let layout = layout
        state = restored
        flush = UInt64(try reader.counter("flush"))
        nextIdentity = PromptID(try reader.counter("next identity"))
        kept = try reader.optional { reader throws(SnapshotError) in
            try PoolModel(from: &reader, layout: layout, pool: restored.promptIDs.count)
        }
    }
}
