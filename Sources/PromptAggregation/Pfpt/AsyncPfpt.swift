/// Asynchronous PFPT: the pool, both networks and their optimizer state live on from version to version, and a flush is
/// fitted to what its contributions changed.
///
/// The objective is Σ_t λ_t [log P(ω_t | z_t, Φ) + log P(z_t | Φ)] with λ_t = s(τ_t) · share(n_t). Φ starts from the
/// present pool; ω_t are a contribution's prompts carried along with the pool (`Contribution.carried`), so that a late one
/// brings what it learnt and does not pull the pool back to where its client took it. A row starts at the prompt from which
/// its client tuned it, and may leave it for another or for a prompt of its own. Prompts that no evidence supports for
/// `patience` flushes die. What is tuned beside the prompts moves by the weighted mean of the flush.
struct AsyncPfpt: CatalogStrategy {
    static let entry = StrategyEntry(
        name: "pfpt-async",
        summary: "Asynchronous probabilistic prompt aggregation with a lasting pool.",
        source: "this project, after Weng et al., NeurIPS 2024",
        settings: PfptSettings.fit(sweeps: 3, promptStep: .mean, share: "samples", evidence: .touched) + [
            .number(
                "inertia", 0, 0...1e6, "Weight of a prompt's current value against its evidence (prompt_step mean)."),
            .integer("patience", 10, 0...1_000_000, "Flushes that a prompt survives without support."),
            .number(
                "least_support", 1e-3, 0...1,
                "Evidence of less weight, in typical clients, neither bears nor sustains a prompt."),
            .number("births", 1, 0...1e6, "New prompts that a client is expected to bring; 0 allows none."),
            .number(
                "birth_distance", 0.5, 0...100,
                "Least distance of a new prompt from all others, in their typical distance."),
            .integer(
                "pool_limit", 0, 0...PromptState.largestPool,
                "Most prompts in the pool; 0 for twice the initial pool."),
            .integer(
                "pool_minimum", 0, 0...PromptState.largestPool,
                "Fewest prompts in the pool; 0 for the initial pool or 10 at most."),
            .flag("cold_start", false, "Begin every flush as synchronous PFPT does: no memory of pool or networks."),
        ]
    ) { settings, initial, seed in
        AsyncPfpt(settings: settings, initial: initial, seed: seed)
    }

    private(set) var state: PromptState
    var largestPool: Int {
        settings.isColdStart ? PromptState.largestPool : max(settings.poolLimit, state.promptIDs.count)
    }
    private let settings: AsyncPfptSettings
    private let layout: NetworkLayout
    private let seed: UInt64
    private var flush = 0
    private var nextIdentity: PromptID
    private var model: PoolModel
    /// Whether the covariance network has been set to the scale of the first flush's movements.
    private var knowsScale = false
    /// The flush at which each row of the pool was last supported.
    private var lastSupported: [Int]

    init(settings: CheckedSettings, initial: PromptState, seed: UInt64) {
        self.settings = AsyncPfptSettings(settings, initial: initial)
        state = initial
        layout = NetworkLayout(width: initial.width, hidden: settings.integer("hidden"))
        self.seed = seed
        nextIdentity = PoolRound.firstFreeIdentity(after: initial)
        var random = SeededRandom(seed: seed)
        model = PoolModel(layout: layout, prompts: initial.prompts.values, random: &random)
        lastSupported = [Int](repeating: 0, count: initial.promptIDs.count)
    }

    mutating func aggregate(inOrder contributions: [Contribution]) -> FlushReport {
        let averaging = Weighing.samples.shares(of: contributions)
        guard averaging.contains(where: { $0 > 0 }) else { return FlushReport(weights: averaging) }
        defer { flush += 1 }
        let observed = settings.extent.applied(to: contributions.map { $0.carried(to: state) }, pool: state)
        let weights = PoolRound.weights(
            of: contributions.map(\.sampleCount), stalenessWeights: contributions.map(\.stalenessWeight),
            bySamples: settings.sharesBySamples)
        state.average(contributions, weights: averaging) { $0 != Parameters.prompts }
        var report = FlushReport(weights: shares(weights))
        let counting = observed.indices.filter { weights[$0] > 0 && !observed[$0].promptIDs.isEmpty }
        guard !counting.isEmpty else { return report }

        let fit = makeFit(counting.map { observed[$0] }, counting.map { weights[$0] })
        report.objectiveBefore = fit.objective()
        fit.run()
        report.objectiveAfter = fit.objective()

        let old = state.promptIDs
        let identityOfRow = publish(fit, origins: counting.map { observed[$0].promptIDs })
        report.births = state.promptIDs.filter { !old.contains($0) }
        report.deaths = old.filter { !state.promptIDs.contains($0) }
        report.matches = contributions.map { _ in [] }
        for (place, item) in zip(counting, fit.evidence) {
            let matches = item.matches.map { $0 < 0 ? FlushReport.unmatched : identityOfRow[$0] }
            report.matches[place] = Array(matches.prefix(contributions[place].promptIDs.count))
        }
        return report
    }

