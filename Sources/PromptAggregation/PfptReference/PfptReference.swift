/// The parity mode: PFPT's aggregation as its authors run it (`ReferenceFit`), for comparison with their results.
///
/// As in their code every client contributes the same set of prompts, the union of what any client touched: a prompt that
/// a client did not touch counts at its base value. Clients weigh alike. What is tuned beside the prompts is averaged by
/// sample count. Prompts so extreme that a gain stops being a number leave the pool as it was.
struct PfptReference: CatalogStrategy {
    static let entry = StrategyEntry(
        name: "pfpt-reference",
        summary: "PFPT's aggregation exactly as its authors' code computes it, in Float64 (slow).",
        source: "Weng et al., NeurIPS 2024, code PeiYauWeng/PFPT",
        settings: [
            .integer("sweeps", 50, 1...10_000, "Sweeps of the alternating fit at each flush."),
            .integer("hidden", 128, 1...4096, "Hidden units of the covariance and of the usage network."),
        ]
    ) { settings, initial, seed in
        PfptReference(
            state: initial, sweeps: settings.integer("sweeps"), hidden: settings.integer("hidden"), seed: seed,
            nextIdentity: PoolRound.firstFreeIdentity(after: initial))
    }

    private(set) var state: PromptState
    let largestPool = PromptState.largestPool
    private let sweeps: Int
    private let hidden: Int
    private let seed: UInt64
    private var flush: UInt64 = 0
    private var nextIdentity: PromptID

    private init(state: PromptState, sweeps: Int, hidden: Int, seed: UInt64, nextIdentity: PromptID) {
        self.state = state
        self.sweeps = sweeps
        self.hidden = hidden
        self.seed = seed
        self.nextIdentity = nextIdentity
    }

    mutating func aggregate(inOrder contributions: [Contribution]) -> FlushReport {
        let weights = Weighing.samples.shares(of: contributions)
        let present = state
        state.average(contributions, weights: weights) { $0 != Parameters.prompts }
        let union = touched(by: contributions, pool: present.promptIDs)
        let equal = contributions.map { _ in 1 / Double(contributions.count) }
        guard !union.isEmpty else { return FlushReport(weights: equal) }
        var random = SeededRandom(seed: seed, stream: flush)
        flush += 1

        let locals = contributions.flatMap { rows(of: $0, union: union, pool: present) }
        let pool = contributions.count * union.count
        let covariance = ReferenceNetwork(inputs: state.width, hidden: hidden, outputs: state.width, random: &random)
        let usage = ReferenceNetwork(inputs: state.width, hidden: hidden, outputs: 1, random: &random)
        var fit = ReferenceFit(
            locals: locals, clients: contributions.count, promptsPerClient: union.count, width: state.width,
            covariance: covariance, usage: usage,
            matches: contributions.map { _ in
                PoolRound.randomMatches(count: union.count, pool: pool, random: &random)
            })
        let before = fit.objective()
        do {
            try fit.run(sweeps: sweeps)
        } catch {
            return FlushReport(weights: contributions.map { _ in 0 })
        }
        return publish(fit, contributions, union, equal, before)
    }

    /// The pool's prompts that some contribution touched, in the pool's order, then any that the pool no longer holds.
    private func touched(by contributions: [Contribution], pool: [PromptID]) -> [PromptID] {
        let place = RowIndex(pool)
        var inPool = [Bool](repeating: false, count: pool.count)
        var gone: [PromptID] = []
        for id in contributions.flatMap(\.promptIDs) {
            if let row = place[id] { inPool[row] = true } else { gone.append(id) }
        }
        gone.sort()
        let distinct = gone.indices.filter { $0 == 0 || gone[$0] != gone[$0 - 1] }.map { gone[$0] }
        return pool.indices.filter { inPool[$0] }.map { pool[$0] } + distinct
    }

    /// One client's value of every prompt of the union: tuned, or at its base, or as the pool has it now, or zero.
    private func rows(of contribution: Contribution, union: [PromptID], pool: PromptState) -> [Double] {
        let tuned = RowIndex(contribution.promptIDs)
        let base = RowIndex(contribution.base.promptIDs)
        let present = RowIndex(pool.promptIDs)
        return union.flatMap { id -> [Double] in
            if let row = tuned[id], let prompts = contribution.parameters[Parameters.prompts] {
                return prompts.row(row).map(Double.init)
            }
            if let row = base[id] { return contribution.base.prompts.row(row).map(Double.init) }
            if let row = present[id] { return pool.prompts.row(row).map(Double.init) }
            return [Double](repeating: 0, count: pool.width)
        }
    }

    private mutating func publish(
        _ fit: ReferenceFit, _ contributions: [Contribution], _ union: [PromptID], _ weights: [Double],
        _ before: Double
    ) -> FlushReport {
        let (survivors, width, old) = (fit.survivors, state.width, state.promptIDs)
        let rows = survivors.flatMap { row in
            fit.centroids.values[row * width..<(row + 1) * width].map { Float(saturating: $0) }
        }
        guard rows.allSatisfy(\.isFinite) else { return FlushReport(weights: contributions.map { _ in 0 }) }
        let identities = PoolRound.identities(
            of: survivors, matches: fit.matches, origins: contributions.map { _ in union }, pool: old,
            next: &nextIdentity)
        state.replacePool(rows: rows, identities: identities)
        var identityOfRow = [PromptID](repeating: FlushReport.unmatched, count: contributions.count * union.count)
        for (row, identity) in zip(survivors, identities) { identityOfRow[row] = identity }
        let tuned = RowIndex(union)
        let after = fit.objective()
        return FlushReport(
            weights: weights,
            matches: zip(contributions, fit.matches).map { contribution, matches in
                contribution.promptIDs.map { identityOfRow[matches[tuned[$0] ?? 0]] }
            }, births: identities.filter { !old.contains($0) }, deaths: old.filter { !identities.contains($0) },
            objectiveBefore: before.isFinite ? before : nil, objectiveAfter: after.isFinite ? after : nil)
    }

    func write(to writer: inout SnapshotWriter) {
        writer.write(state)
        writer.write(flush)
        writer.write(nextIdentity)
    }

    mutating func read(from reader: inout SnapshotReader) throws(SnapshotError) {
        state = try reader.state(like: state)
        flush = UInt64(try reader.counter("flush"))
        nextIdentity = PromptID(try reader.counter("next identity"))
    }
}
