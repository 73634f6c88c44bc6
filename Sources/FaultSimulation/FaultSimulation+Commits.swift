import Federation
import PromptAggregation
import PromptWire
import RunLog

/// A batch of the log on its way to the simulated disk.
struct SimulatedBatch {
    let batch: LoggedAggregator.Batch
    /// The state that the log gives once it is stored.
    let state: Aggregator
    var isStored = false
}

/// The commit pipeline as `AggregatorService` drives it, in virtual time: storing a batch takes a while, and the process
/// takes more in meanwhile, or dies.
extension FaultSimulation {
    /// How long the disk may take for a batch, in seconds; one of these, or less.
    private static let storing: [Double] = [0, 0.02, 0.5, 3]
    /// How long a flush may be aggregated, in seconds; one of these, or less.
    private static let aggregating: [Double] = [0, 0.05, 2, 20]

    /// - Parameter settling: as for `CommitPipeline.next`.
    mutating func advance(settling: Bool = false) throws {
        for violation in aggregator.engine?.aggregator.checkInvariants() ?? [] { note(.unsound(violation)) }
        armDeadline()
        aggregateBeside()
        while aggregator.pipeline != nil {
            switch try aggregator.pipeline!.next(settling: settling || isSnapshotDue) {
            case .rest: return
            case .store(let batch): try begin(batch)
            case .wait:
                tally.waits += 1
                try storeBatch()
                try finishBatch()
            }
        }
    }

    /// A flush that is cut is aggregated on a second thread, which takes a while.
    private mutating func aggregateBeside() {
        guard let version = aggregator.engine?.aggregator.flushUnderWay, version != aggregator.aggregating,
            var work = aggregator.engine?.aggregator.flushWork
        else { return }
        aggregator.aggregating = version
        if planted == .shortFlush { work.contributions.removeLast() }
        tally.flushesBeside += 1
        queue.push(
            .flushIsAggregated(AggregatedFlush(work, from: origin), epoch: aggregator.epoch),
            at: now + random.duration(inSeconds: 0...random.pick(Self.aggregating)))
    }

    /// An outcome is lost with the process that made it.
    mutating func takeIn(_ flush: AggregatedFlush, ofEpoch epoch: UInt64) throws {
        guard aggregator.engine != nil, epoch == aggregator.epoch else { return }
        try attempt { world in
            try world.aggregator.fuse.step()
            try world.aggregator.pipeline!.aggregated(flush, at: world.clock)
            try world.advance()
        }
    }

    private mutating func begin(_ batch: LoggedAggregator.Batch) throws {
        tally.batches += 1
        aggregator.batch = SimulatedBatch(batch: batch, state: aggregator.pipeline!.aggregator)
        queue.push(.batchIsStored(batch), at: now + random.duration(inSeconds: 0...random.pick(Self.storing)))
        if planted == .earlyEffects { try carryOut(batch.effects) }
    }

    /// The disk has the batch, which the process does not know yet.
    mutating func store(_ batch: LoggedAggregator.Batch) throws {
        guard aggregator.batch?.batch === batch else { return }
        try attempt { world in
            try world.storeBatch()
            world.queue.push(.batchIsKnown(batch), at: world.now + world.random.duration(inSeconds: 0...0.01))
        }
    }

    /// The process learns that the batch is stored.
    mutating func finish(_ batch: LoggedAggregator.Batch) throws {
        guard aggregator.batch?.batch === batch else { return }
        try attempt { world in
            try world.finishBatch()
            try world.advance()
        }
    }

    private mutating func storeBatch() throws {
        guard let batch = aggregator.batch, !batch.isStored else { return }
        batch.batch.store()
        aggregator.batch?.isStored = true
        // A store that is cut short says so when it is finished, which a dead process does not do.
        if aggregator.fuse.isBlown { throw SimulatedCrash() }
    }

    private mutating func finishBatch() throws {
        guard let batch = aggregator.batch else { return }
        try aggregator.fuse.step()
        let effects = try aggregator.pipeline!.finish(batch.batch)
        aggregator.batch = nil
        aggregator.candidates = [batch.state]
        aggregator.previous = aggregator.last
        aggregator.last = batch.state
        aggregator.hasCommitted = true
        if planted != .earlyEffects { try carryOut(effects) }
        if planted == .repeatedEffects { try carryOut(effects) }
        guard aggregator.pipeline?.isSettled == true else { return }
        if batch.state.phase == .finished, batch.state.counts.clientsAlive == 0 { try endAggregator() }
        try beginSegment()
        takeSnapshot()
        if aggregator.pipeline != nil, batch.state.phase == .resting { try rest() }
    }

    private mutating func carryOut(_ effects: [CommittedEffect]) throws {
        for effect in effects {
            try aggregator.fuse.step()
            try carryOut(effect)
        }
    }

    /// A planted fault: the batch is stored, and its effects are forgotten.
    mutating func loseBatch() throws {
        guard aggregator.batch != nil else { return }
        try storeBatch()
        let batch = aggregator.batch!
        aggregator.batch = nil
        _ = try aggregator.pipeline!.finish(batch.batch)
        aggregator.candidates = [batch.state]
    }
}

extension FaultSimulation: EffectCarrier {
    /// Of what the aggregator sends.
    private var origin: Origin { Origin(run: scenario.run, epoch: aggregator.epoch) }

    package mutating func publish(_ message: AggregatorMessage, packed: [UInt8]? = nil, on topic: Topic) {
        if case .ack(let ack) = message { note(.acknowledged(ack.client, UpdateID(run: scenario.run, task: ack.task))) }
        send(packed ?? AggregatorCodec.encode(message, from: origin), on: topic)
    }

    package mutating func note(_ version: EncodedVersion) {
        note(.published(version.prompts.version, version.digest))
    }

    private mutating func send(_ bytes: [UInt8], on topic: Topic) {
        if planted == .silentAggregator, isCalm { return }
        for index in clients.indices where topic == .all || topic == .client(clients[index].id) {
            for delay in network.delays(index, .down, &random) {
                queue.push(.toClient(index, bytes), at: now + delay)
            }
        }
    }

    package mutating func note(_ flush: Flush) {
        note(.flushed(flush.version, after: aggregator.history.versions.last?.version ?? 0))
        aggregator.history.add(flush)
    }

    package mutating func noteFinish() { linger() }
    package func note(_ judgement: Judgement) {}
    package func note(_ failed: FailedTask) {}
    package mutating func note(_ evaluation: ClientMessage.Evaluation) {
        note(.evaluated(evaluation))
        tally.evaluations += 1
        aggregator.history.add(evaluation)
    }
    package func noteFenced(_ client: ClientID, session: UInt64) {}
    package func note(_ presence: Presence, of client: ClientID) {}
    package func noteRest() {}
}