    // MARK: The fit

    private mutating func makeFit(_ contributions: [Contribution], _ weights: [Double]) -> PoolFit {
        var options = settings.fit
        let pool = RowIndex(state.promptIDs)
        let evidence = zip(contributions, weights).map { contribution, weight in
            PoolEvidence(
                rows: PoolRound.rows(of: contribution), count: contribution.promptIDs.count, weight: weight,
                matches: contribution.promptIDs.map { pool[$0] ?? -1 })
        }
        if settings.isColdStart {
            var random = SeededRandom(seed: seed, stream: UInt64(flush))
            let (model, started) = PoolRound.coldStart(evidence, layout: layout, random: &random)
            return PoolFit(model: model, evidence: started, options: options, capacity: model.pool)
        }
        options.drop = .never
        if !knowsScale {
            model.startVariance(evidence)
            knowsScale = true
        }
        if settings.births > 0 {
            options.births = PoolFitOptions.Births(
                logOdds: Elementary.log(settings.births / Double(contributions.count)),
                leastWeight: settings.leastSupport, leastDistance: settings.birthDistance)
        }
        let capacity = settings.births > 0 ? 2 * settings.poolLimit : model.pool
        return PoolFit(model: model, evidence: evidence, options: options, capacity: capacity)
    }

    // MARK: The new pool

    /// Publishes the prompts that live on and returns the identity of each row of the fit.
    ///
    /// - Parameter origins: for each contribution, the identity from which each of its prompts started.
    private mutating func publish(_ fit: PoolFit, origins: [[PromptID]]) -> [PromptID] {
        let support = fit.support()
        let survivors = settings.isColdStart ? support.indices.filter { support[$0] > 0 } : survivors(support)
        let identities: [PromptID]
        if settings.isColdStart {
            identities = PoolRound.identities(
                of: survivors, matches: fit.evidence.map(\.matches), origins: origins, pool: state.promptIDs,
                next: &nextIdentity)
        } else {
            identities = survivors.map { row in
                if row < state.promptIDs.count { return state.promptIDs[row] }
                defer { nextIdentity += 1 }
                return nextIdentity
            }
        }
        lastSupported = survivors.map { row in
            support[row] >= settings.leastSupport ? flush : row < lastSupported.count ? lastSupported[row] : flush
        }
        model = fit.model(keeping: survivors)
        state.replacePool(rows: model.prompts.values, identities: identities)
        var identityOfRow = [PromptID](repeating: FlushReport.unmatched, count: support.count)
        for (row, identity) in zip(survivors, identities) { identityOfRow[row] = identity }
        return identityOfRow
    }

    /// The rows that live on, ascending: those supported within `patience` flushes, at least `pool_minimum` and at most
    /// `pool_limit`, the lately and the well supported first.
    private func survivors(_ support: [Double]) -> [Int] {
        let seen = support.indices.map { row in
            support[row] >= settings.leastSupport ? flush : row < lastSupported.count ? lastSupported[row] : Int.min
        }
        let ranked = support.indices.sorted { a, b in
            (seen[a], support[a], b) > (seen[b], support[b], a)
        }
        let alive = ranked.prefix { row in seen[row] > Int.min && flush - seen[row] <= settings.patience }.count
        let count = min(max(alive, min(settings.poolMinimum, ranked.count)), settings.poolLimit)
        return ranked.prefix(count).sorted()
    }
}

extension AsyncPfpt {
    func write(to writer: inout SnapshotWriter) {
        writer.write(state)
        writer.write(flush)
        writer.write(nextIdentity)
        model.write(to: &writer)
        writer.write(knowsScale)
        writer.write(lastSupported)
    }

    mutating func read(from reader: inout SnapshotReader) throws(SnapshotError) {
        state = try reader.state(like: state)
        let pool = state.promptIDs.count
        flush = try reader.counter("flush")
        nextIdentity = PromptID(try reader.counter("next identity"))
        model = try PoolModel(from: &reader, layout: layout, pool: pool)
        knowsScale = try reader.flag()
        lastSupported = try reader.integers("flushes of last support", in: 0...flush, count: pool)
    }
}
