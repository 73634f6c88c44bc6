import Federation
import PromptAggregation
import Testing

/// The aggregator and its clients on a network that loses, delays, repeats and reorders, and both crash:
/// every run comes to its end, no update counts twice, nothing acknowledged is lost, nothing that a client stored is
/// given up before the aggregator settled it, and the recorded events replay.
@Suite struct LossyNetworkTests {
    @Test(
        "a run ends whatever the network does", arguments: [UInt64](1...40),
        [
            Mode.continuous, .buffered(.init(size: 3, flushAfter: .seconds(5))),
            .synchronous(.init(cohort: 3, overSelection: 0.34, quorum: 2, deadline: .seconds(8), late: .carryOver)),
            .synchronous(.init(cohort: 4, overSelection: 0, quorum: 4, deadline: .seconds(8), late: .discard)),
        ])
    func run(seed: UInt64, mode: Mode) throws {
        var world = World(seed: seed, mode: mode)
        world.run(until: 2_000)
        #expect(world.aggregator.phase == .finished, "seed \(seed): stuck at version \(world.aggregator.version)")
        let used = world.flushed.map { "\($0.client) \($0.session) \($0.sequence)" }
        #expect(Set(used).count == used.count, "seed \(seed): an update counted twice")
        #expect(
            world.aggregator.counts.accepted == used.count + world.aggregator.counts.discardedLate,
            "seed \(seed): an acknowledged update was lost")
        #expect(world.givenUp.isEmpty, "seed \(seed): discarded before it was settled: \(world.givenUp)")
        let kept = Set(world.disks.joined().map(world.name))
        #expect(
            world.stored.subtracting(kept).isSubset(of: world.settled), "seed \(seed): a stored update was lost")
        #expect(world.recovered().current == world.aggregator.current, "seed \(seed): the replay differs")
    }
}

/// A federation in virtual time.
private struct World {
    enum Item {
        case toAggregator(AggregatorEvent.Kind)
        case toClient(Int, session: UInt64, ClientEvent.Kind)
        case crash(Int)
        case aggregatorCrash
    }
    var random: SeededRandom
    var aggregator: Aggregator
    let initial: Aggregator
    var clients: [Client]
    var queue: [(time: Timestamp, order: Int, item: Item)] = []
    var now = Timestamp(nanoseconds: 0)
    var order = 0
    var record: [AggregatorEvent] = []
    var flushed: [Flush.Part] = []
    var timers: [AggregatorTimer: Int] = [:]
    var incarnation: UInt64 = 1
    /// What each client has stored, which its crashes leave alone.
    var disks: [[ClientMessage.Update]]
    var stored: Set<String> = []
    /// Acknowledged or finally rejected by the aggregator.
    var settled: Set<String> = []
    /// Discarded while neither was the case and the run went on.
    var givenUp: [String] = []

    init(seed: UInt64, mode: Mode) {
        random = SeededRandom(seed: seed)
        initial = Aggregator(
            configuration: FederationConfiguration(
                seed: seed, mode: mode, concurrency: 4, clientsToStart: 2, lease: .seconds(6), heartbeat: .seconds(1),
                stop: StopCondition(versions: 12)), strategy: SummingStrategy())
        aggregator = initial
        disks = (0..<6).map { _ in [] }
        clients = (0..<6).map { Self.client($0, session: UInt64($0) + 1) }
        push(.toAggregator(.started), after: 0)
        for _ in 0..<3 { push(.aggregatorCrash, after: random.nextUniform() * 100) }
        for index in clients.indices {
            push(.toClient(index, session: clients[index].session, .started), after: random.nextUniform() * 3)
            push(.crash(index), after: 5 + random.nextUniform() * 60)
        }
    }

    static func client(_ index: Int, session: UInt64, outbox: [ClientMessage.Update] = []) -> Client {
        Client(id: ClientID("c\(index)"), session: session, sampleCount: 10 + index, encoderDigest: "", outbox: outbox)
    }

    func name(_ update: ClientMessage.Update) -> String { name(update.client, update.id) }
    func name(_ client: ClientID, _ id: UpdateID) -> String { "\(client) \(id.session) \(id.sequence)" }

    mutating func push(_ item: Item, after seconds: Double) {
        order += 1
        queue.append((now + .seconds(seconds), order, item))
    }

