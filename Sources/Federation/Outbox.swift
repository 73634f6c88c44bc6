/// A client's updates that are not settled yet, in the order of their making.
///
/// An update is sent only once it is stored, so that a client that is started again still has what the aggregator may
/// be acknowledged; and only to the run that it belongs to.
struct Outbox: Sendable {
    private struct Item: Sendable {
        let update: ClientMessage.Update
        var isStored: Bool
    }
    private var items: [Item]

    /// - Parameter stored: what earlier sessions of the client left behind.
    init(stored: [ClientMessage.Update]) { items = stored.map { Item(update: $0, isStored: true) } }

    var updates: [ClientMessage.Update] { items.map(\.update) }
    var isEmpty: Bool { items.isEmpty }

    func count(of run: UInt64?) -> Int { items.count { $0.update.run == run } }

    /// Whether any of a run is stored and waits to be settled.
    func holdsStored(of run: UInt64) -> Bool { items.contains { $0.isStored && $0.update.run == run } }

    /// What may be sent to a run.
    func stored(of run: UInt64) -> [ClientMessage.Update] {
        items.filter { $0.isStored && $0.update.run == run }.map(\.update)
    }

    mutating func add(_ update: ClientMessage.Update) { items.append(Item(update: update, isStored: false)) }

    /// - Returns: the update, nil if it is not kept or was stored before.
    mutating func markStored(_ id: UpdateID) -> ClientMessage.Update? {
        guard let place = items.firstIndex(where: { $0.update.id == id && !$0.isStored }) else { return nil }
        items[place].isStored = true
        return items[place].update
    }

    /// Removes the updates that meet a condition.
    /// - Returns: their names.
    mutating func remove(where condition: (UpdateID) -> Bool) -> [UpdateID] {
        let removed = items.map(\.update.id).filter(condition)
        if !removed.isEmpty { items.removeAll { condition($0.update.id) } }
        return removed
    }
}
