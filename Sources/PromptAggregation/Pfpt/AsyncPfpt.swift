/// Asynchronous PFPT: the pool, both networks and their optimizer state live on from version to version, and a flush is
/// fitted to the buffer together with each other client's last contribution.
///
/// The objective is Σ_t λ_t [log P(ω_t | z_t, Φ) + log P(z_t | Φ)] with λ_t = s(τ_t) · share(n_t). Φ starts from the
/// present pool; a row starts at the prompt from which its client tuned it, and may leave it for another or for a prompt
/// of its own. Prompts that no evidence supports for `patience` flushes die. What is tuned beside the prompts moves by the
/// weighted mean of the flush, or as `CachedCalibration` says where `calibration-horizon` asks for it.
struct AsyncPfpt: CatalogStrategy {
    static let entry = StrategyEntry(
        name: "pfpt-async",
        summary: "Asynchronous probabilistic prompt aggregation with a lasting pool and cached evidence.",
        source: "this project, after Weng et al., NeurIPS 2024; CA2FL, Wang et al., ICLR 2024",
        settings: PfptSettings.fit(sweeps: 3, promptStep: .mean, share: "samples", evidence: .touched) + [
            .integer(
                "horizon", 10, 0...1_000_000, "Flushes for which a client's last prompts count; 0 for none."),
            .integer(
                "calibration-horizon", 0, 0...1_000_000,
                "Flushes for which a client's last displacement of the head counts; 0 for the flush's mean alone."),
            .number("cache-decay", 0.5, 0...10, "Cached evidence of age a weighs (1 + a)^-decay."),
            .number("evidence-shift", 0, 0...1, "How far cached and late prompts are carried along with the pool."),
            .number(
                "inertia", 0, 0...1e6, "Weight of a prompt's present place against its evidence (prompt-step mean)."),
            .integer("patience", 10, 0...1_000_000, "Flushes that a prompt survives without support."),
            .number("least-support", 0.01, 0...1, "Evidence of less weight neither bears nor sustains a prompt."),
            .number("births", 1, 0...1e6, "New prompts that a client is expected to bring; 0 allows none."),
            .number(
                "birth-distance", 0.5, 0...100,
                "Least distance of a new prompt from all others, in their typical distance."),
            .integer("pool-limit", 0, 0...1_000_000, "Most prompts in the pool; 0 for twice the initial pool."),
            .integer(
                "pool-minimum", 0, 0...1_000_000, "Fewest prompts in the pool; 0 for the initial pool or 10 at most."),
            .flag("cold-start", false, "Begin every flush as synchronous PFPT does: no memory of pool or networks."),
        ]
    ) { settings, initial, seed in
        AsyncPfpt(settings: settings, initial: initial, seed: seed)
    }

