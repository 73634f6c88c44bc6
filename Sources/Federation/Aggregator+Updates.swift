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
        clients[index].settle(update.sequence, in: update.session)
        switch examine(update) {
        case .failure(let problem): reject(update, problem.code, problem.reason, retryable: false)
        case .success(let base): accept(update, from: base, of: index, at: time)
        }
    }

    private mutating func accept(
        _ update: ClientMessage.Update, from base: PromptState, of index: Int, at time: Timestamp
    ) {
        counts.accepted += 1
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

    private struct Problem: Error {
        var code: AggregatorMessage.Reject.Code
        var reason: String
    }

    /// Checks an update against the state that it started from, which it returns.
    private func examine(_ update: ClientMessage.Update) -> Result<PromptState, Problem> {
        guard phase != .finished else { return .failure(Problem(code: .finished, reason: "the run has ended")) }
        guard update.baseVersion <= version, update.baseVersion >= 0 else {
            return .failure(
                Problem(
                    code: .unknownVersion,
                    reason: "expected a base version from 0 to \(version), found \(update.baseVersion)"))
        }
        guard let base = history.first(where: { $0.version == update.baseVersion })?.state else {
            return .failure(
                Problem(
                    code: .tooStale,
                    reason: "expected a base version from \(history[0].version), found \(update.baseVersion)"))
        }
        if let reason = misfit(of: update, on: base) { return .failure(Problem(code: .invalid, reason: reason)) }
        return .success(base)
    }

    /// What is wrong with an update's values, nil when they fit.
    private func misfit(of update: ClientMessage.Update, on base: PromptState) -> String? {
        guard update.sampleCount > 0 else {
            return "expected a sample count of at least 1, found \(update.sampleCount)"
        }
        let tuned = base.parameters.entries.filter { !Parameters.isFixed($0.name) }
        guard update.parameters.names == tuned.map(\.name) else {
            return "expected the tensors \(tuned.map(\.name)), found \(update.parameters.names)"
        }
        for (entry, expected) in zip(update.parameters.entries, tuned) {
            if let position = entry.tensor.firstNonFinite {
                return "\(entry.name): expected finite values, found \(entry.tensor.values[position]) at \(position)"
            }
            if entry.name != Parameters.prompts, entry.tensor.shape != expected.tensor.shape {
                return "\(entry.name): expected shape \(expected.tensor.shape), found \(entry.tensor.shape)"
            }
        }
        let shape = update.parameters[Parameters.prompts]!.shape
        guard shape.count == 2, shape[1] == base.width, shape[0] == update.promptIDs.count else {
            return "prompts: expected shape [\(update.promptIDs.count), \(base.width)], found \(shape)"
        }
        let known = base.promptIDs.sorted()
        let claimed = update.promptIDs.sorted()
        if let twice = zip(claimed, claimed.dropFirst()).first(where: { $0 == $1 }) {
            return "prompt identities: \(twice.0) is given twice"
        }
        if let stranger = claimed.first(where: { !contains($0, in: known) }) {
            return "prompt identities: \(stranger) is not in version \(update.baseVersion)"
        }
        return nil
    }

    private func contains(_ id: PromptID, in sorted: [PromptID]) -> Bool {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low < sorted.count && sorted[low] == id
    }
}
