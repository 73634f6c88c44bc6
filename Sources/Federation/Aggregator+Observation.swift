import PromptAggregation

/// A client as observers see it.
public struct ClientState: Hashable, Sendable {
    public var id: ClientID
    public var presence: Presence
    public var sampleCount: Int
    /// The version that its task starts from, nil while it has none.
    public var taskVersion: Version?
    public var lastHeard: Timestamp
}

extension Aggregator {
    /// Everybody who ever took part, ascending by identity.
    public var clientStates: [ClientState] {
        clients.records.map {
            ClientState(
                id: $0.id, presence: $0.presence, sampleCount: $0.sampleCount, taskVersion: $0.inFlight?.version,
                lastHeard: $0.lastHeard)
        }
    }
}
