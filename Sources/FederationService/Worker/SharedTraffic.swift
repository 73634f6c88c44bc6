import Federation
import PromptAggregation
import PromptWire

/// What the clients of one worker say and hear together, so that many of them cost the aggregator little more than one:
/// their heartbeats travel in one message, and a state that one of them fetched serves all.
struct SharedTraffic {
    /// The newest whole state, of the aggregator that was heard last.
    private var newest: AggregatorMessage.GlobalPrompts?
    private var origin: Origin?
    private var heartbeats: [ClientMessage.Heartbeat] = []
    private var asked: (holding: Version, at: ContinuousClock.Instant)?

    /// What becomes of a client's request for a state.
    enum FetchOutcome {
        case send
        /// Another client asked just now; the answer comes to all.
        case wait
        /// The worker has a newer state already.
        case answer(AggregatorEnvelope)
    }

    /// Takes note of what the aggregator said.
    mutating func hear(_ envelope: AggregatorEnvelope) {
        if envelope.origin != origin {
            origin = envelope.origin
            newest = nil
            asked = nil
        }
        guard case .prompts(let prompts) = envelope.message, prompts.version > newest?.version ?? -1,
            let whole = prompts.completed(by: newest)
        else { return }
        newest = whole
    }

    /// - Parameter patience: how long the answer to an earlier request is waited for.
    mutating func fetch(
        _ fetch: ClientMessage.Fetch, at now: ContinuousClock.Instant, patience: Duration
    ) -> FetchOutcome {
        if let newest, let origin, newest.version > fetch.holding {
            let whole = AggregatorMessage.Prompts(version: newest.version, changed: newest.state)
            return .answer(AggregatorEnvelope(origin: origin, message: .prompts(whole)))
        }
        if let asked, asked.holding <= fetch.holding, asked.at.duration(to: now) < patience { return .wait }
        asked = (fetch.holding, now)
        return .send
    }

    /// Keeps a heartbeat for the next message.
    /// - Returns: whether it is the first for that.
    mutating func gather(_ heartbeat: ClientMessage.Heartbeat) -> Bool {
        heartbeats.append(heartbeat)
        return heartbeats.count == 1
    }

    /// Drops the heartbeat of a client that has left since.
    mutating func forget(_ client: ClientID) { heartbeats.removeAll { $0.client == client } }

    /// The heartbeats that were gathered, in as few messages as there can be.
    mutating func gathered() -> [ClientMessage] {
        defer { heartbeats = [] }
        guard heartbeats.count > 1 else { return heartbeats.map { .heartbeat($0) } }
        return stride(from: 0, to: heartbeats.count, by: Self.most).map { start in
            .presence(.init(heartbeats: Array(heartbeats[start..<min(start + Self.most, heartbeats.count)])))
        }
    }

    private static let most = WireLimits().heartbeats
}
