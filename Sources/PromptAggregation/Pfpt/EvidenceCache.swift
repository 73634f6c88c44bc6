/// The last accepted contribution of each client, kept so that a flush sees more than the clients that happened to answer.
struct EvidenceCache: Hashable, Sendable {
    struct Entry: Hashable, Sendable {
        let session: UInt64
        let sequence: UInt64
        /// ω_t: [count, width].
        let rows: [Float]
        /// The pool's rows from which they started.
        let baseRows: [Float]
        let promptIDs: [PromptID]
        let sampleCount: Int
        let stalenessWeight: Double
        /// The flush at which it came.
        let arrived: Int
        /// The prompt that each row was matched with last; at first the one from which it started.
        var matches: [PromptID]
    }

    private(set) var entries = ClientTable<Entry>()

    /// Of each client the newest contribution of a flush, without those that are already in the cache or older.
    ///
    /// The newest is the one of least staleness; among equals the last in the contributions' order.
    func news(in contributions: [Contribution]) -> [Int] {
        var news: [Int] = []
        for (place, contribution) in contributions.enumerated() where !isKnown(contribution) {
            guard let last = news.last, contributions[last].client == contribution.client else {
                news.append(place)
                continue
            }
            if contribution.staleness <= contributions[last].staleness { news[news.count - 1] = place }
        }
        return news
    }

    private func isKnown(_ contribution: Contribution) -> Bool {
        guard let entry = entries[contribution.client] else { return false }
        return entry.session == contribution.session && entry.sequence >= contribution.sequence
    }

    mutating func remember(_ contribution: Contribution, flush: Int, width: Int) {
        let started = RowIndex(contribution.base.promptIDs)
        let basePrompts = contribution.base.prompts
        let rows = PoolRound.rows(of: contribution)
        var baseRows = rows
        for (row, id) in contribution.promptIDs.enumerated() {
            guard let origin = started[id] else { continue }
            baseRows.replaceSubrange(row * width..<(row + 1) * width, with: basePrompts.row(origin))
        }
        entries[contribution.client] = Entry(
            session: contribution.session, sequence: contribution.sequence, rows: rows, baseRows: baseRows,
            promptIDs: contribution.promptIDs, sampleCount: contribution.sampleCount,
            stalenessWeight: contribution.stalenessWeight, arrived: flush, matches: contribution.promptIDs)
    }

    /// Forgets what came `horizon` flushes ago or earlier; what comes at this very flush always stays.
    mutating func forget(flush: Int, horizon: Int) {
        entries.removeAll { $0.arrived < flush && flush - $0.arrived >= horizon }
    }

    mutating func setMatches(_ matches: [PromptID], of entry: Int) { entries[entry].value.matches = matches }

    func write(to writer: inout SnapshotWriter) {
        entries.write(to: &writer) { writer, entry in
            writer.write(entry.session)
            writer.write(entry.sequence)
            writer.write(entry.promptIDs)
            writer.write(entry.rows)
            writer.write(entry.baseRows)
            writer.write(entry.sampleCount)
            writer.write(entry.stalenessWeight)
            writer.write(entry.arrived)
            writer.write(entry.matches)
        }
    }

    mutating func read(from reader: inout SnapshotReader, width: Int, flush: Int) throws(SnapshotError) {
        entries = try ClientTable(from: &reader) { reader throws(SnapshotError) in
            let (session, sequence) = (try reader.word(), try reader.word())
            let identities = try reader.words("prompt identities")
            return Entry(
                session: session, sequence: sequence,
                rows: try reader.floats("prompts of a client", count: identities.count * width),
                baseRows: try reader.floats("base prompts of a client", count: identities.count * width),
                promptIDs: identities, sampleCount: try reader.integer("sample count", in: 0...Int.max),
                stalenessWeight: try reader.number("weight for staleness", in: 0...1),
                arrived: try reader.integer("flush of arrival", in: 0...flush),
                matches: try reader.words("matches", count: identities.count))
        }
    }
}
