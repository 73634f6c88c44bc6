import PromptAggregation

/// A client as observers see it.
public struct ClientState: Hashable, Sendable {
    public var id: ClientID
    public var presence: Presence
    public var sampleCount: Int
    /// Samples that it holds out and evaluates versions on.
    public var heldOutCount: Int
    /// The version that its task starts from, nil while it has none.
    public var taskVersion: Version?
    /// By the driver's clock; while nobody listened no time passed for it.
    public var lastHeard: Timestamp
    /// Failed tasks in a row.
    public var failures: Int
    /// Why the last of them failed, empty where none did.
    public var lastFailure: String
    /// Whether the aggregator gives it tasks: it is alive, has samples, and did not fail too often.
    public var isAsked: Bool
    /// Sessions of it that were heard after another had replaced them, of the last few.
    public var fencedSessions: Int
}

extension Aggregator {
    /// Everybody who ever took part, ascending by identity.
    public var clientStates: [ClientState] {
        let now = clock.last ?? Timestamp(nanoseconds: 0)
        return clients.records.map { record in
            let silence = clock.listened.saturatingSubtract(record.heard)
            return ClientState(
                id: record.id, presence: record.presence, sampleCount: record.sampleCount,
                heldOutCount: record.heldOutCount,
                taskVersion: record.current?.version,
                lastHeard: Timestamp(nanoseconds: now.nanoseconds.saturatingSubtract(silence)),
                failures: record.failures, lastFailure: record.lastFailure, isAsked: clients.mayBeAsked(record),
                fencedSessions: record.fenced.count { $0.wasHeard })
        }.sorted { $0.id < $1.id }
    }
}
