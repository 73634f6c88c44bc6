import MessageLog

/// Where a run's log and snapshots lie: in its folder, or on a simulated disk.
package protocol RunStorage {
    associatedtype Snapshots: SnapshotStorage
    var snapshots: Snapshots { get }
    /// Opens the log for its one writer.
    /// - Parameter marks: lengths of the log that the writer reports the positions of.
    func openLog(_ mode: LogWriter.Mode, marks: [UInt64]) throws(LogError) -> LogWriter
    /// - Throws: `LogError.missing` where there is none.
    func readLog() throws(LogError) -> LogReader
}

extension RunFolder: RunStorage {
    package var snapshots: SnapshotFiles { SnapshotFiles(path: snapshotsFolder) }
    package func openLog(_ mode: LogWriter.Mode, marks: [UInt64]) throws(LogError) -> LogWriter {
        try LogWriter(path: log, mode: mode, syncs: syncsLog, marks: marks)
    }
    package func readLog() throws(LogError) -> LogReader { try LogReader(path: log) }
}
