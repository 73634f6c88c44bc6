import PromptAggregation

/// What an update must hold to count, and what becomes of a client whose updates keep failing it.
extension Aggregator {
    /// What keeps an update for an open task from counting, nil when nothing does.
    func problem(
        of update: ClientMessage.Update, taskVersion: Version
    ) -> (code: AggregatorMessage.Reject.Code, reason: String)? {
        if phase == .finished { return (.finished, "the run has ended") }
        guard update.baseVersion <= version else {
            return (.unknownVersion, "expected a base version up to \(version), found \(update.baseVersion)")
        }
        guard update.baseVersion >= taskVersion else {
            return (
                .invalid,
                "expected a base version from \(taskVersion), which the task names, found \(update.baseVersion)"
            )
        }
        // What comes in during a flush is for the version after the one that it makes.
        let oldest = max(history[0].version, (flushUnderWay ?? version) - configuration.maximumStaleness)
        guard update.baseVersion >= oldest else {
            return (.tooStale, "expected a base version from \(oldest), found \(update.baseVersion)")
        }
        let base = history[update.baseVersion - history[0].version].state
        return (update.misfit(on: base, plan: configuration.plan) ?? excess(of: update, over: base)).map {
            (.invalid, $0)
        }
    }

    /// What is too large about an update that fits, nil when nothing is.
    private func excess(of update: ClientMessage.Update, over base: PromptState) -> String? {
        let checks = configuration.checks
        if checks.maximumSampleCount > 0, update.sampleCount > checks.maximumSampleCount {
            return "expected a sample count of at most \(checks.maximumSampleCount), found \(update.sampleCount)"
        }
        guard checks.maximumNorm > 0 else { return nil }
        let norm = update.distance(from: base)
        return norm <= checks.maximumNorm
            ? nil : "expected a change of at most \(checks.maximumNorm) in Euclidean norm, found \(norm)"
    }

    // MARK: Quarantine

    static let quarantineReason = "quarantined: too many of the client's updates in a row were invalid"

    /// Counts an invalid update; too many in a row put the client in quarantine for the rest of the run.
    mutating func noteOffence(_ reason: String, of slot: Int) {
        clients.change(slot) { $0.offences += 1 }
        let most = configuration.checks.quarantineAfter
        guard most > 0, clients[slot].offences >= most else { return }
        release(slot)
        clients.change(slot) { $0.presence = .quarantined }
        totals.quarantined += 1
        let (id, session) = (clients[slot].id, clients[slot].session)
        effects.append(.presenceChanged(id, .quarantined))
        effects.append(
            .publish(
                .client(id),
                .refuse(
                    .init(
                        client: id, session: session, code: .quarantined,
                        reason: "\(Self.quarantineReason); the last: \(reason)"))))
    }
}

extension ClientMessage.Update {
    /// What is wrong with an update's values, nil when they fit.
    package func misfit(on base: PromptState, plan: TrainingPlan) -> String? {
        guard sampleCount > 0 else { return "expected a sample count of at least 1, found \(sampleCount)" }
        let tuned = base.parameters.entries.filter { plan.sends($0.name) }
        guard parameters.names == tuned.map(\.name) else {
            return "expected the tensors \(tuned.map(\.name)), found \(parameters.names)"
        }
        for (entry, expected) in zip(parameters.entries, tuned) {
            if let position = Self.firstTooLarge(in: entry.tensor.values) {
                let value = entry.tensor.values[position]
                let expected = value.isFinite ? "values within ±\(UpdateChecks.largestValue)" : "finite values"
                return "\(entry.name): expected \(expected), found \(value) at \(position)"
            }
            if entry.name != Parameters.prompts, entry.tensor.shape != expected.tensor.shape {
                return "\(entry.name): expected shape \(expected.tensor.shape), found \(entry.tensor.shape)"
            }
        }
        let shape = parameters[Parameters.prompts]?.shape ?? []
        guard shape.count == 2, shape[1] == base.width, shape[0] == promptIDs.count else {
            return "prompts: expected shape [\(promptIDs.count), \(base.width)], found \(shape)"
        }
        let known = RowIndex(base.promptIDs)
        let claimed = promptIDs.sorted()
        if let twice = zip(claimed, claimed.dropFirst()).first(where: { $0 == $1 }) {
            return "prompt identities: \(twice.0) is given twice"
        }
        if let stranger = claimed.first(where: { known[$0] == nil }) {
            return "prompt identities: \(stranger) is not in version \(baseVersion)"
        }
        return nil
    }

    /// The place of the first value that is beyond the largest or not finite. Nearly every update has none, which is found
    /// out without a branch for each value: bits of magnitudes order as the magnitudes do, with infinity and NaN last.
    private static func firstTooLarge(in values: [Float]) -> Int? {
        let largest = UpdateChecks.largestValue.bitPattern
        let worst = values.reduce(into: UInt32(0)) { $0 = max($0, $1.magnitude.bitPattern) }
        return worst <= largest ? nil : values.firstIndex { $0.magnitude.bitPattern > largest }
    }

    /// The Euclidean norm of what the update changed: the square root of the sum over all of its values of (value −
    /// base)². Rows of the pool are compared with the prompts that they started from.
    fileprivate func distance(from base: PromptState) -> Double {
        let rows = RowIndex(base.promptIDs)
        var sum = 0.0
        for entry in parameters.entries {
            guard let start = base.parameters[entry.name] else { continue }
            let isPool = entry.name == Parameters.prompts
            let width = isPool ? base.width : entry.tensor.values.count
            for row in 0..<(isPool ? promptIDs.count : 1) {
                let origin = isPool ? rows[promptIDs[row]]! : 0
                for column in 0..<width {
                    let moved =
                        Double(entry.tensor.values[row * width + column])
                        - Double(start.values[origin * width + column])
                    sum += moved * moved
                }
            }
        }
        return sum.squareRoot()
    }
}
