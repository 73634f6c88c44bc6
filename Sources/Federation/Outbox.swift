/// Names an update among all of its client's.
public struct UpdateID: Hashable, Sendable {
    public var session: UInt64
    public var sequence: UInt64

    public init(session: UInt64, sequence: UInt64) {
        self.session = session
        self.sequence = sequence
    }
}

extension ClientMessage.Update {
    public var id: UpdateID { UpdateID(session: session, sequence: sequence) }
}

/// A client's updates that are not settled yet, in the order of their making.
///
/// An update is sent only once it is stored: a client that is started again then sends it under the session that it was
/// made in, so that the aggregator knows it from any other.
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
    var count: Int { items.count }

    /// What may be sent.
    var stored: [ClientMessage.Update] { items.filter(\.isStored).map(\.update) }

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
        items.removeAll { condition($0.update.id) }
        return removed
    }
}
