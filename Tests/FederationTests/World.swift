import Federation
import PromptAggregation
import Testing

/// A federation in virtual time: one aggregator, processes of clients with disks, a network that a test can spoil. The
/// invariants of everybody are checked after every event, and what must hold of the whole at the end.
struct World {
    enum Item {
        case toAggregator(ClientMessage)
        case toProcess(Int, AggregatorMessage, Origin)
        case aggregatorTick(Int)
        case aggregated(FlushOutcome, epoch: UInt64)
        case processTick(Int, Int)
        case starts(Int)
        case trained(Int, TrainingOrder, fails: Bool)
        case stored(Int, ClientMessage.Update)
        case aggregatorRestarts
        case crash(Int)
    }

    /// One process of a client. Two of one name may live at a time, each with a disk of its own.
    struct Process {
        var client: Client
        var disk: Int
        var tick = 0
        var started = false
        var lives = true
    }

    var random: SeededRandom
    var aggregator: Aggregator
    let initial: Aggregator
    var processes: [Process] = []
    var disks: [[ClientMessage.Update]] = []
    var queue: [(time: Timestamp, order: Int, item: Item)] = []
    var now = Timestamp(nanoseconds: 0)
    var order = 0
    var steps = 0
    var epoch: UInt64 = 1
    var tick = 0
    var record: [AggregatorEvent] = []
    /// The flush that was begun last.
    private var aggregating: (version: Version, epoch: UInt64)?
    /// How many copies of a message arrive, and how late each.
    var delays: (inout SeededRandom) -> [Double] = { _ in [0.001] }
    /// How long a training takes, and whether it fails.
    var training: (inout SeededRandom) -> (seconds: Double, fails: Bool) = { _ in (1, false) }

    // What everybody saw.
    private var used: [UpdateID: Int] = [:]
    private var stored: Set<String> = []
    private var settled: Set<String> = []
    private var givenUp: [String] = []
    private var judged: [String: Verdict] = [:]
    private(set) var problems: [String] = []

    init(_ configuration: FederationConfiguration, seed: UInt64, clients: Int) throws {
        random = SeededRandom(seed: seed)
        initial = try Aggregator(configuration: configuration, run: Bench.run, strategy: SummingStrategy())
        aggregator = initial
        take(.started)
        for index in 0..<clients { start("c\(index)", after: 0) }
    }

    /// Starts a process of a client.
    /// - Parameter disk: of an earlier one, whose outbox it takes up; nil for one of its own.
    mutating func start(_ name: String, disk: Int? = nil, after seconds: Double) {
        let place = disk ?? disks.count
        if disk == nil { disks.append([]) }
        processes.append(
            Process(
                client: Client(
                    id: ClientID(name), session: UInt64(processes.count) + 1, sampleCount: 10, outbox: disks[place]),
                disk: place))
        push(.starts(processes.count - 1), after: seconds)
    }

    mutating func push(_ item: Item, after seconds: Double) { push(item, at: now + .seconds(seconds)) }

    private mutating func push(_ item: Item, at time: Timestamp) {
        order += 1
        let place = queue.lastIndex { ($0.time, $0.order) < (time, order) }.map { $0 + 1 } ?? 0
        queue.insert((time, order, item), at: place)
    }

    var isOver: Bool { aggregator.phase == .finished }

    /// Does the next thing.
    /// - Parameter fault: sees what comes next and may take it away.
    /// - Returns: false where nothing is left to do.
    mutating func step(_ fault: (inout World, Item) -> Bool = { _, _ in false }) -> Bool {
        guard !queue.isEmpty else { return false }
        let (time, _, item) = queue.removeFirst()
        now = max(now, time)
        switch item {
        case .aggregatorTick(let number) where number != tick: return true
        case .processTick(let index, let number) where processes[index].tick != number: return true
        default: break
        }
        steps += 1
        if !fault(&self, item) { take(item) }
        return true
    }

    mutating func take(_ item: Item) {
        switch item {
        case .toAggregator(let message): take(.received(message))
        case .aggregatorTick: take(.tick)
        case .aggregated(let outcome, let epoch):
            if epoch == self.epoch { take(.aggregated(outcome.version), with: outcome) }
        case .aggregatorRestarts: restartAggregator()
        case .toProcess(let index, let message, let origin): handle(.received(message, from: origin), at: index)
        case .processTick(let index, _): handle(.tick, at: index)
        case .starts(let index): handle(.started, at: index)
        case .crash(let index): crash(index)
        case .trained(let index, let order, let fails): finish(order, fails, at: index)
        case .stored(let index, let update):
            guard processes[index].lives else { return }
            disks[processes[index].disk].append(update)
            stored.insert(name(update))
            handle(.stored(update.id), at: index)
        }
    }

    private mutating func finish(_ order: TrainingOrder, _ fails: Bool, at index: Int) {
        if fails { return handle(.trainingFailed(task: order.task.number, reason: "no luck"), at: index) }
        let state = order.base.state
        handle(
            .trainingFinished(
                TrainingResult(
                    task: order.task.number, baseVersion: order.base.version, parameters: state.parameters,
                    promptIDs: state.promptIDs, sampleCount: 10, metrics: [])), at: index)
    }

    /// The process of a client dies, and another takes up its disk.
    mutating func crash(_ index: Int) {
        guard processes[index].lives else { return }
        processes[index].lives = false
        start(processes[index].client.id.name, disk: processes[index].disk, after: 0.5)
    }

