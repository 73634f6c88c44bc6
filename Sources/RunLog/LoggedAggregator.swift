import Federation
import MessageLog
import PromptAggregation
import PromptWire
import RunSettings

/// The aggregator's core with its log: bytes in, effects out, and in between everything is written down.
///
/// The data path: bytes arrive, are decoded, appended to the log, handled; a commit makes the log durable and only then
/// hands out the effects. Nothing is acknowledged or published before it is safe. A commit comes in two halves, so that the
/// next batch can be taken in while the disk is at work; `CommitPipeline` decides when.
package struct LoggedAggregator {
    package private(set) var aggregator: Aggregator
    private let log: RunLogWriter
    private let key: LogKey?
    /// The size at which the log's next segment begins, in bytes, and over the size of the state that it begins with.
    private let segmentBytes: UInt64
    private let segmentGrowth: Int
    private var checkpoints = CheckpointRhythm()
    /// The settings that were changed since the run began, in their order.
    private var changes: [SettingChanged]
    private var pending: [CommittedEffect] = []
    /// Heard in heartbeats that change nothing else; the next tick's record names them.
    private var signs = SignsOfLife()
    /// Messages that could not be decoded; they are not in the log.
    package private(set) var malformed = 0
    /// Messages whose sender may not speak for the client that they name; they are not in the log either.
    package private(set) var impostures = 0
    /// Updates that were answered without a record, since they come to nothing whatever else happens.
    package private(set) var turnedAway = 0
    /// Messages beyond what their client may say; they are not in the log either.
    package private(set) var excessive = 0
    /// What clients may say; nil for whatever they like.
    private var allowance: MessageAllowance?
    /// The present start of the run's aggregator; nil where it was not started.
    private var started: EpochStarted?
    /// The last version that was encoded.
    private var newest: EncodedVersion?
    /// When the last record was made.
    private var lastTime = Timestamp(nanoseconds: 0)
    /// What clients' messages may hold; they grow with the state and never shrink.
    package private(set) var limits: WireLimits
    package private(set) var receivedMessages = 0
    package private(set) var receivedBytes = 0

    /// - Parameters:
    ///   - changes: the settings that were changed before.
    ///   - key: signs the log's checkpoints; nil leaves them unsigned.
    ///   - segmentBytes: the size at which the log's next segment begins.
    ///   - segmentGrowth: its least size over that of the state that it begins with.
    ///   - allowance: what clients may say; nil for whatever they like.
    package init(
        aggregator: Aggregator, log: RunLogWriter, changes: [SettingChanged] = [], key: LogKey? = nil,
        segmentBytes: UInt64 = .max, segmentGrowth: Int = SnapshotRhythm.liveGrowth,
        allowance: MessageAllowance? = nil
    ) {
        self.allowance = allowance
        self.segmentBytes = segmentBytes
        self.segmentGrowth = segmentGrowth
        self.aggregator = aggregator
        self.changes = changes
        self.log = log
        self.key = key
        limits = WireLimits(forClientsOf: aggregator.largestState)
    }

    /// Begins an epoch.
    /// - Parameter fork: set where the aggregator's state is not what was logged.
    package mutating func start(epoch: UInt64, acceptingFork fork: AcceptedFork? = nil, at time: Timestamp) throws {
        let start = EpochStarted(
            epoch: epoch, program: .running, signingKey: key?.publicKey ?? [], fork: fork)
        try log.append(start, at: time)
        started = start
        try handle(.started, at: time)
    }

    /// Keeps how a version does on the validation images; nothing in the federation depends on it.
    package mutating func keep(_ validation: Validation, at time: Timestamp) throws {
        lastTime = time
        try log.append(validation, at: time)
    }

    /// An answer that a client gets at once: it promises nothing, so nothing has to be on disk first.
    package struct Answer {
        package let client: ClientID
        package let message: AggregatorMessage
    }

    /// Takes in one message from a client.
    /// - Parameters:
    ///   - party: who answers for it; nil for who has no limit beside those of its clients.
    ///   - isAuthentic: whether its sender may speak for the client that it names.
    /// - Returns: the answer to an update that comes to nothing whatever else happens; it is not in the log.
    /// - Throws: `WireError` for one that is malformed, `Imposture` for one in another's name, `Excess` for one beyond what
    ///   its client or its party may say: all are counted and otherwise without effect; `LogError`.
    package mutating func receive(
        _ bytes: RawSpan, from party: Party? = nil, at time: Timestamp,
        isAuthentic: (ClientID) -> Bool = { _ in true }
    ) throws -> Answer? {
        receivedMessages += 1
        receivedBytes += bytes.byteCount
        let message: ClientMessage
        do {
            message = try bytes.withUnsafeBytes { bytes throws(WireError) in
                try ClientCodec.decode(bytes, limits: limits)
            }
        } catch {
            malformed += 1
            throw error
        }
        if let client = message.clients.first(where: { !isAuthentic($0) }) {
            impostures += 1
            throw Imposture(client: client)
        }
        if let answer = aggregator.turnsAway(message), let client = message.clients.first {
            turnedAway += 1
            return Answer(client: client, message: answer)
        }
        let found = aggregator.signs(in: message, at: time)
        if !aggregator.waitsFor(message),
            let excess = allowance?.excess(of: message.clients, weighing: found.others, from: party, at: time)
        {
            excessive += 1
            throw excess
        }
        if found.onlyRenews {
            signs.add(found.places, at: time)
            return nil
        }
        try sweepIfDue(at: time)
        try log.append(received: bytes, at: time)
        try handle(.received(message), at: time)
        return nil
    }

    package mutating func tick(at time: Timestamp) throws {
        var heard = signs.take()[...]
        repeat {
            let tick = Tick(heard: Array(heard.prefix(Tick.mostRanges)))
            heard = heard.dropFirst(Tick.mostRanges)
            try log.append(tick, at: time)
            try handle(tick.event, at: time)
        } while !heard.isEmpty
    }

    /// When `tick` is due by the driver's clock, nil for never. It follows from the state after every event.
    package var nextDeadline: Timestamp? {
        guard let deadline = aggregator.nextDeadline else { return nil }
        return signs.since.map { min(deadline, $0 + aggregator.sweepTime) } ?? deadline
    }

    /// Hands the gathered signs of life to the core before an event by whose time somebody might be lost for want of them.
    private mutating func sweepIfDue(at time: Timestamp) throws {
        if signs.since != nil, let due = nextDeadline, due <= time { try tick(at: time) }
    }

    /// Takes in that the flush under way was aggregated beside; any other is passed over.
    package mutating func aggregated(_ flush: AggregatedFlush, at time: Timestamp) throws {
        let made = flush.outcome.version
        guard made == aggregator.flushUnderWay else { return }
        try sweepIfDue(at: time)
        try log.append(FlushAggregated(version: made), at: time)
        newest = flush.version
        try handle(.aggregated(made), with: flush, at: time)
    }

    package mutating func drain(_ request: DrainRequested, at time: Timestamp) throws {
        try sweepIfDue(at: time)
        try log.append(request, at: time)
        try handle(.drainRequested(within: request.patience), at: time)
    }

    /// Asks that an end of the run is not moved to where the run has already been.
    /// - Throws: `ConfigurationError`.
    package func requireAhead(_ settings: [SettingChanged]) throws {
        let reached = [
            "run.updates": (aggregator.counts.accepted, "updates"), "run.versions": (aggregator.version, "versions"),
        ]
        for setting in settings {
            guard let (count, what) = reached[setting.key], let value = Int(setting.value), value > 0, value < count
            else { continue }
            throw ConfigurationError(
                "\(setting.key): expected 0, or at least the \(count) \(what) that the run has, found \(value)")
        }
    }

    /// Changes settings of the run, each by a record.
    /// - Parameters:
    ///   - settings: keys of `RunConfiguration.changeable` with their values.
    ///   - configuration: what the run has by now.
    /// - Returns: what it has from then on.
    /// - Throws: `ConfigurationError` for another key, a wrong value or one that changes nothing, and then nothing is
    ///   changed; `LogError`.
    package mutating func change(
        _ settings: [SettingChanged], of configuration: RunConfiguration, at time: Timestamp
    ) throws -> RunConfiguration {
        // The first of two values could end a run and the second continue it, when clients have heard of the end.
        guard Set(settings.map(\.key)).count == settings.count else {
            throw ConfigurationError(
                "expected each key once, found \(settings.map(\.key).joined(separator: ", "))")
        }
        var steps: [RunConfiguration] = []
        for setting in settings {
            steps.append(try (steps.last ?? configuration).changing(setting.key, to: setting.value))
        }
        try sweepIfDue(at: time)
        for (setting, step) in zip(settings, steps) {
            try log.append(setting, at: time)
            changes.append(setting)
            var federation = step.federation
            federation.model = aggregator.configuration.model
            try handle(.reconfigured(federation), at: time)
        }
        return steps.last ?? configuration
    }

    private mutating func handle(
        _ kind: AggregatorEvent.Kind, with flush: AggregatedFlush? = nil, at time: Timestamp
    ) throws {
        lastTime = time
        let effects = aggregator.handle(AggregatorEvent(time: time, kind: kind), with: flush?.outcome)
        for (index, effect) in effects.enumerated() {
            guard case .publishVersion(let prompts) = effect else {
                pending.append(CommittedEffect(effect: effect, packed: flush.flatMap { $0.packed(for: effect) }))
                continue
            }
            let version = encoded(prompts)
            newest = version
            let wider = WireLimits(forClientsOf: prompts.state.parameters.byteCount)
            limits.messageBytes = max(limits.messageBytes, wider.messageBytes)
            checkpoints.hasVersion = true
            try log.append(
                Publication(
                    version: prompts.version, digest: version.digest.bytes, pool: prompts.state.promptIDs.count,
                    contributions: Self.contributions(after: index, in: effects),
                    updates: aggregator.counts.accepted), at: time)
            pending.append(CommittedEffect(effect: effect, version: version))
        }
    }

    /// How many contributions made the version that the effect at `index` publishes.
    private static func contributions(after index: Int, in effects: [AggregatorEffect]) -> Int {
        for effect in effects[(index + 1)...] {
            if case .flushed(let flush) = effect { return flush.parts.count }
            if case .publishVersion = effect { return 0 }
        }
        return 0
    }

    /// What was taken in since the last commit, on its way to the disk.
    package final class Batch: Sendable {
        fileprivate let records: SealedRecords
        /// What is to be done once it is stored.
        package let effects: [CommittedEffect]

        fileprivate init(records: SealedRecords, effects: [CommittedEffect]) {
            self.records = records
            self.effects = effects
        }

        /// Returns once all is on disk or has failed; `finish` reports which.
        package func store() { records.store() }
    }

    /// The first half of a commit. One batch at a time is on its way.
    /// - Returns: nil where nothing was taken in, also of a log that was closed. Each effect has a record before it.
    package mutating func seal() throws -> Batch? {
        guard bufferedBytes > 0 else { return nil }
        if checkpoints.isDue(records: log.records, at: lastTime) { try appendCheckpoint(.none) }
        guard let records = try log.seal() else { return nil }
        let batch = Batch(records: records, effects: pending)
        pending = []
        return batch
    }

    /// The second half: what is to be done now that the batch is stored.
    package func finish(_ batch: Batch) throws -> [CommittedEffect] {
        try log.finish(batch.records)
        return batch.effects
    }

    /// Closes the log with a last checkpoint and its summary. Whoever has not started the aggregator does not speak for it:
    /// the log is left open then, for its next start.
    package mutating func close() throws {
        guard started != nil else { return }
        try appendCheckpoint(.closing)
        try log.close()
    }

    private mutating func appendCheckpoint(_ end: Checkpoint.End) throws {
        guard started != nil else { return }
        try log.appendCheckpoint(end, signedBy: key, at: lastTime)
        checkpoints.written(records: log.records, at: lastTime)
    }

    // MARK: Segments

    /// Whether the log's next segment is due. None begins behind the end of a run: there is nothing to continue from.
    package var isSegmentFull: Bool {
        started != nil && aggregator.phase != .finished && log.hasReached(segmentBytes, growth: segmentGrowth)
    }

    /// Begins the log's next segment with the present state, which is on the disk when this returns.
    /// - Parameter history: what the observers kept of all that was committed.
    /// - Precondition: all is committed and its effects were given out.
    package mutating func beginSegment(_ history: RunHistory) throws {
        guard let started, let state = snapshot(history) else { return }
        FreedMemory.giveBack(
            beforeCopying: aggregator.keptStates.count * aggregator.current.state.parameters.byteCount)
        try log.beginSegment(state, start: started, signedBy: key, at: lastTime)
        checkpoints.written(records: log.records, at: lastTime)
    }

    /// The number of the log's segment that is written, and its bytes that are on the disk.
    package var segment: (number: Int, bytes: UInt64) { (log.segment, log.segmentBytes) }

    /// Bytes of the log that are on the disk.
    package var committedBytes: UInt64 { log.committedBytes }

    /// Bytes that were taken in since the last batch was made.
    package var bufferedBytes: Int { log.bufferedBytes }

    /// The present state as a snapshot that recovery can start from; nil unless all is committed.
    /// - Parameter history: what the observers kept of all that was committed.
    package func snapshot(_ history: RunHistory) -> RunSnapshot? {
        guard let position = log.position else { return nil }
        return RunSnapshot(
            of: aggregator, history: history, run: log.run, changes: changes, epoch: started?.epoch ?? 0, at: position,
            in: log.segment, after: log.earlierBytes, behind: log.chain, time: lastTime)
    }

    /// The current version, encoded.
    package var current: EncodedVersion { encoded(aggregator.current) }

    private func encoded(_ prompts: AggregatorMessage.GlobalPrompts) -> EncodedVersion {
        if let newest, newest.prompts.version == prompts.version { return newest }
        return EncodedVersion(prompts)
    }
}

/// A message from somebody who may not speak for the client that it names.
package struct Imposture: Error {
    package var client: ClientID
}
