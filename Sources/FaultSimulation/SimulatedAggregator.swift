import Federation
import PromptAggregation
import PromptWire
import RunLog
import RunSettings

/// The aggregator's machine: a disk that lasts, and a process that comes and goes.
package struct SimulatedAggregator {
    let fuse = Fuse()
    let disk: SimulatedDisk
    /// Nil while no process runs.
    var pipeline: CommitPipeline?
    var engine: LoggedAggregator? { pipeline?.engine }
    /// What the run has by now; nil before its first start.
    var configuration: RunConfiguration?
    var batch: SimulatedBatch?
    /// The present start of the process, counted from 1.
    var epoch: UInt64 = 0
    /// How far its clock is off.
    var skew: Duration = .zero
    /// How far it is set forward, so that a process begins no earlier than the log ends.
    var catchUp: Duration = .zero
    /// The number of the item for its deadline.
    var deadline: Int?
    var stalledUntil = Timestamp(nanoseconds: 0)
    /// The version whose flush the second thread is at work on, or was last.
    var aggregating: Version?
    /// Messages that have arrived and were not read.
    var inbox: [[UInt8]] = []
    /// What the log may hold after a crash: the state of the last batch that was finished, or of the one on its way.
    var candidates: [Aggregator] = []
    /// Whether a batch was finished.
    var hasCommitted = false
    /// The run has ended and its log is closed.
    var isOver = false
    /// The state at the last commit.
    var last: Aggregator?
    /// The state at the commit before that.
    var previous: Aggregator?
    /// What the process's observers keep.
    var history = RunHistory()
    var shelf: SnapshotShelf
    var rhythm: SnapshotRhythm
    /// Made and not yet on the disk.
    var unwritten: RunSnapshot?

    private let snapshotVersions: Int
    /// Signs its log.
    static let key = LogKey(seed: [UInt8](repeating: 1, count: 32))!

    init(ignoresSync: Bool, snapshotVersions: Int) {
        disk = SimulatedDisk(fuse: fuse, ignoresSync: ignoresSync)
        self.snapshotVersions = snapshotVersions
        shelf = SnapshotShelf(disk.snapshots)
        rhythm = SnapshotRhythm(interval: snapshotVersions, growth: 1)
    }

    /// A process keeps snapshots as `SnapshotKeeper` does.
    /// - Parameter start: the one that its recovery started from.
    mutating func keepSnapshots(since start: RunRecovery.Start?) {
        shelf = SnapshotShelf(disk.snapshots, newest: start?.name)
        rhythm = SnapshotRhythm(interval: snapshotVersions, growth: 1, since: start)
    }

    /// The process is gone, with what it had in memory.
    mutating func loseProcess() {
        pipeline = nil
        batch = nil
        aggregating = nil
        deadline = nil
        inbox = []
        unwritten = nil
    }
}

/// The aggregator's process, as `AggregatorSetup` and `AggregatorService` run it.
extension FaultSimulation {
    /// Where a simulated machine's time starts, so that its clock can be wrong.
    private static let beginning: Duration = .seconds(1_000_000)

    /// The shell's clock. It begins no earlier than the log ends; after that it goes where the machine's goes, also back.
    var clock: Timestamp { now + Self.beginning + aggregator.skew + aggregator.catchUp }

    private mutating func setClock(since last: Timestamp) {
        aggregator.skew = random.duration(inSeconds: -30...30)
        aggregator.catchUp = .zero
        aggregator.catchUp = max(.zero, last - clock)
    }

    /// Does a step of the process, which may die in it.
    package mutating func attempt(_ step: (inout FaultSimulation) throws -> Void) throws {
        do {
            try step(&self)
        } catch {
            guard aggregator.fuse.isBlown else { throw error }
            crashAggregator()
        }
    }

    mutating func startAggregator() throws {
        aggregator.stalledUntil = now
        try attempt { world in
            guard let engine = try world.openRun() else { return }
            world.aggregator.pipeline = CommitPipeline(
                engine, waitingBytes: world.random.pick([200, 2000, 1 << 20]))
            let time = world.clock
            world.aggregator.history.begin(at: time)
            try world.aggregator.pipeline!.start(epoch: world.aggregator.epoch, at: time)
            try world.advance(settling: true)
            if world.aggregator.engine?.aggregator.phase == .finished { world.linger() }
        }
    }

    /// Begins the run or takes it up again; nil where there is nothing left to do.
    private mutating func openRun() throws -> LoggedAggregator? {
        guard try RunLogReader.holdsRun(in: aggregator.disk) else { return try beginRun() }
        let recovery = try RunRecovery(from: aggregator.disk)
        try check(recovery)
        let candidates = aggregator.candidates.map { Digest(of: $0.snapshot()) }
        note(.recovered(Digest(of: recovery.aggregator.snapshot()), among: candidates))
        guard !recovery.isOver else {
            try recovery.leaveAsFound()
            aggregator.isOver = true
            return nil
        }
        setClock(since: recovery.lastTime)
        aggregator.epoch = recovery.epoch + 1
        aggregator.history = recovery.history
        aggregator.configuration = recovery.configuration
        var core = recovery.aggregator
        if planted == .unloggedEvent {
            _ = core.handle(AggregatorEvent(time: recovery.lastTime + .seconds(60), kind: .tick))
        }
        return LoggedAggregator(
            aggregator: core, log: recovery.log, changes: recovery.changes, key: SimulatedAggregator.key,
            segmentBytes: scenario.configuration.log.segmentBytes, segmentGrowth: 0)
    }

