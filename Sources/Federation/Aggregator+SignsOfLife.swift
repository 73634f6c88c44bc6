/// Heartbeats that renew a lease and change nothing else. Whoever drives the core may gather them and hand them in together
/// as `AggregatorEvent.Kind.heard`: by `nextDeadline`, so that nobody is lost who was heard.
extension Aggregator {
    /// The places of the clients that a message only says to be alive; nil where it brings about anything else.
    /// - Parameter time: of the message. One that is earlier than the last event, since the driver's clock was set back, is
    ///   more than a sign of life: it sets the core's clock.
    package func renews(_ message: ClientMessage, at time: Timestamp) -> [Int]? {
        let heartbeats: [ClientMessage.Heartbeat]
        switch message {
        case .heartbeat(let heartbeat): heartbeats = [heartbeat]
        case .presence(let presence): heartbeats = presence.heartbeats
        default: return nil
        }
        guard deadline != nil, let last = clock.last, last <= time else { return nil }
        var places: [Int] = []
        for heartbeat in heartbeats {
            guard let slot = clients.slot(of: heartbeat.client), renews(heartbeat, slot) else { return nil }
            places.append(slot)
        }
        return places
    }

    /// As `voice` and `receive` decide.
    private func renews(_ heartbeat: ClientMessage.Heartbeat, _ slot: Int) -> Bool {
        let record = clients[slot]
        guard record.presence == .alive, record.session == heartbeat.session else { return false }
        guard let current = record.current, heartbeat.task <= current.task else { return true }
        return heartbeat.task == current.task && (heartbeat.activity != .idle || heartbeat.outstanding > 0)
    }

    /// Renews the leases of those that are still there.
    mutating func hear(from places: Range<Int>) {
        for slot in places.clamped(to: 0..<clients.count) where clients[slot].presence == .alive { hear(from: slot) }
    }

    /// How long signs of life may be gathered: several sweeps fit into a lease.
    package var sweepTime: Duration { .nanoseconds(max(1, configuration.lease.wholeNanoseconds / 4)) }
}
