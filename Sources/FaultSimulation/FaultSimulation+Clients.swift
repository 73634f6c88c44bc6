import Federation
import PromptAggregation
import PromptWire
import RunSettings

/// The clients' processes, as `WorkerService` runs them.
extension FaultSimulation {
    mutating func startClient(_ index: Int) throws {
        guard clients[index].process == nil, !clients[index].hasEnded else { return }
        if clients[index].isTwin {
            guard clients[index].starts == 0 else { return }
            tally.twins += 1
        }
        try clients[index].start(session: random.next(), run: scenario.run, planted: planted)
        handle(.started, at: index)
    }

    /// A client dies within its next steps, or is stopped in order and started again later.
    mutating func hit(_ index: Int) {
        guard clients[index].process != nil else { return }
        if random.chance(0.2) {
            handle(.stopRequested(grace: .seconds(2)), at: index)
        } else {
            clients[index].process?.stepsLeft = random.integer(in: 0...4)
        }
    }

    private mutating func crash(_ index: Int) {
        tally.clientCrashes += 1
        let losesPower = random.chance(0.5)
        if losesPower { tally.powerFailures += 1 }
        for id in clients[index].crash(losingPower: losesPower, &random) { note(.stored(clients[index].id, id)) }
        restartLater(index)
    }

    private mutating func restartLater(_ index: Int, within seconds: ClosedRange<Double> = 0.1...20) {
        clients[index].process = nil
        queue.push(.clientStarts(index), at: now + random.duration(inSeconds: seconds))
    }

    /// Kills a client whose training never ends, or a twin.
    mutating func endHanging(_ index: Int, _ start: Int) {
        if clients[index].process != nil, clients[index].starts == start { crash(index) }
    }

    // MARK: What happens

    package mutating func receive(_ bytes: [UInt8], at index: Int) throws {
        guard clients[index].process != nil else { return }
        let envelope = try AggregatorCodec.decode(bytes)
        handle(.received(envelope.message, from: envelope.origin), at: index)
    }

    mutating func finishTraining(_ result: TrainingResult?, of task: UInt64, _ start: Int, at index: Int) {
        guard clients[index].process != nil, clients[index].starts == start else { return }
        guard var result else { return failTraining(of: task, start, at: index) }
        if planted == .mislabelledBase { result.baseVersion = aggregator.last?.version ?? result.baseVersion }
        handle(.trainingFinished(result), at: index)
    }

    /// The aggregator asks a session no more that failed too often; whoever runs the client starts it again after a while.
    private mutating func failTraining(of task: UInt64, _ start: Int, at index: Int) {
        clients[index].process!.failures += 1
        if clients[index].process!.failures == scenario.configuration.federation.failuresAllowed {
            queue.push(.clientHangs(index, start: start), at: now + random.duration(inSeconds: 20...60))
        }
        handle(.trainingFailed(task: task, reason: "drawn to fail"), at: index)
    }

    /// One in ten evaluations fails.
    mutating func finishEvaluation(of version: Version, _ start: Int, at index: Int) {
        guard let process = clients[index].process, clients[index].starts == start else { return }
        let correct = random.integer(in: 0...process.client.heldOutCount)
        let evaluation = ClientMessage.Evaluation(
            client: clients[index].id, session: process.client.session, version: version, loss: 1,
            total: [process.client.heldOutCount], correct: [correct])
        handle(.evaluated(random.chance(0.1) ? nil : evaluation), at: index)
    }

    package mutating func finishStoring(_ update: ClientMessage.Update, _ start: Int, at index: Int) {
        guard clients[index].process != nil, clients[index].starts == start else { return }
        clients[index].process!.storing.removeAll { $0.id == update.id }
        clients[index].outbox.store(update)
        note(.stored(clients[index].id, update.id))
        handle(.stored(update.id), at: index)
    }

    /// Lets a client take an event in and carries out what it wants, unless it dies between two of these.
    package mutating func handle(_ kind: ClientEvent.Kind, at index: Int) {
        guard clients[index].process != nil else { return }
        let effects = clients[index].process!.client.handle(ClientEvent(time: now, kind: kind))
        let client = clients[index].process!.client
        for violation in client.checkInvariants() { note(.unsound(violation)) }
        clients[index].process!.deadline = client.nextDeadline.map { queue.push(.clientDeadline(index), at: $0) }
        for effect in effects {
            if let left = clients[index].process?.stepsLeft {
                if left == 0 { return crash(index) }
                clients[index].process?.stepsLeft = left - 1
            }
            carryOut(effect, at: index)
        }
    }

    // MARK: What is done

    private mutating func carryOut(_ effect: ClientEffect, at index: Int) {
        switch effect {
        case .send(let message): send(message, from: index)
        case .train(let order): train(order, at: index)
        case .evaluate(let prompts):
            let start = clients[index].starts
            queue.push(
                .evaluated(index, start: start, prompts.version), at: now + random.duration(inSeconds: 0.1...5))
        case .store(let update):
            clients[index].process?.storing.append(update)
            let start = clients[index].starts
            queue.push(
                .stored(index, start: start, update), at: now + random.duration(inSeconds: 0.001...1))
        case .discard(let id, let settlement):
            clients[index].outbox.discard(id)
            note(.discarded(clients[index].id, id, settlement))
        case .finish(.runFinished):
            clients[index].hasEnded = true
            clients[index].process = nil
        // Whoever started two of it sees to it, after a while.
        case .finish(.refused): restartLater(index, within: 30...60)
        case .finish: restartLater(index)
        case .abandonTraining, .updateRejected, .misunderstood, .joined: break
        }
    }

    private mutating func send(_ message: ClientMessage, from index: Int) {
        let bytes = ClientCodec.encode(message)
        for delay in network.delays(index, .up, &random) { queue.push(.toAggregator(bytes), at: now + delay) }
    }

    private mutating func train(_ order: TrainingOrder, at index: Int) {
        let (training, result) = learner.tune(
            order, client: clients[index].id, sampleCount: clients[index].sampleCount,
            isBad: random.chance(scenario.badUpdates))
        note(.trained(training))
        if random.chance(0.01) {
            queue.push(
                .clientHangs(index, start: clients[index].starts), at: now + random.duration(inSeconds: 20...200))
            return
        }
        let fails = random.chance(0.05)
        let seconds = min(60, 0.3 / (1 - random.nextUniform()))
        queue.push(
            .trained(index, start: clients[index].starts, task: order.task.number, fails ? nil : result),
            at: now + .seconds(seconds))
    }
}
