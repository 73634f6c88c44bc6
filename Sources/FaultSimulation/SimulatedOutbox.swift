import Federation
import PromptAggregation
import PromptWire

/// What `OutboxFolder` keeps on a client's disk, in memory: a file is there whole or not at all, and its removal, which
/// nobody syncs, may be undone by a power failure.
struct SimulatedOutbox {
    private var files: [(id: UpdateID, bytes: [UInt8])] = []
    private var removed: [(id: UpdateID, bytes: [UInt8])] = []

    /// Keeps an update; syncing the folder makes earlier removals last.
    mutating func store(_ update: ClientMessage.Update) {
        files.append((update.id, ClientCodec.encode(.update(update))))
        removed.removeAll()
    }

    mutating func discard(_ id: UpdateID) {
        removed += files.filter { $0.id == id }
        files.removeAll { $0.id == id }
    }

    mutating func losePower(_ random: inout SeededRandom) {
        for file in removed where random.chance(0.5) { files.append(file) }
        removed.removeAll()
    }

    func contains(_ id: UpdateID) -> Bool { files.contains { $0.id == id } }

    /// What a process that starts finds, in the order of `OutboxFolder`.
    func left() throws -> [ClientMessage.Update] {
        try files.compactMap { file -> ClientMessage.Update? in
            if case .update(let update) = try ClientCodec.decode(file.bytes) { return update }
            return nil
        }.sorted { ($0.run, $0.task) < ($1.run, $1.task) }
    }
}