    private mutating func beginRun() throws -> LoggedAggregator {
        if aggregator.hasCommitted { note(.begunAnew) }
        aggregator.history = RunHistory()
        aggregator.keepSnapshots(since: nil)
        aggregator.candidates = []
        let configuration = scenario.configuration
        aggregator.configuration = configuration
        setClock(since: Timestamp(nanoseconds: 0))
        aggregator.epoch = 1
        let core = try Aggregator(
            configuration: configuration.federation, run: scenario.run,
            strategy: try configuration.makeStrategy(initial: scenario.initial))
        let header = RunHeader(
            configurationYAML: configuration.yaml, seed: configuration.federation.seed, program: .running,
            run: scenario.run, initial: .init(version: 0, state: scenario.initial))
        return LoggedAggregator(
            aggregator: core, log: RunLogWriter(creating: aggregator.disk, header: header, at: clock),
            key: SimulatedAggregator.key, segmentBytes: scenario.configuration.log.segmentBytes, segmentGrowth: 0)
    }

    private mutating func crashAggregator() {
        tally.aggregatorCrashes += 1
        if let batch = aggregator.batch { aggregator.candidates.append(batch.state) }
        aggregator.loseProcess()
        aggregator.fuse.replace()
        if random.chance(0.5) {
            tally.powerFailures += 1
            aggregator.disk.losePower(&random)
        }
        queue.push(.aggregatorStarts, at: now + random.duration(inSeconds: 0.1...15))
    }

    // MARK: What happens

    /// While no process runs, a message waits at its sender or is lost on the way.
    mutating func arrive(_ bytes: [UInt8]) {
        guard aggregator.engine != nil else {
            if random.chance(0.5) { queue.push(.toAggregator(bytes), at: now + .seconds(1)) }
            return
        }
        if aggregator.inbox.isEmpty {
            queue.push(.aggregatorReads, at: now + random.duration(inSeconds: 0...0.05))
        }
        aggregator.inbox.append(bytes)
    }

    mutating func readInbox() throws {
        guard aggregator.engine != nil else { return }
        let messages = aggregator.inbox
        aggregator.inbox = []
        try attempt { world in
            for bytes in messages {
                try world.aggregator.fuse.step()
                world.tally.meanwhile += world.aggregator.batch == nil ? 0 : 1
                let answer = try world.aggregator.pipeline!.receive(bytes.span.bytes, at: world.clock)
                if let answer { world.publish(answer.message, on: .client(answer.client)) }
            }
            try world.advance()
        }
    }

    package mutating func meetDeadline(number: Int) throws {
        guard aggregator.engine != nil, aggregator.deadline == number else { return }
        aggregator.deadline = nil
        try attempt { world in
            if world.planted == .lostBatch { try world.loseBatch() }
            try world.aggregator.pipeline!.tick(at: world.clock)
            try world.advance()
        }
    }

    mutating func drainAggregator(within patience: Duration) throws {
        guard aggregator.engine != nil else { return }
        let milliseconds = Int(patience / .milliseconds(1))
        try attempt { world in
            try world.aggregator.pipeline!.drain(DrainRequested(patienceMilliseconds: milliseconds), at: world.clock)
            try world.advance()
        }
    }

    // MARK: The end

    /// Ends the process in order, with a last snapshot as `SnapshotKeeper.finish` takes it; somebody starts it again.
    mutating func rest() throws {
        if aggregator.rhythm.interval > 0, let snapshot = aggregator.engine?.snapshot(aggregator.history) {
            try aggregator.shelf.add(snapshot)
            tally.snapshots += 1
        }
        try aggregator.pipeline!.close()
        tally.drains += 1
        aggregator.loseProcess()
        queue.push(.aggregatorStarts, at: now + random.duration(inSeconds: 0.1...15))
    }

    /// One item for the state's deadline, in place of the last.
    mutating func armDeadline() {
        guard let pipeline = aggregator.pipeline else { return }
        aggregator.deadline = pipeline.nextDeadline.map { queue.push(.aggregatorDeadline, at: now + ($0 - clock)) }
    }

    mutating func linger() { queue.push(.lingerEnds, at: now + .seconds(5)) }

    mutating func endAggregator() throws {
        guard aggregator.engine?.aggregator.phase == .finished, !aggregator.isOver else { return }
        try attempt { world in
            try world.advance(settling: true)
            // Storing the rest may have ended it.
            guard world.aggregator.pipeline != nil else { return }
            try world.aggregator.pipeline!.close()
            world.aggregator.pipeline = nil
            world.aggregator.isOver = true
        }
    }
}
