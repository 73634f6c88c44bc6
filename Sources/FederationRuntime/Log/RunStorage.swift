import MessageLog

/// Where a run's log lies: in its folder, or on a simulated disk.
protocol RunStorage {
    /// Opens the log for its one writer.
    func openLog(_ mode: LogWriter.Mode) throws(LogError) -> LogWriter
    /// - Throws: `LogError.missing` where there is none.
    func readLog() throws(LogError) -> LogReader
}

extension RunFolder: RunStorage {
    func openLog(_ mode: LogWriter.Mode) throws(LogError) -> LogWriter {
        try LogWriter(path: log, mode: mode, syncs: syncsLog)
    }
    func readLog() throws(LogError) -> LogReader { try LogReader(path: log) }
}
