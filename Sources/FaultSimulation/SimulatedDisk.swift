import MessageLog
import PromptAggregation
import RunLog

/// The disk of the simulated aggregator, with the log of one run and its snapshots.
final class SimulatedDisk: RunStorage {
    private let fuse: Fuse
    private let ignoresSync: Bool
    let snapshots: SimulatedFolder
    private var log: SimulatedFile?
    private(set) var tornWrites = 0

    private static let path = "run.mcap"

    init(fuse: Fuse, ignoresSync: Bool) {
        self.fuse = fuse
        self.ignoresSync = ignoresSync
        snapshots = SimulatedFolder(fuse: fuse, ignoresSync: ignoresSync)
    }

    func openLog(_ mode: LogWriter.Mode, marks: [UInt64]) throws(LogError) -> LogWriter {
        if let log {
            guard mode != .create else { throw .exists(path: Self.path) }
            log.reopen()
            return try LogWriter(log, marks: marks)
        }
        guard mode != .continue else { throw .missing(path: Self.path) }
        let file = SimulatedFile(path: Self.path, fuse: fuse, ignoresSync: ignoresSync)
        log = file
        return try LogWriter(file)
    }

    func readLog() throws(LogError) -> LogReader {
        guard let log else { throw .missing(path: Self.path) }
        return try LogReader(log.map())
    }

    func losePower(_ random: inout SeededRandom) {
        snapshots.losePower(&random)
        guard let (remains, isTorn) = log?.losePower(&random) else { return }
        if isTorn { tornWrites += 1 }
        if !remains { log = nil }
    }
}
