/// Heartbeats that renew a lease and change nothing else. Whoever drives the core may gather them and hand them in together
/// as `AggregatorEvent.Kind.heard`: by `nextDeadline`, so that nobody is lost who was heard.
extension Aggregator {
    /// What a message says of clients.
    package struct Signs {
        /// The places of clients that it only says to be alive.
        package fileprivate(set) var places: [Int] = []
        /// What else it says: 1, but of heartbeats as many as bring about anything beside a lease.
        package fileprivate(set) var others = 0
        /// Whether it brings about nothing but leases, so that it may be gathered.
        package fileprivate(set) var onlyRenews = false
    }

    /// - Parameter time: of the message. One that is earlier than the last event, since the driver's clock was set back, is
    ///   more than a sign of life: it sets the core's clock.
    package func signs(in message: ClientMessage, at time: Timestamp) -> Signs {
        let heartbeats: [ClientMessage.Heartbeat]
        switch message {
        case .heartbeat(let heartbeat): heartbeats = [heartbeat]
        case .presence(let presence): heartbeats = presence.heartbeats
        default: return Signs(others: 1)
        }
        var signs = Signs()
        for heartbeat in heartbeats {
            if let slot = clients.slot(of: heartbeat.client), renews(heartbeat, slot) {
                signs.places.append(slot)
            } else {
                signs.others += 1
            }
        }
        signs.onlyRenews = signs.others == 0 && deadline != nil && clock.last.map { $0 <= time } ?? false
        return signs
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
