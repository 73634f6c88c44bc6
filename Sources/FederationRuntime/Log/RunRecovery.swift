import Federation
import MessageLog

/// An interrupted run, taken up again where its log ends.
struct RunRecovery {
    /// Goes on behind the last whole record.
    let log: RunLogWriter
    let configuration: RunConfiguration
    let aggregator: Aggregator
    /// When the last record was made; the run's time never goes back behind it.
    let lastTime: Timestamp
    /// Whether the log was closed in order, and not cut short.
    let wasClosed: Bool

    /// - Parameter observe: sees each step of the log.
    /// - Throws: `LogError` for a log that is damaged or held by another aggregator, `ReplayError` for one that tells no
    ///   sensible run.
    init(from storage: some RunStorage, observe: (Replay.Step) throws -> Void = { _ in }) throws {
        // Taking the lock comes first: another aggregator may be at work on this log.
        log = try RunLogWriter(continuing: storage)
        wasClosed = log.wasClosed
        let replay = try Replay(RunLogReader(storage.readLog()), observe: observe)
        configuration = replay.configuration!
        aggregator = replay.aggregator!
        lastTime = replay.lastTime
    }

    /// Whether the run has ended and all has been said about it. One that was cut short after its end is taken up again,
    /// for the clients that have not heard of the end.
    var isOver: Bool { aggregator.phase == .finished && wasClosed }

    /// Lets a log be that shall not be gone on with.
    func leaveAsFound() throws {
        if wasClosed { try log.close() }
    }
}
