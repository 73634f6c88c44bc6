import Federation
import MessageLog
import PromptAggregation
import PromptWire
import RunSettings

/// An interrupted run, resumed where its log ends: from the newest snapshot that fits the log and the records behind
/// it, or from all records. Either way it is the same run.
package struct RunRecovery {
    /// The snapshot that the recovery started from.
    package struct Start {
        package var name: String
        package var version: Version
        /// Of the log before it, in bytes.
        package var length: UInt64
        /// Of the snapshot, in bytes.
        package var size: Int
    }

    /// Continues behind the last whole record.
    package let log: RunLogWriter
    /// With what was changed since the run began.
    package let configuration: RunConfiguration
    /// The settings that were changed since the run began, in their order.
    package let changes: [SettingChanged]
    package let aggregator: Aggregator
    package let history: RunHistory
    /// When the last record was made; the run's time never goes back behind it.
    package let lastTime: Timestamp
    package let header: RunHeader
    /// Starts of the aggregator so far.
    package let epoch: UInt64
    /// nil where the whole log was run through the core.
    package let start: Start?
    /// For the next start to record: set where the state is not what was logged, and that was accepted.
    package let fork: AcceptedFork?
    /// The records that were run through the core.
    package let replayedRecords: Int
    /// Each snapshot that was not used, and why.
    package let passedOver: [String]

    /// Recovers the run of a folder.
    package init(folder: RunFolder, acceptsFork: Bool = false) throws {
        try self.init(from: folder, acceptsFork: acceptsFork)
    }

    /// - Parameter acceptsFork: whether to continue where a version does not come out as it was logged.
    /// - Throws: `LogError` for a log that is damaged or held by another aggregator, `ReplayError` for one that is not
    ///   of a run, `ForkedRun`, `RunFolderError` where the folder of snapshots cannot be read.
    package init(from storage: some RunStorage, acceptsFork: Bool = false) throws {
        let found = try SnapshotShelf(storage.snapshots).read()
        // Nothing is done before the lock is taken: another aggregator may be at work on this log.
        log = try RunLogWriter(
            continuing: storage, marks: found.compactMap { try? $0.content.get().position.length })
        header = try RunLogReader(storage.readLog()).readHeader()
        log.run = RunSnapshot.digest(of: header)
        var passedOver: [String] = []
        var resumed: (replay: Replay, history: RunHistory, start: Start)?
        for candidate in found where resumed == nil {
            do {
                resumed = try Self.resume(candidate, header, log)
            } catch {
                passedOver.append("\(candidate.name): \(error)")
            }
        }
        let (replay, history) = try resumed.map { ($0.replay, $0.history) } ?? Self.whole(storage.readLog(), header)
        let fork = ForkedRun(replay, path: log.path)
        guard fork == nil || acceptsFork else {
            try Self.leaveAsFound(log)
            throw fork!
        }
        self.fork = fork?.accepted
        log.chain = replay.chain
        self.history = history
        self.passedOver = passedOver
        start = resumed?.start
        configuration = replay.configuration!
        changes = replay.changes
        aggregator = replay.aggregator!
        lastTime = replay.lastTime
        epoch = replay.epoch
        replayedRecords = replay.records - replay.skippedRecords
    }

    /// Runs the whole log through the core.
    package static func replayed(
        _ reader: consuming RunLogReader, otherAlgorithms: Replay.OtherAlgorithms = .refused
    ) throws -> (Replay, RunHistory) {
        var history = RunHistory()
        let replay = try Replay(reader, otherAlgorithms: otherAlgorithms) { history.take($0) }
        return (replay, history)
    }

    /// Runs the whole log through the core, whatever program wrote it.
    private static func whole(_ log: consuming LogReader, _ header: RunHeader) throws -> (Replay, RunHistory) {
        do {
            return try replayed(RunLogReader(log), otherAlgorithms: .allowed)
        } catch let error as ReplayError where header.program.algorithm != AggregationAlgorithm.version {
            throw ReplayError("\(error); the log was begun by \(header.program.words), and this is another algorithm")
        }
    }

    /// Continues from a snapshot.
    /// - Throws: why that cannot be done.
    private static func resume(
        _ found: SnapshotShelf.Found, _ header: RunHeader, _ log: RunLogWriter
    ) throws -> (replay: Replay, history: RunHistory, start: Start) {
        let snapshot = try found.content.get()
        guard snapshot.run == log.run else { throw UnusableSnapshot("it was made of another run") }
        guard log.positions.contains(snapshot.position) else {
            throw UnusableSnapshot(
                "it was made behind \(snapshot.position.length) bytes of a log, and this log holds others")
        }
        var history = snapshot.history
        let replay = try Replay(
            from: snapshot, header, log.reader(from: snapshot.position, behind: snapshot.chain)
        ) { history.take($0) }
        if let version = replay.difference?.publication.version {
            throw UnusableSnapshot("version \(version) comes out of it with another digest than was logged")
        }
        let start = Start(
            name: found.name, version: snapshot.version, length: snapshot.position.length,
            size: found.size)
        return (replay, history, start)
    }

    /// Whether the run has ended and all has been said about it. One that was cut short after its end is resumed, for
    /// the clients that have not heard of the end.
    package var isOver: Bool { aggregator.phase == .finished && log.wasClosed }

    /// Closes the log without continuing it.
    package func leaveAsFound() throws { try Self.leaveAsFound(log) }

    private static func leaveAsFound(_ log: RunLogWriter) throws {
        if log.wasClosed { try log.close() }
    }

    /// How the recovery came about, in a sentence.
    package var words: String {
        let from = start.map { "from the snapshot of version \($0.version)" } ?? "from the start of the log"
        return "\(replayedRecords) records run through the core \(from)"
    }
}

extension RunHistory {
    /// Adds a step of a log.
    package mutating func take(_ step: Replay.Step) {
        switch step {
        case .event(let event, _): begin(at: event.time)
        case .effect(.flushed(let flush)): add(flush)
        case .effect(.evaluated(let evaluation)): add(evaluation)
        case .validated(let validation, let time): add(validation, at: time)
        case .began, .started, .judged, .effect, .checked, .checkpoint: break
        }
    }
}
