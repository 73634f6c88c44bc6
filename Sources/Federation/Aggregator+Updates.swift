import PromptAggregation

/// What clients send back: each update is accepted once, or rejected with a reason.
extension Aggregator {
    mutating func receive(_ update: ClientMessage.Update, at time: Timestamp) {
        guard let index = clients.index(of: update.client), let settled = clients[index].settled(in: update.session)
        else {
            return reject(update, .invalid, "unknown client or session: say hello first", retryable: true)
        }
        hear(from: index, at: time)
        guard settled.admits(update.sequence) else {
            return reject(
                update, .invalid,
                "expected a sequence from 1 to \(settled.contiguous + SettledSequences.window), found \(update.sequence)",
                retryable: true)
        }
        if let inFlight = clients[index].inFlight, inFlight.task <= update.task { release(index) }
        if settled.contains(update.sequence) {
            counts.duplicates += 1
            return acknowledge(update, of: index)
        }
        guard clients[index].presence != .quarantined else {
            return reject(update, .quarantined, Self.quarantineReason, retryable: false)
        }
        clients[index].settle(update.sequence, in: update.session)
        switch examine(update) {
        case .failure(let problem):
            reject(update, problem.code, problem.reason, retryable: false)
            if problem.isOffence { noteOffence(problem.reason, of: index, in: update.session) }
        case .success(let base): accept(update, from: base, of: index, at: time)
        }
    }

    private mutating func accept(
        _ update: ClientMessage.Update, from base: PromptState, of index: Int, at time: Timestamp
    ) {
        counts.accepted += 1
        clients[index].offences = 0
        clients[index].sampleCount = update.sampleCount
        acknowledge(update, of: index)
        if case .synchronous(let round) = configuration.mode, round.late == .discard, update.baseVersion < version {
            counts.discardedLate += 1
            return
        }
        if buffer.isEmpty, let flushAfter { effects.append(.setTimer(.flushDeadline(version), after: flushAfter)) }
        clients[index].bufferedBase = max(clients[index].bufferedBase ?? -1, update.baseVersion)
        buffer.append(BufferedUpdate(update: update, base: base))
    }

    private mutating func acknowledge(_ update: ClientMessage.Update, of index: Int) {
        effects.append(.publish(.client(update.client), .ack(clients[index].ack(for: update.session))))
    }

    private mutating func reject(
        _ update: ClientMessage.Update, _ code: AggregatorMessage.Reject.Code, _ reason: String, retryable: Bool
    ) {
        counts.rejected += 1
        effects.append(
            .publish(
                .client(update.client),
                .reject(
                    .init(
                        client: update.client, session: update.session, sequence: update.sequence, code: code,
                        reason: reason, retryable: retryable))))
    }
}
