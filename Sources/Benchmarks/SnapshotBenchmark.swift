import Federation
import Foundation
import MessageLog
import PromptAggregation
import PromptWire
import RunLog
import Text

/// Measures what a snapshot of a run's last state costs, beside running the whole log through the core.
public struct SnapshotBenchmark: Sendable {
    public let version: Version
    /// Of the snapshot's file.
    public let bytes: Int
    /// To make it of the state, which a live aggregator does on a thread of its own.
    public let making: Duration
    /// To encode it, write it and have it on the disk.
    public let keeping: Duration
    /// To read it and have the aggregator again.
    public let restoring: Duration
    /// To have the aggregator from the whole log.
    public let replaying: Duration

    /// - Parameter folder: a folder of its own, on the disk that is to be measured.
    /// - Throws: `LogError`, `ReplayError`, `RunFolderError`.
    public init(log: String, in folder: String) throws {
        let clock = ContinuousClock()
        var start = clock.now
        let (replay, history) = try RunRecovery.replayed(RunLogReader(path: log))
        replaying = clock.now - start
        version = replay.aggregator!.version
        start = clock.now
        let snapshot = RunSnapshot(
            of: replay.aggregator!, history: history, run: RunSnapshot.digest(of: replay.header!), epoch: replay.epoch,
            at: .start, behind: RecordChain(), time: replay.lastTime)
        making = clock.now - start
        let files = SnapshotFiles(path: folder)
        var shelf = SnapshotShelf(files)
        start = clock.now
        bytes = try shelf.add(snapshot)
        keeping = clock.now - start
        start = clock.now
        let read = try RunSnapshot(files.read(shelf.newest!))
        _ = try read.restore(replay.configuration!, replay.header!, initial: replay.header!.initial!.state)
        restoring = clock.now - start
    }

    /// In a sentence.
    public var words: String {
        func milliseconds(_ duration: Duration) -> String { decimal(duration / .milliseconds(1), 1) + " ms" }
        return
            "a snapshot of version \(version): \(decimal(Double(bytes) / 1e6, 2)) MB, made in \(milliseconds(making)),"
            + " on the disk after \(milliseconds(keeping)), restored in \(milliseconds(restoring));"
            + " the whole log takes \(milliseconds(replaying))"
    }
}
