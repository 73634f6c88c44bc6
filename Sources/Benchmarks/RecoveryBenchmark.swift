import Federation
import Foundation
import MessageLog
import PromptAggregation
import RunLog

/// Measures how long an aggregator takes to recover a run, as the run gets longer: with the snapshots that a live one
/// keeps, and without them. The states are small and averaged, so what is measured is the log and not the method.
public struct RecoveryBenchmark: Sendable {
    public let versions: Int
    public let records: Int
    /// Of the log.
    public let bytes: Int
    /// Of the newest snapshot.
    public let snapshotBytes: Int
    /// From the newest snapshot, with a check of every byte of the log.
    public let recovery: Duration
    /// Records that the core ran through for that.
    public let replayedRecords: Int
    /// From the log alone.
    public let wholeRecovery: Duration

    /// Writes a run of so many versions, a version an update.
    /// - Parameter folder: an empty folder.
    /// - Throws: `LogError`, `ReplayError`, `RunFolderError`.
    public init(versions: Int, in folder: RunFolder) throws {
        var folder = folder
        folder.syncsLog = false
        var history = RunHistory()
        var rhythm = SnapshotRhythm(interval: 20)
        var shelf = SnapshotShelf(folder.snapshots)
        try ReplayBenchmark.writeRun(
            to: folder, updates: versions,
            settings: [
                "strategy.name=fedbuff", "federation.buffer_size=1", "prompts.pool=2", "federation.clients_to_start=1",
            ], width: 4
        ) { engine, effects in
            for case .flushed(let flush) in effects.map(\.effect) {
                history.begin(at: flush.time)
                history.add(flush)
            }
            guard rhythm.isDue(version: engine.aggregator.version, length: engine.committedBytes),
                let snapshot = engine.snapshot(history)?()
            else { return }
            let size = try shelf.add(snapshot)
            rhythm.kept(version: snapshot.version, length: snapshot.length, size: size)
        }
        let clock = ContinuousClock()
        var start = clock.now
        let recovered = try RunRecovery(folder: folder)
        recovery = clock.now - start
        self.versions = recovered.aggregator.version
        replayedRecords = recovered.replayedRecords
        snapshotBytes = recovered.start?.size ?? 0
        try recovered.leaveAsFound()
        start = clock.now
        records = try RunRecovery.replayed(RunLogReader(path: folder.log)).0.records
        wholeRecovery = clock.now - start
        bytes = try folder.segments().reduce(0) { try $0 + Int(folder.size(ofSegment: $1)) }
    }
}
