import PromptAggregation

/// What the aggregator waits for. Waits for clients are measured in the time in which they were listened to, so that a
/// stall or a restart takes nothing from them; the others in the time that passed.
extension Aggregator {
    struct Waits: Hashable, Sendable {
        /// `elapsed` at the start of the run.
        var started: Int64 = 0
        /// `elapsed` at the next beacon, nil before the start.
        var nextBeacon: Int64?
        /// `listened` when the buffer got its first update, nil while it is empty.
        var bufferedSince: Int64?
        /// `listened` when the current round gave its first task, nil while it gave none.
        var roundSince: Int64?
        /// Whether the current round's deadline has passed.
        var roundIsOver = false
        /// `listened` when clients were asked for evaluations last.
        var evaluationAsked: Int64 = 0
        /// `elapsed` at the end of a drain's patience, nil while nobody asked for one.
        var drainEnd: Int64?
    }

    /// When the aggregator wants to be called again, whatever happens until then, by its driver's clock; nil for never.
    ///
    /// It follows from the state alone and lies after the last event.
    public var nextDeadline: Timestamp? { deadline.flatMap { clock.time(at: $0) } }

    /// The same in `elapsed` time.
    var deadline: Int64? {
        guard phase != .ready, phase != .resting, let beacon = waits.nextBeacon else { return nil }
        var first = beacon
        if let oldest = clients.silence.first {
            first = min(first, clock.elapsed(atListened: leaseEnd(of: oldest)))
            // So that a stall is noticed as one, and not taken for silence.
            first = min(first, clock.elapsed.saturatingAdd(max(1, lease / 4)))
        }
        if let end = flushDeadline { first = min(first, clock.elapsed(atListened: end)) }
        if let end = roundDeadline { first = min(first, clock.elapsed(atListened: end)) }
        if let end = evaluationDeadline { first = min(first, clock.elapsed(atListened: end)) }
        if let end = runDeadline { first = min(first, end) }
        if let end = drainDeadline { first = min(first, end) }
        return first
    }

    /// Does what the deadlines that have passed ask for.
    mutating func meetDeadlines(at time: Timestamp) {
        guard phase != .ready, phase != .resting else { return }
        while let oldest = clients.silence.first, leaseEnd(of: oldest) <= clock.listened { lose(oldest) }
        if let beacon = waits.nextBeacon, beacon <= clock.elapsed {
            waits.nextBeacon = clock.elapsed.saturatingAdd(configuration.beacon.wholeNanoseconds)
            publishBeacon(to: .all)
        }
        if let end = roundDeadline, end <= clock.listened { waits.roundIsOver = true }
        if let end = evaluationDeadline, end <= clock.listened { askAgainForEvaluations() }
        if let end = flushDeadline, end <= clock.listened { flush(at: time) }
        if let end = runDeadline, end <= clock.elapsed { finish(at: time) }
        if let end = drainDeadline, end <= clock.elapsed { rest(at: time) }
    }

    private var lease: Int64 { configuration.lease.wholeNanoseconds }

    /// `listened` when a client is lost unless it is heard until then. Rounded up to a sixteenth of the lease, so that
    /// clients that fall silent together are lost together.
    private func leaseEnd(of slot: Int) -> Int64 {
        let end = clients[slot].heard.saturatingAdd(lease)
        let grain = max(1, lease / 16)
        let rest = end % grain
        return rest == 0 ? end : end.saturatingAdd(grain - rest)
    }

    private var flushDeadline: Int64? {
        guard isUnderWay, cut.isEmpty, case .buffered(let buffered) = configuration.mode,
            let after = buffered.flushAfter
        else { return nil }
        return waits.bufferedSince?.saturatingAdd(after.wholeNanoseconds)
    }

    private var roundDeadline: Int64? {
        guard isUnderWay, case .synchronous(let round) = configuration.mode, !waits.roundIsOver else { return nil }
        return waits.roundSince?.saturatingAdd(round.deadline.wholeNanoseconds)
    }

    /// The end of the run waits for a flush under way, and so does the end of a drain.
    private var runDeadline: Int64? {
        guard isUnderWay, cut.isEmpty, let duration = configuration.stop.duration else { return nil }
        return waits.started.saturatingAdd(duration.wholeNanoseconds)
    }

    private var drainDeadline: Int64? { phase == .draining && cut.isEmpty ? waits.drainEnd : nil }
}
