import PromptAggregation

/// What clients send back: each update gets one verdict, and counts once at most.
extension Aggregator {
    mutating func receive(_ update: ClientMessage.Update) {
        let slot = clients.slot(of: update.client)
        if let slot { hear(update, from: slot) }
        let verdict = judge(update, of: slot)
        effects.append(
            .judged(Judgement(client: update.client, run: update.run, task: update.task, verdict: verdict)))
        settle(update, of: slot, verdict)
    }

    /// The answer to a message that comes to nothing whatever else happens: an update of a stranger, of another run, or of
    /// a client in quarantine. Nil for any other.
    ///
    /// Whoever drives the core may send it without an event, so that what strangers send need not be kept; the totals
    /// then leave it out.
    public func turnsAway(_ message: ClientMessage) -> AggregatorMessage? {
        guard case .update(let update) = message else { return nil }
        let slot = clients.slot(of: update.client)
        guard update.run != run || slot == nil || clients[slot!].presence == .quarantined,
            case .rejected(let code, let reason) = judge(update, of: slot)
        else { return nil }
        return rejection(of: update, code, reason)
    }

    /// Whether a message is an update for an open task of its client.
    public func waitsFor(_ message: ClientMessage) -> Bool {
        guard case .update(let update) = message, update.run == run, case .known(let entry) = ledger[update.task]
        else { return false }
        return entry.outcome == .open && entry.slot == clients.slot(of: update.client)
    }

    /// An update of the session that speaks for its client is a sign of life. One that was kept by an earlier session is
    /// not, and none brings back who said goodbye.
    private mutating func hear(_ update: ClientMessage.Update, from slot: Int) {
        let presence = clients[slot].presence
        guard update.session == clients[slot].session, presence == .alive || presence == .lost else { return }
        hear(from: slot)
    }

    private func judge(_ update: ClientMessage.Update, of slot: Int?) -> Verdict {
        guard update.run == run else {
            return .rejected(
                .otherRun,
                reason: "expected an update of run \(hexadecimal(run)), found one of run \(hexadecimal(update.run))")
        }
        guard let slot else {
            return .rejected(.unknownTask, reason: "no task was given to \(update.client)")
        }
        let version: Version
        switch ledger[update.task] {
        case .known(let entry) where entry.slot == slot && entry.outcome != .open: return .duplicate
        case .known(let entry) where entry.slot == slot: version = entry.version
        case .known, .neverGiven:
            return .rejected(.unknownTask, reason: "task \(update.task) was not given to \(update.client)")
        case .forgotten:
            // A client may be at work on its task for longer than the ledger keeps it.
            guard let current = clients[slot].current, current.task == update.task else {
                return .rejected(
                    .tooStale,
                    reason: "task \(update.task) was given more than \(configuration.maximumStaleness) versions ago")
            }
            version = current.version
        }
        if clients[slot].presence == .quarantined { return .rejected(.quarantined, reason: Self.quarantineReason) }
        if let problem = problem(of: update, taskVersion: version) {
            return .rejected(problem.code, reason: problem.reason)
        }
        // A round is over once it is cut.
        if case .synchronous(let round) = configuration.mode, round.late == .discard,
            update.baseVersion < flushUnderWay ?? self.version
        {
            return .tooLate
        }
        return .accepted
    }

    /// Does what a verdict asks for, and answers the client.
    private mutating func settle(_ update: ClientMessage.Update, of slot: Int?, _ verdict: Verdict) {
        switch verdict {
        case .accepted:
            accept(update, of: slot!)
            ledger.settle(update.task, .counted)
            add(update, of: slot!)
        case .tooLate:
            totals.discardedLate += 1
            accept(update, of: slot!)
            ledger.settle(update.task, .discarded)
        case .duplicate:
            totals.duplicates += 1
            if case .known(let entry) = ledger[update.task], case .rejected(let code) = entry.outcome {
                return reject(update, code, "an update for this task was rejected before")
            }
            acknowledge(update)
        case .rejected(let code, let reason):
            totals.rejected += 1
            reject(update, code, reason)
            guard let slot, code != .otherRun else { return }
            if code != .unknownTask {
                ledger.settle(update.task, .rejected(code))
                releaseTask(update.task, of: slot)
            }
            if code.isOffence, clients[slot].presence != .quarantined { noteOffence(reason, of: slot) }
        }
    }

    private mutating func accept(_ update: ClientMessage.Update, of slot: Int) {
        totals.accepted += 1
        clients.change(slot) {
            $0.offences = 0
            $0.failures = 0
            $0.lastFailure = ""
        }
        releaseTask(update.task, of: slot)
        acknowledge(update)
    }

    private mutating func add(_ update: ClientMessage.Update, of slot: Int) {
        if buffer.isEmpty { waits.bufferedSince = clock.listened }
        let base = history[update.baseVersion - history[0].version].state
        let item = BufferedUpdate(slot: slot, update: update, base: base)
        noteBuffered(item)
        buffer.append(item)
    }

    private mutating func releaseTask(_ task: UInt64, of slot: Int) {
        if clients[slot].current?.task == task { release(slot) }
    }

    private mutating func acknowledge(_ update: ClientMessage.Update) {
        effects.append(.publish(.client(update.client), .ack(.init(client: update.client, task: update.task))))
    }

    private mutating func reject(
        _ update: ClientMessage.Update, _ code: AggregatorMessage.Reject.Code, _ reason: String
    ) {
        effects.append(.publish(.client(update.client), rejection(of: update, code, reason)))
    }

    private func rejection(
        of update: ClientMessage.Update, _ code: AggregatorMessage.Reject.Code, _ reason: String
    ) -> AggregatorMessage {
        .reject(.init(client: update.client, run: update.run, task: update.task, code: code, reason: reason))
    }
}

private func hexadecimal(_ value: UInt64) -> String { String(value, radix: 16) }

extension AggregatorMessage.Reject.Code {
    /// Whether no client that works as it should sends such a thing, however late it is.
    var isOffence: Bool { self == .invalid || self == .unknownVersion || self == .unknownTask }
}
