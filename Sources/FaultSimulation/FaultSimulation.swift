import Federation
import Foundation
import PromptAggregation
import RunLog
import RunSettings

/// One federation in virtual time under faults: the production cores, codec, log and recovery; a learner, disks and a
/// network of its own. Everything is drawn from the scenario's seed, so a seed gives the same run again.
package struct FaultSimulation {
    package enum Item {
        case aggregatorStarts
        case aggregatorIsHit
        /// Somebody asks the aggregator to come to rest; it is started again afterwards.
        case aggregatorDrains(within: Duration)
        /// Somebody asks the aggregator for other settings.
        case settingsChange
        /// The aggregator reads what has arrived.
        case aggregatorReads
        case aggregatorDeadline
        /// The aggregator's process does nothing for a while, as one that is stopped or swapped out.
        case aggregatorStalls(Duration)
        /// The aggregator's clock is set.
        case clockSteps(Duration)
        case batchIsStored(LoggedAggregator.Batch)
        case batchIsKnown(LoggedAggregator.Batch)
        case snapshotIsWritten(epoch: UInt64)
        /// The aggregator's second thread is through with a flush.
        case flushIsAggregated(AggregatedFlush, epoch: UInt64)
        case toAggregator([UInt8])
        /// All clients that are there have had time to hear of the end.
        case lingerEnds

        case clientStarts(Int)
        case clientIsHit(Int)
        case clientDeadline(Int)
        /// A training that never ends is ended by whoever looks after the client.
        case clientHangs(Int, start: Int)
        case toClient(Int, [UInt8])
        case trained(Int, start: Int, task: UInt64, TrainingResult?)
        case stored(Int, start: Int, ClientMessage.Update)
        case evaluated(Int, start: Int, Version)

        /// Joins (1) or heals (−1) a cut.
        case partition(Int, [SimulatedNetwork.Direction], change: Int)
    }

    let scenario: FaultScenario
    let planted: PlantedFault?
    package var random: SeededRandom
    package var queue = EventQueue<Item>()
    package var now = Timestamp(nanoseconds: 0)
    var network: SimulatedNetwork
    var aggregator: SimulatedAggregator
    var clients: [SimulatedClient]
    var learner = StubLearner()
    var invariants = Invariants.all()
    package var tally = FaultTally()

    init(_ scenario: FaultScenario, planted: PlantedFault? = nil) {
        self.scenario = scenario
        self.planted = planted
        random = SeededRandom(seed: scenario.seed, stream: 2)
        let names = scenario.configuration.clients
        network = SimulatedNetwork(
            scenario.rates, clients: names.count + scenario.twins.count, lagging: scenario.lagging)
        aggregator = SimulatedAggregator(
            ignoresSync: planted == .ignoredSync, snapshotVersions: scenario.configuration.snapshotVersions)
        clients = names.enumerated().map { SimulatedClient(id: $1, sampleCount: 10 + $0) }
        for index in names.indices where scenario.hasForeignUpdate(index) {
            clients[index].outbox.store(scenario.foreignUpdate(of: names[index]))
        }
        clients += scenario.twins.map { SimulatedClient(twinOf: names[$0], sampleCount: 10 + $0) }
    }

    /// Runs to the end of the run, or to the deadline.
    /// - Returns: what did not hold.
    package mutating func run() -> [String] {
        queue.push(.aggregatorStarts, at: now)
        for index in clients.indices {
            guard !clients[index].isTwin else {
                scheduleTwin(index)
                continue
            }
            queue.push(.clientStarts(index), at: now + random.duration(inSeconds: 0...5))
            scheduleFault(.clientIsHit(index))
            schedulePartitions(of: index)
        }
        scheduleFault(.aggregatorIsHit)
        scheduleDrains()
        scheduleChanges()
        scheduleStalls()
        do {
            while !aggregator.isOver, let next = queue.pop(), next.time - Timestamp(nanoseconds: 0) < scenario.deadline
            {
                now = max(now, next.time)
                try take(next.item, number: next.number)
            }
            return try judge()
        } catch {
            return ["nothing refuses its work: \(error)"]
        }
    }

    private mutating func take(_ item: Item, number: Int) throws {
        if isStalled(item) { return postpone(item, number: number) }
        switch item {
        case .aggregatorStarts: try startAggregator()
        case .aggregatorIsHit:
            aggregator.fuse.light(steps: random.integer(in: 0...random.pick([4, 12])))
            scheduleFault(.aggregatorIsHit)
        case .aggregatorDrains(let patience): try drainAggregator(within: patience)
        case .settingsChange: try changeSettings()
        case .aggregatorReads: try readInbox()
        case .aggregatorDeadline: try meetDeadline(number: number)
        case .aggregatorStalls(let duration): stall(for: duration)
        case .clockSteps(let step):
            aggregator.skew += step
            tally.clockSteps += 1
        case .batchIsStored(let batch): try store(batch)
        case .batchIsKnown(let batch): try finish(batch)
        case .snapshotIsWritten(let epoch): try writeSnapshot(ofEpoch: epoch)
        case .flushIsAggregated(let flush, let epoch): try takeIn(flush, ofEpoch: epoch)
        case .toAggregator(let bytes): arrive(bytes)
        case .lingerEnds: try endAggregator()
        case .clientStarts(let index): try startClient(index)
        case .clientIsHit(let index):
            hit(index)
            scheduleFault(.clientIsHit(index))
        case .clientDeadline(let index):
            if clients[index].process?.deadline == number { handle(.tick, at: index) }
        case .clientHangs(let index, let start): endHanging(index, start)
        case .toClient(let index, let bytes): try receive(bytes, at: index)
        case .trained(let index, let start, let task, let result): finishTraining(result, of: task, start, at: index)
        case .stored(let index, let start, let update): finishStoring(update, start, at: index)
        case .evaluated(let index, let start, let version): finishEvaluation(of: version, start, at: index)
        case .partition(let index, let directions, let change):
            network.cut(index, directions, by: change)
            if change > 0 { tally.partitions += 1 }
        }
    }

    // MARK: Faults

    var isCalm: Bool { now - Timestamp(nanoseconds: 0) >= scenario.calmAfter }

    /// Plans the next fault of a kind, unless it would come in the calm.
    private mutating func scheduleFault(_ item: Item) {
        let pause = -scenario.meanTimeBetweenFaults * log(1 - random.nextUniform())
        let time = now + .seconds(pause)
        if time - Timestamp(nanoseconds: 0) < scenario.calmAfter { queue.push(item, at: time) }
    }

    private mutating func schedulePartitions(of index: Int) {
        for _ in 0..<random.integer(in: 0...3) {
            let start = scenario.calmAfter * random.nextUniform()
            let end = min(scenario.calmAfter, start + random.duration(inSeconds: 1...40))
            let directions = random.pick([[.up, .down], [.up], [.down]] as [[SimulatedNetwork.Direction]])
            queue.push(.partition(index, directions, change: 1), at: now + start)
            queue.push(.partition(index, directions, change: -1), at: now + end)
        }
    }

    /// Drawn from a stream of their own, so that a seed without a drain goes as it did before there were any.
    private mutating func scheduleDrains() {
        var draws = SeededRandom(seed: scenario.seed, stream: 3)
        for _ in 0..<draws.integer(in: 0...2) {
            let time = now + scenario.calmAfter * draws.nextUniform()
            queue.push(.aggregatorDrains(within: draws.duration(inSeconds: 0...20)), at: time)
        }
    }

    /// Drawn from a stream of their own, as drains are.
    private mutating func scheduleStalls() {
        var draws = SeededRandom(seed: scenario.seed, stream: 4)
        for _ in 0..<draws.integer(in: 0...2) {
            let time = now + scenario.calmAfter * draws.nextUniform()
            queue.push(.aggregatorStalls(draws.duration(inSeconds: 0.5...40)), at: time)
        }
        for _ in 0..<draws.integer(in: 0...2) {
            let time = now + scenario.calmAfter * draws.nextUniform()
            queue.push(.clockSteps(draws.duration(inSeconds: -100...100)), at: time)
        }
    }

    /// Somebody starts a client a second time on another machine, and ends it some time later.
    private mutating func scheduleTwin(_ index: Int) {
        var draws = SeededRandom(seed: scenario.seed, stream: 5)
        let start = now + scenario.calmAfter * draws.nextUniform()
        queue.push(.clientStarts(index), at: start)
        queue.push(.clientHangs(index, start: 1), at: start + draws.duration(inSeconds: 1...60))
    }

    // MARK: Stalls

    private mutating func stall(for duration: Duration) {
        tally.stalls += 1
        aggregator.stalledUntil = max(aggregator.stalledUntil, now + duration)
    }

    /// Whether a stalled process would do it.
    private func isStalled(_ item: Item) -> Bool {
        guard now < aggregator.stalledUntil, aggregator.pipeline != nil else { return false }
        switch item {
        case .aggregatorReads, .aggregatorDeadline, .batchIsKnown, .snapshotIsWritten, .aggregatorDrains,
            .settingsChange, .flushIsAggregated:
            return true
        default: return false
        }
    }

    private mutating func postpone(_ item: Item, number: Int) {
        let later = queue.push(item, at: aggregator.stalledUntil)
        if case .aggregatorDeadline = item, aggregator.deadline == number { aggregator.deadline = later }
    }

    // MARK: Judgement

    mutating func note(_ observation: Observation) {
        for place in invariants.indices { invariants[place].observe(observation) }
    }

    private mutating func judge() throws -> [String] {
        let foreign = clients.indices.filter { !clients[$0].isTwin && scenario.hasForeignUpdate($0) }
        var record = RunRecord(
            configuration: scenario.configuration.federation, run: scenario.run,
            foreign: Set(
                foreign.map {
                    .init(client: clients[$0].id, id: scenario.foreignUpdate(of: clients[$0].id).id)
                }))
        if let last = aggregator.last { note(.ended(Digest(of: last.snapshot()))) }
        try record.read(aggregator.disk.whole, signedBy: SimulatedAggregator.key.publicKey)
        record.hasEnded = aggregator.isOver
        record.state = state
        for client in clients {
            record.kept.formUnion(try client.outbox.left().map { .init(client: client.id, id: $0.id) })
        }
        finishTally(record)
        return invariants.flatMap { invariant in
            invariant.violations(in: record).map { "\(invariant.name): \($0)" }
        }
    }

    /// What everybody does, for a run that hangs.
    private var state: String {
        let doing = clients.map { client in
            guard let process = client.process else { return "\(client.id) is \(client.hasEnded ? "through" : "down")" }
            return "\(client.id) \(process.client.activity) with \(process.client.outbox.count) updates to send"
        }
        let core = aggregator.engine?.aggregator
        let known = core.map { "version \($0.version), \($0.buffered) buffered, \($0.counts)" } ?? "no aggregator"
        return ([known] + doing).joined(separator: "; ")
    }

    private mutating func finishTally(_ record: RunRecord) {
        tally.versions = record.aggregator?.version ?? 0
        tally.updates = record.aggregator?.counts.accepted ?? 0
        tally.duplicates = record.aggregator?.counts.duplicates ?? 0
        tally.rejected = record.aggregator?.counts.rejected ?? 0
        tally.tornWrites = aggregator.disk.tornWrites
        tally.snapshotsDamaged = aggregator.disk.snapshots.damaged
        tally.lost = network.lost
        tally.repeated = network.repeated
        tally.failed = record.aggregator?.counts.failed ?? 0
        tally.fenced = record.aggregator?.counts.fenced ?? 0
    }
}
