import PromptAggregation

/// The way to each client: the connections that spoke for it last. A router sends a message to the connection whose
/// route stands before it.
package struct Routes: Sendable {
    package typealias Route = [UInt8]

    /// Two processes may speak for one client, and the older one is to hear that it ends.
    private static let most = 2
    private let capacity: Int
    /// The newest first. Whoever was not heard while `recent` filled up is forgotten when it does so again.
    private var recent: [ClientID: [Route]] = [:]
    private var earlier: [ClientID: [Route]] = [:]

    /// - Parameter capacity: clients that are remembered, at least; twice as many at most.
    package init(capacity: Int) { self.capacity = max(1, capacity) }

    /// Takes note that a client was heard on a connection.
    package mutating func note(_ client: ClientID, at route: Route) {
        if recent[client]?.first == route { return }
        let others = self[client].filter { $0 != route }
        if recent[client] == nil, recent.count >= capacity {
            earlier = recent
            recent = [:]
        }
        recent[client] = [route] + others.prefix(Self.most - 1)
    }

    /// Where a client was heard, the newest first.
    package subscript(client: ClientID) -> [Route] { recent[client] ?? earlier[client] ?? [] }

    /// Forgets a connection that has ended.
    package mutating func forget(_ route: Route, of client: ClientID) {
        recent[client]?.removeAll { $0 == route }
        earlier[client]?.removeAll { $0 == route }
    }
}