    mutating func run(until limit: Double) {
        while aggregator.phase != .finished,
            let next = queue.indices.min(by: { (queue[$0].time, queue[$0].order) < (queue[$1].time, queue[$1].order) })
        {
            let (time, number, item) = queue.remove(at: next)
            now = max(now, time)
            if now > Timestamp(nanoseconds: Int64(limit * 1e9)) { return }
            switch item {
            case .toAggregator(let kind):
                if case .timerFired(let timer) = kind, timers[timer] != number { continue }
                let event = AggregatorEvent(time: now, kind: kind)
                record.append(event)
                carryOut(aggregator.handle(event))
            case .toClient(let index, let session, let kind):
                guard clients[index].session == session else { continue }
                if case .stored(let id) = kind, let update = clients[index].outbox.first(where: { $0.id == id }) {
                    disks[index].append(update)
                    stored.insert(name(update))
                }
                carryOut(clients[index].handle(ClientEvent(time: now, kind: kind)), of: index)
            case .aggregatorCrash:
                // What it had handled is in its log; its timers are gone.
                aggregator = recovered()
                timers = [:]
                incarnation += 1
                let event = AggregatorEvent(time: now, kind: .started)
                record.append(event)
                carryOut(aggregator.handle(event))
            case .crash(let index):
                let session = 100 + UInt64(order)
                clients[index] = Self.client(index, session: session, outbox: disks[index])
                push(.toClient(index, session: session, .started), after: random.nextUniform() * 20)
                if random.nextUniform() < 0.5 { push(.crash(index), after: 5 + random.nextUniform() * 60) }
            }
        }
    }

    mutating func carryOut(_ effects: [AggregatorEffect]) {
        for effect in effects {
            note(effect)
            switch effect {
            case .publish(.all, let message): for index in clients.indices { send(message, to: index) }
            case .publish(.client(let id), let message):
                if let index = clients.firstIndex(where: { $0.id == id }) { send(message, to: index) }
            case .publishVersion(let prompts):
                for index in clients.indices { send(.globalPrompts(prompts), to: index) }
            case .setTimer(let timer, let delay):
                push(.toAggregator(.timerFired(timer)), after: delay / .seconds(1))
                timers[timer] = order
            case .flushed(let flush): flushed += flush.parts
            case .presenceChanged, .finish, .rest: break
            }
        }
    }

    /// Notes which updates the aggregator has settled.
    mutating func note(_ effect: AggregatorEffect) {
        switch effect {
        case .publish(_, .ack(let ack)):
            for sequence in Array(1..<ack.contiguous + 1) + ack.ahead {
                settled.insert(name(ack.client, UpdateID(session: ack.session, sequence: sequence)))
            }
        case .publish(_, .reject(let reject)) where !reject.retryable:
            settled.insert(name(reject.client, UpdateID(session: reject.session, sequence: reject.sequence)))
        default: break
        }
    }

    mutating func carryOut(_ effects: [ClientEffect], of index: Int) {
        let session = clients[index].session
        for effect in effects {
            switch effect {
            case .send(let message):
                for _ in 0..<copies() { push(.toAggregator(.received(message)), after: latency()) }
            case .train(let order):
                let result = TrainingResult(
                    task: order.task.number, baseVersion: order.base.version,
                    parameters: order.base.state.parameters, promptIDs: order.base.state.promptIDs,
                    sampleCount: clients[index].sampleCount, metrics: [])
                let fails = random.nextUniform() < 0.05
                push(
                    .toClient(
                        index, session: session,
                        fails ? .trainingFailed(task: order.task.number) : .trainingFinished(result)),
                    after: min(300, 0.5 / (1 - random.nextUniform())))
            case .setTimer(let timer, let delay):
                push(.toClient(index, session: session, .timerFired(timer)), after: delay / .seconds(1))
            case .store(let update):
                push(.toClient(index, session: session, .stored(update.id)), after: random.nextUniform() * 2)
            case .discard(let id, let settlement):
                disks[index].removeAll { $0.id == id }
                let name = name(clients[index].id, id)
                if settlement != .runFinished, !settled.contains(name) { givenUp.append(name) }
            case .abandonTraining, .updateRejected, .finish: break
            }
        }
    }

    mutating func send(_ message: AggregatorMessage, to index: Int) {
        for _ in 0..<copies() {
            push(
                .toClient(index, session: clients[index].session, .received(message, incarnation: incarnation)),
                after: latency())
        }
    }

    /// A message is lost one time in five and doubled one time in ten.
    mutating func copies() -> Int {
        let chance = random.nextUniform()
        return chance < 0.2 ? 0 : chance < 0.3 ? 2 : 1
    }

    mutating func latency() -> Double { 0.01 / (1 - random.nextUniform()) }

    func recovered() -> Aggregator {
        var copy = initial
        for event in record { _ = copy.handle(event) }
        return copy
    }
}
