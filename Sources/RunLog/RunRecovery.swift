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
    /// The records that were run through the core.
    package let replayedRecords: Int
    /// Each snapshot that was not used, and why.
    package let passedOver: [String]

    /// Recovers the run of a folder.
    package init(folder: RunFolder) throws { try self.init(from: folder) }

    /// - Throws: `LogError` for a log that is damaged or held by another aggregator, `ReplayError` for one that is not
    ///   of a run, `RunFolderError` where the folder of snapshots cannot be read.
    package init(from storage: some RunStorage) throws {
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
        let (replay, history) =
            try resumed.map { ($0.replay, $0.history) } ?? Self.replayed(RunLogReader(storage.readLog()))
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
    package static func replayed(_ reader: consuming RunLogReader) throws -> (Replay, RunHistory) {
        var history = RunHistory()
        let replay = try Replay(reader) { history.take($0) }
        return (replay, history)
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
            from: snapshot, header, log.reader(from: snapshot.position)
        ) { step in
            history.take(step)
            guard case .checked(let publication) = step, !publication.isEqual else { return }
            throw UnusableSnapshot("version \(publication.version) comes out of it with another digest than was logged")
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
    package func leaveAsFound() throws {
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
        case .began, .judged, .effect, .checked: break
        }
    }
}
