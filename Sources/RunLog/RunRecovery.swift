import Federation
import MessageLog
import PromptAggregation
import PromptWire
import RunSettings

/// An interrupted run, resumed where its log ends: from the newest snapshot that fits the log's last segment and the records
/// behind it, from the state that the segment begins with, or from all records. Either way it is the same run.
package struct RunRecovery {
    /// The snapshot that the recovery started from.
    package struct Start {
        package var name: String
        package var version: Version
        /// Of the log before it, over all segments, in bytes.
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
    /// nil where the last segment or the whole log was run through the core.
    package let start: Start?
    /// For the next start to record: set where the state is not what was logged, and that was accepted.
    package let fork: AcceptedFork?
    /// The records that were run through the core.
    package let replayedRecords: Int
    /// The segment that it began with; nil where it began with a snapshot or with the run.
    private let beginning: Replay.Beginning?
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
        let good = found.compactMap { try? $0.mark.get() }
        log = try RunLogWriter(
            continuing: storage,
            marks: Dictionary(grouping: good, by: \.segment).mapValues { $0.map(\.position.length) })
        header = log.header
        var passedOver: [String] = []
        var resumed: (replay: Replay, history: RunHistory, start: Start)?
        for candidate in found where resumed == nil {
            // The state that the segment begins with is newer than those of earlier segments.
            if let segment = try? candidate.mark.get().segment, segment < log.segment { continue }
            do {
                resumed = try Self.resume(candidate, header, log)
            } catch {
                passedOver.append("\(candidate.name): \(error)")
            }
        }
        let (replay, history) =
            try resumed.map { ($0.replay, $0.history) } ?? Self.replayed(storage, log, header, &passedOver)
        let fork = ForkedRun(replay, path: log.path)
        guard fork == nil || acceptsFork else {
            try Self.leaveAsFound(log)
            throw fork!
        }
        self.fork = fork?.accepted
        log.resume(behind: replay.chain)
        self.history = history
        self.passedOver = passedOver
        start = resumed?.start
        configuration = replay.configuration!
        changes = replay.changes
        aggregator = replay.aggregator!
        lastTime = replay.lastTime
        epoch = replay.epoch
        replayedRecords = replay.records - replay.skippedRecords
        beginning = replay.beginning
    }

    /// Runs the whole log through the core.
    package static func replayed(
        _ reader: consuming RunLogReader, otherAlgorithms: Replay.OtherAlgorithms = .refused
    ) throws -> (Replay, RunHistory) {
        var history = RunHistory()
        let replay = try Replay(reader, otherAlgorithms: otherAlgorithms) { history.take($0) }
        return (replay, history)
    }

    /// Runs the last segment through the core, or all that is left of the log where that does not give what was logged.
    private static func replayed(
        _ storage: some RunStorage, _ log: RunLogWriter, _ header: RunHeader, _ passedOver: inout [String]
    ) throws -> (Replay, RunHistory) {
        let segments = try LogSegments(of: storage)
        if segments.numbers.count > 1 {
            do {
                let found = try replayed(
                    RunLogReader(LogSegments(of: storage, from: log.segment)), otherAlgorithms: .allowed)
                guard let version = found.0.difference?.publication.version else { return found }
                passedOver.append(
                    "segment \(log.segment): version \(version) comes out of it with another digest than was logged")
            } catch let error as ReplayError {
                passedOver.append("segment \(log.segment): \(error)")
            }
        }
        do {
            return try replayed(RunLogReader(segments), otherAlgorithms: .allowed)
        } catch let error as ReplayError where header.program.algorithm != AggregationAlgorithm.version {
            throw ReplayError("\(error); the log was begun by \(header.program.words), and this is another algorithm")
        }
    }

    /// Continues from a snapshot.
    /// - Throws: why that cannot be done.
    private static func resume(
        _ found: SnapshotShelf.Found, _ header: RunHeader, _ log: RunLogWriter
    ) throws -> (replay: Replay, history: RunHistory, start: Start) {
        _ = try found.mark.get()
        let snapshot = try found.load()
        guard snapshot.segment == log.segment, log.positions.contains(snapshot.position) else {
            throw UnusableSnapshot(
                "it was made behind \(snapshot.length) bytes of a log, and this log holds others")
        }
        var history = snapshot.history
        let replay = try Replay(
            from: snapshot, header, log.reader(from: snapshot.position, behind: snapshot.chain)
        ) { history.take($0) }
        if let version = replay.difference?.publication.version {
            throw UnusableSnapshot("version \(version) comes out of it with another digest than was logged")
        }
        let start = Start(
            name: found.name, version: snapshot.version, length: snapshot.length, size: found.size)
        return (replay, history, start)
    }

    /// Whether the run has ended and all has been said about it. One that was cut short after its end is resumed, for
    /// the clients that have not heard of the end.
    package var isOver: Bool { aggregator.phase == .finished && log.wasClosed }

    /// Closes the log without continuing it, if it was closed.
    package func leaveAsFound() throws { try Self.leaveAsFound(log) }

    private static func leaveAsFound(_ log: RunLogWriter) throws {
        if log.wasClosed { try log.close() }
    }

    /// How the recovery came about, in a sentence.
    package var words: String {
        let segment = beginning.map { "from the state of version \($0.version) that segment \($0.segment) begins with" }
        let from = start.map { "from the snapshot of version \($0.version)" } ?? segment ?? "from the start of the run"
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
        case .resumed(_, let earlier, _): continueFrom(earlier)
        case .began, .segment, .started, .judged, .effect, .checked, .checkpoint: break
        }
    }
}
