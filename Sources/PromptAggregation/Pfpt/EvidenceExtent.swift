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
    /// All of the pool that it started from.
    case pool

    /// The contributions with what they did not touch behind their own rows, at its value in their base.
    func applied(to contributions: [Contribution]) -> [Contribution] {
        guard self != .touched else { return contributions }
        let union = Set(contributions.flatMap(\.promptIDs))
        return contributions.map { contribution in
            let own = Set(contribution.promptIDs)
            return contribution.observing { id in !own.contains(id) && (self == .pool || union.contains(id)) }
        }
    }
}

extension Contribution {
    /// The same with more of the base's prompts behind its own, as they lie in the base.
    fileprivate func observing(_ isObserved: (PromptID) -> Bool) -> Contribution {
        let added = base.promptIDs.indices.filter { isObserved(base.promptIDs[$0]) }
        guard !added.isEmpty else { return self }
        var wider = self
        let prompts = base.prompts
        wider.promptIDs += added.map { base.promptIDs[$0] }
        wider.parameters[Parameters.prompts] = Tensor(
            shape: [wider.promptIDs.count, base.width],
            values: PoolRound.rows(of: self) + added.flatMap { prompts.row($0) })
        return wider
    }
}
