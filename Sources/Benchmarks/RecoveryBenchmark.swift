import CMalloc
import Federation
import Foundation
import MessageLog
import PromptAggregation
import RunLog

/// Measures how long an aggregator takes to recover a run and how much memory it takes, as the run gets longer: with the
/// segments and snapshots that a live one keeps, and without them. By default the states are small and averaged, so what
/// is measured is the log and not the method.
public struct RecoveryBenchmark: Sendable {
    public let versions: Int
    /// nil where the whole log was not read.
    public let records: Int?
    /// Of the log, and of its segments how many.
    public let bytes: Int
    public let segments: Int
    /// Of the newest snapshot; 0 where recovery began with a segment.
    public let snapshotBytes: Int
    /// From the last segment, with a check of every byte of it.
    public let recovery: Duration
    /// Records that the core ran through for that.
    public let replayedRecords: Int
    /// From all records; nil where that was not asked for.
    public let wholeRecovery: Duration?
    /// The process's resident memory when half of the versions were made, and the most from then on.
    public let halfwayMemory: Int
    public let mostMemory: Int
    /// The most that it had at any moment of the run with its snapshots, and of the recovery.
    public let runPeak: Int
    public let recoveryPeak: Int

    /// Writes a run of so many versions.
    /// - Parameters:
    ///   - updates: of a version.
    ///   - pool: the prompts, each of `width` numbers.
    ///   - segmentBytes: the size at which the log's next segment begins.
    ///   - readsWhole: whether the recovery without segments and snapshots is measured too.
    ///   - folder: an empty folder.
    /// - Throws: `LogError`, `ReplayError`, `RunFolderError`.
    public init(
        versions: Int, updates: Int = 1, pool: Int = 2, width: Int = 4, segmentBytes: UInt64 = 256 << 20,
        readsWhole: Bool = true, in folder: RunFolder
    ) throws {
        var folder = folder
        folder.syncsLog = false
        var history = RunHistory()
        var rhythm = SnapshotRhythm(interval: 20)
        var shelf = SnapshotShelf(folder.snapshots)
        var memory: (halfway: Int, most: Int) = (0, 0)
        var next = versions / 2
        try forgetPeak()
        try ReplayBenchmark.writeRun(
            to: folder, updates: versions * updates,
            settings: [
                "strategy.name=fedbuff", "federation.buffer_size=\(updates)", "prompts.pool=\(pool)",
                "federation.clients_to_start=1",
            ], width: width, segmentBytes: segmentBytes
        ) { pipeline, effects in
            for case .flushed(let flush) in effects.map(\.effect) {
                history.begin(at: flush.time)
                history.add(flush)
            }
            let engine = pipeline.engine
            if engine.aggregator.version >= next {
                let resident = try residentBytes()
                memory = (memory.halfway == 0 ? resident : memory.halfway, max(memory.most, resident))
                next += max(1, versions / 200)
            }
            if try pipeline.beginSegmentIfDue(history) { return }
            guard rhythm.isDue(version: engine.aggregator.version, length: engine.committedBytes),
                let snapshot = engine.snapshot(history)
            else { return }
            let size = try shelf.add(snapshot)
            rhythm.kept(version: snapshot.version, length: snapshot.length, size: size)
        }
        (halfwayMemory, mostMemory) = memory
        runPeak = try peakResidentBytes()
        // What the run has freed is not the recovery's.
        malloc_trim(0)
        try forgetPeak()
        let clock = ContinuousClock()
        let start = clock.now
        let recovered = try RunRecovery(folder: folder)
        recovery = clock.now - start
        recoveryPeak = try peakResidentBytes()
        self.versions = recovered.aggregator.version
        replayedRecords = recovered.replayedRecords
        snapshotBytes = recovered.start?.size ?? 0
        try recovered.leaveAsFound()
        let numbers = try folder.segments()
        segments = numbers.count
        bytes = try numbers.reduce(0) { try $0 + Int(folder.size(ofSegment: $1)) }
        guard readsWhole else {
            (records, wholeRecovery) = (nil, nil)
            return
        }
        let again = clock.now
        records = try RunRecovery.replayed(RunLogReader(path: folder.path)).0.records
        wholeRecovery = clock.now - again
    }
}
