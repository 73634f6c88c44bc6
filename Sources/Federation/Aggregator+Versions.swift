import PromptAggregation

/// When a version is made, of what, and who is asked to train on it.
extension Aggregator {
    var flushAfter: Duration? {
        if case .buffered(let buffered) = configuration.mode { return buffered.flushAfter }
        return nil
    }

    /// Updates in the buffer that started from the current version.
    private var answered: Int { buffer.reduce(0) { $0 + ($1.update.baseVersion == version ? 1 : 0) } }

    var flushIsDue: Bool {
        guard !buffer.isEmpty else { return false }
        let alive = max(1, counts.clientsAlive)
        switch configuration.mode {
        case .continuous: return true
        case .buffered(let buffered): return buffer.count >= min(buffered.size, alive)
        case .synchronous(let round):
            let answered = answered
            if answered >= min(round.cohort, alive) { return true }
            return roundDeadlinePassed && answered >= min(round.quorum, alive)
        }
    }

    /// Turns the buffer into the next version.
    mutating func flush(at time: Timestamp) {
        let taken = buffer.map { item in
            let staleness = version - item.update.baseVersion
            return (
                item.update,
                Contribution(
                    client: item.update.client, session: item.update.session, sequence: item.update.sequence,
                    parameters: item.update.parameters, promptIDs: item.update.promptIDs, base: item.base,
                    sampleCount: item.update.sampleCount, staleness: staleness,
                    stalenessWeight: configuration.stalenessWeight(staleness))
            )
        }.sorted { Contribution.inOrder($0.1, $1.1) }
        buffer.removeAll()
        for index in clients.indices { clients[index].bufferedBase = nil }

        let report = strategy.aggregate(taken.map(\.1))
        version += 1
        roundDeadlinePassed = false
        counts.usedLate += taken.reduce(0) { $0 + ($1.1.staleness > 0 ? 1 : 0) }
        history.append(.init(version: version, state: strategy.state))
        if history.count > configuration.maximumStaleness + 1 { history.removeFirst() }
        effects.append(.publishVersion(current))
        effects.append(
            .flushed(
                Flush(
                    version: version, time: time,
                    parts: taken.map { update, contribution in
                        Flush.Part(
                            client: update.client, session: update.session, sequence: update.sequence,
                            baseVersion: update.baseVersion, staleness: contribution.staleness,
                            stalenessWeight: contribution.stalenessWeight, sampleCount: update.sampleCount,
                            metrics: update.metrics)
                    }, report: report, pool: current.state.promptIDs.count)))
    }

    /// Gives tasks to idle clients, chosen at random, up to what the mode and the concurrency limit allow.
    mutating func dispatch() {
        clientsGathered = clientsGathered || counts.clientsAlive >= configuration.clientsToStart
        guard clientsGathered else { return }
        var wanted = configuration.concurrency > 0 ? configuration.concurrency - counts.inFlight : Int.max
        if case .synchronous(let round) = configuration.mode {
            wanted = min(wanted, missing(in: round))
        }
        guard wanted > 0 else { return }
        var idle = clients.idle(at: version)
        guard !idle.isEmpty else { return }
        if case .synchronous(let round) = configuration.mode, roundDeadlineSet != version {
            roundDeadlineSet = version
            effects.append(.setTimer(.roundDeadline(version), after: round.deadline))
        }
        while wanted > 0, !idle.isEmpty {
            let choice = Int(random.next(upperBound: UInt64(idle.count)))
            give(taskTo: idle.remove(at: choice))
            wanted -= 1
        }
    }

    /// How many more clients the current round should ask.
    private func missing(in round: Mode.Synchronous) -> Int {
        let target = Int((Double(round.cohort) * (1 + round.overSelection)).rounded(.up))
        let asked = clients.records.reduce(0) { $0 + ($1.inFlight?.version == version ? 1 : 0) }
        return target - asked - answered
    }

    private mutating func give(taskTo index: Int) {
        let inFlight = ClientRecord.InFlight(task: nextTask, version: version, seed: random.next())
        nextTask += 1
        clients[index].inFlight = inFlight
        counts.inFlight += 1
        let id = clients[index].id
        effects.append(.publish(.client(id), .task(task(inFlight, for: id))))
    }

    func task(_ inFlight: ClientRecord.InFlight, for client: ClientID) -> AggregatorMessage.Task {
        .init(
            client: client, number: inFlight.task, version: inFlight.version, seed: inFlight.seed,
            plan: configuration.plan.scalingRates(by: configuration.schedule.factor(at: inFlight.version)))
    }
}
