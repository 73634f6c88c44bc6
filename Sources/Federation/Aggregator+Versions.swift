import PromptAggregation

/// What is published of a version, and who is asked to train on it.
extension Aggregator {
    /// Publishes the current version to all: what changed against the version before.
    mutating func publishCurrent() {
        effects.append(.publishVersion(current))
        effects.append(.publish(.all, .prompts(prompts(since: version - 1))))
    }

    /// The current state for one who holds an earlier version, as `PublishedVersion.message`.
    func prompts(since held: Version) -> AggregatorMessage.Prompts {
        published.message(since: held, configuration.precision)
    }

    // MARK: Tasks

    /// Gives tasks to idle clients, drawn in the configured order, up to what the mode and the concurrency limit allow.
    mutating func dispatch() {
        clientsGathered = clientsGathered || clients.alive >= configuration.clientsToStart
        guard clientsGathered, clients.idle > 0, !waitsForVersion else { return }
        var wanted = clients.idle
        if configuration.concurrency > 0 { wanted = min(wanted, configuration.concurrency - clients.inFlight) }
        if case .synchronous(let round) = configuration.mode {
            wanted = min(wanted, missing(in: round))
            if wanted > 0, waits.roundSince == nil { waits.roundSince = clock.listened }
        }
        guard wanted > 0 else { return }
        let plan = plan(of: version)
        effects.reserveCapacity(effects.count + wanted)
        for _ in 0..<wanted {
            let slot = clients.draw(&random)
            let task = ledger.give(to: slot, at: version)
            let assignment = ClientRecord.Assignment(task: task, version: version, seed: random.next())
            clients.give(assignment, to: slot)
            send(assignment, plan, to: slot)
        }
    }

    /// How many more clients the current round should ask.
    private func missing(in round: Mode.Synchronous) -> Int {
        let target = (Double(round.cohort) * (1 + round.overSelection)).rounded(.up)
        return Int(min(target, Double(clients.count))) - clients.asked - clients.answered
    }

    private func plan(of version: Version) -> TrainingPlan {
        configuration.plan.scalingRates(by: configuration.schedule.factor(at: version))
    }

    /// Sends a client its current task, for the first time or again.
    mutating func sendTask(of slot: Int) {
        if let current = clients[slot].current { send(current, plan(of: current.version), to: slot) }
    }

    private mutating func send(_ assignment: ClientRecord.Assignment, _ plan: TrainingPlan, to slot: Int) {
        let id = clients[slot].id
        effects.append(
            .publish(
                .client(id),
                .task(
                    .init(
                        client: id, session: clients[slot].session, number: assignment.task,
                        version: assignment.version, seed: assignment.seed, plan: plan))))
    }
}
