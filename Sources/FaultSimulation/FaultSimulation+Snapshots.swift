import Federation
import MessageLog
import PromptAggregation
import RunLog
import RunSettings

/// The simulated aggregator's snapshots, as `SnapshotKeeper` has them written: beside the work, some time after they were
/// taken.
extension FaultSimulation {
    /// Compares what a recovery gives with what the whole log gives, and continues from its snapshot.
    package mutating func check(_ recovery: RunRecovery) throws {
        let (replay, history) = try RunRecovery.replayed(RunLogReader(LogSegments(of: aggregator.disk.whole)))
        note(
            .resumed(
                Self.digest(of: recovery.aggregator, recovery.history, recovery.lastTime),
                whole: Self.digest(of: replay.aggregator!, history, replay.lastTime)))
        tally.recoveriesFromSnapshots += recovery.start == nil ? 0 : 1
        tally.snapshotsPassedOver += recovery.passedOver.count
        tally.recoveriesFromSegments += recovery.start == nil && recovery.log.segment > 1 ? 1 : 0
        aggregator.keepSnapshots(since: recovery.start)
    }

    private static func digest(of aggregator: Aggregator, _ history: RunHistory, _ time: Timestamp) -> Digest {
        Digest(of: aggregator.snapshot() + history.bytes + Array("\(time.nanoseconds)".utf8))
    }

    /// Begins the log's next segment where the present one is full, and removes those that need not be kept.
    mutating func beginSegment() throws {
        let history = planted == .outdatedSegment ? RunHistory() : aggregator.history
        guard try aggregator.pipeline?.beginSegmentIfDue(history) == true else { return }
        tally.segments += 1
        if planted == .misremovedSegment, let newest = aggregator.disk.segments().last {
            try aggregator.disk.removeSegment(newest)
        }
        let upkeep = SegmentUpkeep(of: aggregator.disk, by: scenario.configuration.log)
        let (removed, compressed) = try upkeep.apply(at: clock)
        tally.segmentsRemoved += removed
        tally.segmentsCompressed += compressed
    }

    /// Whether a snapshot is due and none is being written.
    var isSnapshotDue: Bool {
        guard let engine = aggregator.engine, aggregator.unwritten == nil else { return false }
        return aggregator.rhythm.isDue(version: engine.aggregator.version, length: engine.committedBytes)
    }

    mutating func takeSnapshot() {
        guard isSnapshotDue, var snapshot = aggregator.engine?.snapshot(aggregator.history) else { return }
        if planted == .misplacedSnapshot, let previous = aggregator.previous {
            snapshot.state = .live(previous)
            snapshot.version = previous.version
        }
        aggregator.unwritten = snapshot
        queue.push(
            .snapshotIsWritten(epoch: aggregator.epoch), at: now + random.duration(inSeconds: 0...3))
    }

    mutating func writeSnapshot(ofEpoch epoch: UInt64) throws {
        guard aggregator.engine != nil, aggregator.epoch == epoch,
            let snapshot = aggregator.unwritten
        else { return }
        aggregator.unwritten = nil
        try attempt { world in
            let size = try world.aggregator.shelf.add(snapshot)
            world.aggregator.rhythm.kept(version: snapshot.version, length: snapshot.length, size: size)
            world.tally.snapshots += 1
        }
    }
}