    /// The aggregator's process dies; what it had handled is in its log, or in a snapshot of it.
    mutating func restartAggregator() {
        let snapshot = aggregator.snapshot()
        do {
            aggregator = try Aggregator(
                configuration: initial.configuration, run: Bench.run, strategy: SummingStrategy(), snapshot: snapshot)
            if aggregator.snapshot() != snapshot { problems.append("a snapshot gives another state") }
        } catch {
            problems.append("a snapshot is refused: \(error)")
        }
        epoch += 1
        take(.started)
    }

    // MARK: The aggregator

    private mutating func take(_ kind: AggregatorEvent.Kind, with outcome: FlushOutcome? = nil) {
        let event = AggregatorEvent(time: now, kind: kind)
        record.append(event)
        let effects = aggregator.handle(event, with: outcome)
        problems += aggregator.checkInvariants()
        for effect in effects { carryOut(effect) }
        tick += 1
        aggregateBeside()
        if let next = aggregator.nextDeadline { push(.aggregatorTick(tick), at: next) }
    }

    /// Begins with a flush that was cut, which takes a while.
    private mutating func aggregateBeside() {
        guard let version = aggregator.flushUnderWay, aggregating?.version != version || aggregating?.epoch != epoch,
            let work = aggregator.flushWork
        else { return }
        aggregating = (version, epoch)
        push(.aggregated(work.perform(), epoch: epoch), after: 3 * random.nextUniform())
    }

    private mutating func carryOut(_ effect: AggregatorEffect) {
        switch effect {
        case .publish(let topic, let message):
            note(message)
            for index in processes.indices where topic == .all || topic == .client(processes[index].client.id) {
                for delay in delays(&random) {
                    push(.toProcess(index, message, Origin(run: Bench.run, epoch: epoch)), after: delay)
                }
            }
        case .judged(let judgement): note(judgement)
        case .flushed(let flush):
            for part in flush.parts { used[UpdateID(run: Bench.run, task: part.task), default: 0] += 1 }
        case .publishVersion, .presenceChanged, .failed, .fenced, .evaluated, .finish, .rest: break
        }
    }

    private mutating func note(_ message: AggregatorMessage) {
        switch message {
        case .ack(let ack): settled.insert("\(ack.client) \(ack.task)")
        case .reject(let reject): settled.insert("\(reject.client) \(reject.task)")
        default: break
        }
    }

    private mutating func note(_ judgement: Judgement) {
        let name = "\(judgement.client) \(judgement.task)"
        if judgement.verdict == .duplicate {
            if judged[name] == nil { problems.append("\(name) is a duplicate of nothing") }
        } else if let before = judged.updateValue(judgement.verdict, forKey: name), before == .accepted {
            problems.append("\(name) was accepted and then judged \(judgement.verdict)")
        }
    }

    // MARK: Clients

    private mutating func handle(_ kind: ClientEvent.Kind, at index: Int) {
        if kind == .started { processes[index].started = true }
        guard processes[index].started, processes[index].lives else { return }
        let effects = processes[index].client.handle(ClientEvent(time: now, kind: kind))
        problems += processes[index].client.checkInvariants()
        for effect in effects { carryOut(effect, of: index) }
        processes[index].tick += 1
        if let next = processes[index].client.nextDeadline {
            push(.processTick(index, processes[index].tick), at: next)
        }
    }

    private mutating func carryOut(_ effect: ClientEffect, of index: Int) {
        switch effect {
        case .send(let message):
            for delay in delays(&random) { push(.toAggregator(message), after: delay) }
        case .train(let order):
            let (seconds, fails) = training(&random)
            push(.trained(index, order, fails: fails), after: seconds)
        case .store(let update): push(.stored(index, update), after: 0.01)
        case .discard(let id, let settlement):
            disks[processes[index].disk].removeAll { $0.id == id }
            let name = "\(processes[index].client.id) \(id.task)"
            if settlement != .runFinished, !settled.contains(name) { givenUp.append(name) }
        case .finish: processes[index].lives = false
        case .evaluate, .abandonTraining, .updateRejected, .misunderstood, .joined: break
        }
    }

    private func name(_ update: ClientMessage.Update) -> String { "\(update.client) \(update.task)" }

    // MARK: Judgement

    /// What did not hold, in words.
    func judgement() throws -> [String] {
        var found = problems
        if !isOver { found.append("stuck at version \(aggregator.version): \(aggregator.counts)") }
        found += used.filter { $0.value > 1 }.map { "task \($0.key.task) counted \($0.value) times" }
        let counts = aggregator.counts
        if counts.accepted != used.count + counts.discardedLate + aggregator.buffered {
            found.append("\(counts.accepted) updates were accepted, and \(used.count) were used: \(counts)")
        }
        if judged.values.count(where: { $0 == .accepted }) != used.count + aggregator.buffered {
            found.append("the verdicts tell of other updates than were used")
        }
        found += givenUp.map { "\($0) was given up before it was settled" }
        let kept = Set(disks.joined().map(name))
        found += stored.subtracting(kept).subtracting(settled).map { "\($0) was stored and is gone" }
        if replayed().snapshot() != aggregator.snapshot() { found.append("the replay differs") }
        return found
    }

    /// The events from the first, in one go.
    private func replayed() -> Aggregator {
        var copy = initial
        for event in record { _ = copy.handle(event) }
        return copy
    }
}