    private(set) var state: PromptState
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
    private var cache = EvidenceCache()
    private var calibration = CachedCalibration()

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
        let news = cache.news(in: contributions)
        guard news.contains(where: { contributions[$0].stalenessWeight > 0 && contributions[$0].sampleCount > 0 })
        else {
            return FlushReport(weights: contributions.map { _ in 0 })
        }
        moveBesidePrompts(news.map { contributions[$0] })
        let observed = settings.extent.applied(to: contributions, pool: state)
        for place in news { cache.remember(observed[place], flush: flush, width: state.width) }
        cache.forget(flush: flush, horizon: settings.horizon)
        let weights = evidenceWeights()
        let report = fitPool(contributions, news, weights)
        flush += 1
        return report
    }

    /// A cached displacement is used in every flush until its client reports again. So the step is shortened to the part
    /// of the known clients, by weight, that the flush is news of: each displacement then counts once in the mean. At full
    /// length the same displacement would be taken several times over before its client can answer, and the state swings.
    private mutating func moveBesidePrompts(_ news: [Contribution]) {
        let weights = news.map { Double($0.sampleCount) * $0.stalenessWeight }
        let step = calibration.step(
            news, weights: weights, flush: flush, horizon: settings.calibrationHorizon, like: state
        ) { $0 != Parameters.prompts }
        let turnover = min(1, weights.reduce(0, +) / calibration.weight)
        state.move(by: step, rate: turnover) { $0 != Parameters.prompts }
    }

    /// λ of each entry of the cache.
    private func evidenceWeights() -> [Double] {
        let entries = cache.entries.map(\.value)
        let staleness = entries.map { entry in
            let age = flush - entry.arrived
            return age == 0
                ? entry.stalenessWeight
                : entry.stalenessWeight * Elementary.power(1 + Double(age), -settings.cacheDecay)
        }
        return PoolRound.weights(
            of: entries.map(\.sampleCount), stalenessWeights: staleness, bySamples: settings.sharesBySamples)
    }

    private mutating func fitPool(_ contributions: [Contribution], _ news: [Int], _ weights: [Double]) -> FlushReport {
        let counting = cache.entries.indices.filter { weights[$0] > 0 && !cache.entries[$0].value.promptIDs.isEmpty }
        var report = FlushReport(weights: influence(contributions, news, weights))
        guard !counting.isEmpty else { return report }

        let fit = makeFit(counting, weights)
        report.objectiveBefore = fit.objective()
        fit.run()
        report.objectiveAfter = fit.objective()

        let old = state.promptIDs
        let identityOfRow = publish(fit, counting)
        report.births = state.promptIDs.filter { !old.contains($0) }
        report.deaths = old.filter { !state.promptIDs.contains($0) }
        for (place, item) in zip(counting, fit.evidence) {
            cache.setMatches(
                item.matches.map { $0 < 0 ? FlushReport.unmatched : identityOfRow[$0] }, of: place)
        }
        report.matches = contributions.indices.map { place in
            let sent = contributions[place].promptIDs.count
            return news.contains(place) ? Array(matches(of: contributions[place].client).prefix(sent)) : []
        }
        return report
    }

    private func matches(of client: ClientID) -> [PromptID] {
        cache.entries[client]?.matches ?? []
    }

    /// The share of each contribution in the flush's own part of the evidence.
    private func influence(_ contributions: [Contribution], _ news: [Int], _ weights: [Double]) -> [Double] {
        var influence = [Double](repeating: 0, count: contributions.count)
        for place in news {
            guard let entry = cache.entries.place(of: contributions[place].client) else { continue }
            influence[place] = weights[entry]
        }
        return shares(influence)
    }

    // MARK: The fit

    private mutating func makeFit(_ counting: [Int], _ weights: [Double]) -> PoolFit {
        var options = settings.fit
        if settings.isColdStart {
            var random = SeededRandom(seed: seed, stream: UInt64(flush))
            let bare = counting.map { place in
                let entry = cache.entries[place].value
                return PoolEvidence(
                    rows: entry.rows, count: entry.promptIDs.count, weight: weights[place], matches: [])
            }
            let (model, evidence) = PoolRound.coldStart(bare, layout: layout, random: &random)
            return PoolFit(model: model, evidence: evidence, options: options, capacity: model.pool)
        }
        options.drop = .never
        let pool = RowIndex(state.promptIDs)
        let evidence = counting.map { place in
            let entry = cache.entries[place].value
            return PoolEvidence(
                rows: carried(entry), count: entry.promptIDs.count, weight: weights[place],
                matches: entry.matches.map { pool[$0] ?? -1 })
        }
        if !knowsScale {
            model.startVariance(evidence)
            knowsScale = true
        }
        if settings.births > 0 {
            options.births = PoolFitOptions.Births(
                logOdds: Elementary.log(settings.births / Double(counting.count)), leastWeight: settings.leastSupport,
                leastDistance: settings.birthDistance)
        }
        let capacity = settings.births > 0 ? 2 * settings.poolLimit : model.pool
        return PoolFit(model: model, evidence: evidence, options: options, capacity: capacity)
    }

    /// A client's rows, moved along with what the pool did since the client took them: ω + shift · (φ_now − φ_base).
    private func carried(_ entry: EvidenceCache.Entry) -> [Float] {
        guard settings.evidenceShift > 0 else { return entry.rows }
        let (pool, width) = (RowIndex(state.promptIDs), state.width)
        let shift = Float(settings.evidenceShift)
        let present = state.prompts.values
        var rows = entry.rows
        for (row, id) in entry.promptIDs.enumerated() {
            guard let target = pool[id] else { continue }
            for column in 0..<width {
                let place = row * width + column
                rows[place] += shift * (present[target * width + column] - entry.baseRows[place])
            }
        }
        return rows
    }

    // MARK: The new pool

    /// Publishes the prompts that live on and returns the identity of each row of the fit.
    private mutating func publish(_ fit: PoolFit, _ counting: [Int]) -> [PromptID] {
        let support = fit.support()
        let survivors = settings.isColdStart ? support.indices.filter { support[$0] > 0 } : survivors(support)
        let identities: [PromptID]
        if settings.isColdStart {
            identities = PoolRound.identities(
                of: survivors, matches: fit.evidence.map(\.matches),
                origins: counting.map { cache.entries[$0].value.promptIDs }, pool: state.promptIDs, next: &nextIdentity)
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

    /// The rows that live on, ascending: those supported within `patience` flushes, at least `pool-minimum` and at most
    /// `pool-limit`, the lately and the well supported first.
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
        cache.write(to: &writer)
        calibration.write(to: &writer)
    }

    mutating func read(from reader: inout SnapshotReader) throws(SnapshotError) {
        state = try reader.state(like: state)
        let pool = state.promptIDs.count
        flush = try reader.counter("flush")
        nextIdentity = PromptID(try reader.counter("next identity"))
        model = try PoolModel(from: &reader, layout: layout, pool: pool)
        knowsScale = try reader.flag()
        lastSupported = try reader.integers("flushes of last support", in: 0...flush, count: pool)
        try cache.read(from: &reader, width: state.width, flush: flush)
        try calibration.read(
            from: &reader, like: Displacement(like: state) { $0 != Parameters.prompts }, flush: flush)
    }
}
