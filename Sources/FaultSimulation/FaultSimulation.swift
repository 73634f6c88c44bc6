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
        /// The aggregator reads what has arrived.
        case aggregatorReads
        case aggregatorTimer(AggregatorTimer)
        case batchIsStored(LoggedAggregator.Batch)
        case batchIsKnown(LoggedAggregator.Batch)
        case snapshotIsWritten(incarnation: UInt64)
        case toAggregator([UInt8])
        /// All clients that are there have had time to hear of the end.
        case lingerEnds

        case clientStarts(Int)
        case clientIsHit(Int)
        case clientTimer(Int, ClientTimer)
        case toClient(Int, [UInt8])
        case trained(Int, start: Int, task: UInt64, TrainingResult?)
        case stored(Int, start: Int, ClientMessage.Update)

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
        network = SimulatedNetwork(scenario.rates, clients: names.count)
        aggregator = SimulatedAggregator(
            ignoresSync: planted == .ignoredSync, snapshotVersions: scenario.configuration.snapshotVersions)
        clients = names.enumerated().map { SimulatedClient(id: $1, sampleCount: 10 + $0) }
    }

    /// Runs to the end of the run, or to the deadline.
    /// - Returns: what did not hold.
    package mutating func run() -> [String] {
        queue.push(.aggregatorStarts, at: now)
        for index in clients.indices {
            queue.push(.clientStarts(index), at: now + random.duration(inSeconds: 0...5))
            scheduleFault(.clientIsHit(index))
            schedulePartitions(of: index)
        }
        scheduleFault(.aggregatorIsHit)
        scheduleDrains()
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
        switch item {
        case .aggregatorStarts: try startAggregator()
        case .aggregatorIsHit:
            aggregator.fuse.light(steps: random.integer(in: 0...random.pick([4, 12])))
            scheduleFault(.aggregatorIsHit)
        case .aggregatorDrains(let patience): try drainAggregator(within: patience)
        case .aggregatorReads: try readInbox()
        case .aggregatorTimer(let timer): try fire(timer, number: number)
        case .batchIsStored(let batch): try store(batch)
        case .batchIsKnown(let batch): try finish(batch)
        case .snapshotIsWritten(let incarnation): try writeSnapshot(ofIncarnation: incarnation)
        case .toAggregator(let bytes): arrive(bytes)
        case .lingerEnds: try endAggregator()
        case .clientStarts(let index): try startClient(index)
        case .clientIsHit(let index):
            hit(index)
            scheduleFault(.clientIsHit(index))
        case .clientTimer(let index, let timer):
            if clients[index].process?.timers[timer] == number { handle(.timerFired(timer), at: index) }
        case .toClient(let index, let bytes): try receive(bytes, at: index)
        case .trained(let index, let start, let task, let result): finishTraining(result, of: task, start, at: index)
        case .stored(let index, let start, let update): finishStoring(update, start, at: index)
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

    // MARK: Judgement

    mutating func note(_ observation: Observation) {
        for place in invariants.indices { invariants[place].observe(observation) }
    }

    private mutating func judge() throws -> [String] {
        var record = RunRecord(configuration: scenario.configuration.federation)
        if let last = aggregator.last { note(.ended(Digest(of: last.snapshot()))) }
        try record.read(aggregator.disk)
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
    }
}
