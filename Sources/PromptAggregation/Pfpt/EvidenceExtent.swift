/// Which prompts of a client count as its observations of the pool.
///
/// A client tunes the prompts that its batches pick, and sends those. In the paper its set of local prompts is all that it
/// took from the pool: an untouched one was observed where it lay. That matters, because the matching keeps two prompts
/// apart only where one client brings both: from clients that bring two prompts each, of twenty, the fit makes two.
enum EvidenceExtent: String, CaseIterable {
    /// Those that it touched.
    case touched
    /// Those that any client of the flush touched.
    case union
    /// All of the pool.
    case pool

    /// The contributions with the pool's prompts that they did not touch behind their own rows.
    ///
    /// - Parameter pool: the present one. An untouched prompt is taken where it lies now: a late client has no news of it,
    ///   and must not draw it back to where it was.
    func applied(to contributions: [Contribution], pool: PromptState) -> [Contribution] {
        guard self != .touched else { return contributions }
        let union = Set(contributions.flatMap(\.promptIDs))
        return contributions.map { contribution in
            let own = Set(contribution.promptIDs)
            return contribution.observing(pool) { id in !own.contains(id) && (self == .pool || union.contains(id)) }
        }
    }
}

extension Contribution {
    /// The same with some of the pool's prompts behind its own.
    fileprivate func observing(_ pool: PromptState, _ isObserved: (PromptID) -> Bool) -> Contribution {
        let added = pool.promptIDs.indices.filter { isObserved(pool.promptIDs[$0]) }
        guard !added.isEmpty else { return self }
        var wider = self
        let prompts = pool.prompts
        wider.promptIDs += added.map { pool.promptIDs[$0] }
        wider.parameters[Parameters.prompts] = Tensor(
            shape: [wider.promptIDs.count, pool.width],
            values: PoolRound.rows(of: self) + added.flatMap { prompts.row($0) })
        return wider
    }
}
