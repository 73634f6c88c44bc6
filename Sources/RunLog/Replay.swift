import Federation
import MessageLog
import PromptAggregation
import PromptWire
import RunSettings

/// Re-runs a log through the aggregator's core: for recovery, for replay and for looking into a run.
///
/// The first record gives the configuration and the state to start from, so nothing but the log is needed: the run's header,
/// or the state that the first segment which is left begins with. Each recorded publication is compared with the one that
/// comes out now.
public struct Replay {
    /// A recorded publication and what the replay made of it.
    public struct CheckedPublication: Sendable {
        public var version: Version
        public var recorded: Digest
        public var replayed: Digest
        public var pool: Int
        public var isEqual: Bool { recorded == replayed }
    }

    /// What stands in the log, in its order, for whoever looks on.
    public enum Step {
        /// The first record, with the configuration and the state that the replay starts from.
        case began(RunConfiguration, initial: PromptState)
        /// What is known of the run before, where its first segments were removed.
        case resumed(Beginning, RunHistory, states: [AggregatorMessage.GlobalPrompts])
        /// The beginning of another segment, with the state as the aggregator had it.
        case segment(SegmentStarted)
        case event(AggregatorEvent, bytes: Int)
        /// What became of an update, after its event and before what came of it.
        case judged(ClientMessage.Update, Verdict)
        case effect(AggregatorEffect)
        case checked(CheckedPublication)
        /// How a version did on the validation images.
        case validated(Validation, at: Timestamp)
        /// A start of the aggregator, before its event.
        case started(EpochStarted)
        case checkpoint(Checkpoint)
    }

    /// A version that does not come out as it was logged, and what logged it.
    struct Difference {
        var publication: CheckedPublication
        var logged: Program
    }

    public private(set) var header: RunHeader?
    public private(set) var configuration: RunConfiguration?
    /// The core after the last record; nil while the header was not read.
    public private(set) var aggregator: Aggregator?
    /// The number of the last record.
    public private(set) var records = 0
    /// Those that a snapshot stands for.
    private(set) var skippedRecords = 0
    /// Where the log begins in the middle of its run; nil where it begins with the run.
    public private(set) var beginning: Beginning?

    /// Where a log begins whose first segments were removed.
    public struct Beginning: Hashable, Sendable, Encodable {
        /// The first segment that is there.
        public var segment: Int
        /// Its first record, counted from 0 over the run.
        public var record: Int
        /// The version that the run had reached by then.
        public var version: Version

        /// In a sentence.
        public var words: String {
            "begins with segment \(segment), at version \(version) and record \(record); what came before was removed"
        }
    }
    public private(set) var droppedBytes: UInt64 = 0
    public private(set) var lastTime = Timestamp(nanoseconds: 0)
    /// Starts of the aggregator so far.
    public private(set) var epoch: UInt64 = 0
    /// What the last start was of.
    private(set) var program: Program?
    /// The first version that comes out otherwise than it was logged, unless a later start accepted that.
    private(set) var difference: Difference?
    /// Over all records so far.
    private(set) var chain = RecordChain()
    /// The settings that were changed so far, in their order; `configuration` has them.
    package private(set) var changes: [SettingChanged] = []
    /// The newest version whose publication was met in the log.
    private var published: Version?
    /// Published by the core and not yet met in the log.
    private var awaited: [AggregatorMessage.GlobalPrompts] = []
    private let otherAlgorithms: OtherAlgorithms

    /// What to do about a log that was made by another version of the aggregation's algorithm, which gives other bits.
    package enum OtherAlgorithms { case refused, allowed }

    /// Reads the log to its end.
    /// - Parameters:
    ///   - until: stops after this version was published; nil reads all.
    ///   - observe: sees each step.
    /// - Throws: `LogError` for a damaged log, `ReplayError` for one that is not of a run.
    public init(path: String, until: Version? = nil, observe: (Step) throws -> Void = { _ in }) throws {
        try self.init(RunLogReader(path: path), until: until, observe: observe)
    }

    /// - Parameter passed: sees the replay behind each record.
    package init(
        _ reader: consuming RunLogReader, until: Version? = nil, otherAlgorithms: OtherAlgorithms = .refused,
        observe: (Step) throws -> Void = { _ in }, passed: (Replay) throws -> Void = { _ in }
    ) throws {
        self.otherAlgorithms = otherAlgorithms
        let path = reader.path
        try run(&reader, until: until, observe: observe, passed: passed)
        guard header != nil else { throw ReplayError("\(path): the log has no record of its run") }
    }

    /// Continues behind a snapshot.
    /// - Parameters:
    ///   - header: the log's first record.
    ///   - reader: stands behind the snapshot's position.
    /// - Throws: as above, and why the snapshot does not give an aggregator.
    init(
        from snapshot: RunSnapshot, _ header: RunHeader, _ reader: consuming RunLogReader,
        observe: (Step) throws -> Void
    ) throws {
        otherAlgorithms = .allowed
        let path = reader.path
        try begin(header) { ReplayError("\(path): \($0)") }
        try resume(from: snapshot, header)
        try run(&reader, until: nil, observe: observe, passed: { _ in })
    }

    private mutating func resume(from snapshot: RunSnapshot, _ header: RunHeader) throws {
        guard snapshot.run == RunSnapshot.digest(of: header) else {
            throw UnusableSnapshot("it was made of another run")
        }
        changes = snapshot.changes
        for change in changes { configuration = try configuration!.changing(change.key, to: change.value) }
        aggregator = try snapshot.restore(configuration!, header, initial: header.initial!.state)
        records = Int(snapshot.chain.records)
        skippedRecords = records
        lastTime = snapshot.time
        epoch = snapshot.epoch
        chain = snapshot.chain
    }

    private mutating func run(
        _ reader: inout RunLogReader, until: Version?, observe: (Step) throws -> Void,
        passed: (Replay) throws -> Void
    ) throws {
        let path = reader.path
        while let entry = try reader.next() {
            try take(entry, observe: observe)
            records = entry.number + 1
            lastTime = entry.time
            chain = reader.chain
            try passed(self)
            if let until, let beginning, until <= beginning.version {
                throw ReplayError(
                    "\(path): expected a version above \(beginning.version), found \(until): the log \(beginning.words)"
                )
            }
            if let until, let published, published >= until, awaited.isEmpty { return }
        }
        droppedBytes = reader.droppedBytes
    }

    private mutating func take(_ entry: RunLogEntry, observe: (Step) throws -> Void) throws {
        func problem(_ words: String) -> ReplayError {
            ReplayError("\(entry.file): record \(entry.number) at byte \(entry.offset): \(words)")
        }
        if case .header(let header) = entry.record {
            guard self.header == nil else { throw problem("a second header") }
            try begin(header, problem)
            return try observe(.began(configuration!, initial: header.initial!.state))
        }
        if case .segment(let segment) = entry.record {
            guard header == nil else { return try observe(.segment(segment)) }
            return try begin(with: segment, problem, observe)
        }
        guard aggregator != nil else { throw problem("expected the run's header first") }
        switch entry.record {
        case .header, .segment: break
        case .epoch(let start):
            guard start.epoch == epoch + 1 else {
                throw problem("expected start \(epoch + 1) of the aggregator, found start \(start.epoch)")
            }
            try take(start, problem)
            try observe(.started(start))
            try apply(.started, entry, observe)
        case .received(let message): try apply(.received(message), entry, observe)
        case .tick(let tick): try apply(tick.event, entry, observe)
        case .aggregated(let flush): try apply(.aggregated(flush.version), entry, observe)
        case .drain(let request): try apply(.drainRequested(within: request.patience), entry, observe)
        case .setting(let change):
            do {
                configuration = try configuration!.changing(change.key, to: change.value)
            } catch {
                throw problem("\(error)")
            }
            changes.append(change)
            try apply(.reconfigured(configuration!.federation(for: header!)), entry, observe)
        case .publication(let publication):
            guard let made = awaited.first, made.version == publication.version else {
                throw problem("version \(publication.version) was published, but the replay publishes none here")
            }
            awaited.removeFirst()
            published = publication.version
            let checked = CheckedPublication(
                version: publication.version, recorded: Digest(bytes: publication.digest),
                replayed: Digest(of: AggregatorCodec.globalPromptsPayload(made)), pool: publication.pool)
            if !checked.isEqual, difference == nil {
                difference = Difference(publication: checked, logged: program ?? header!.program)
            }
            try observe(.checked(checked))
        case .validation(let validation): try observe(.validated(validation, at: entry.time))
        // The reader has compared it with the records before it.
        case .checkpoint(let checkpoint): try observe(.checkpoint(checkpoint))
        }
    }

    /// Starts in the middle of the run.
    private mutating func begin(
        with segment: SegmentStarted, _ problem: (String) -> ReplayError, _ observe: (Step) throws -> Void
    ) throws {
        try begin(segment.header, problem)
        try check(segment.start.program, problem)
        program = segment.start.program
        let snapshot: RunSnapshot
        do {
            snapshot = try RunSnapshot(segment.snapshot)
            try resume(from: snapshot, segment.header)
        } catch {
            throw problem("the state that segment \(segment.number) begins with cannot be used: \(error)")
        }
        let beginning = Beginning(segment: segment.number, record: records, version: snapshot.version)
        self.beginning = beginning
        try observe(.began(configuration!, initial: aggregator!.current.state))
        try observe(.resumed(beginning, snapshot.history, states: aggregator!.keptStates))
    }

    private mutating func take(_ start: EpochStarted, _ problem: (String) -> ReplayError) throws {
        try check(start.program, problem)
        epoch = start.epoch
        program = start.program
        if let fork = start.fork, let difference, fork.version <= difference.publication.version {
            self.difference = nil
        }
    }

    private func check(_ program: Program, _ problem: (String) -> ReplayError) throws {
        guard otherAlgorithms == .allowed || program.algorithm == AggregationAlgorithm.version else {
            throw problem(
                "expected a log of algorithm \(AggregationAlgorithm.version), which this program has, found one that"
                    + " \(program.words) wrote: that program replays it")
        }
    }

    private mutating func begin(_ header: RunHeader, _ problem: (String) -> ReplayError) throws {
        guard let initial = header.initial else { throw problem("the header lacks the initial state") }
        try check(header.program, problem)
        do {
            let configuration = try RunConfiguration(of: header)
            self.header = header
            self.configuration = configuration
            aggregator = try Aggregator(
                configuration: configuration.federation(for: header), run: header.run,
                strategy: try configuration.makeStrategy(initial: initial.state))
        } catch {
            throw problem("\(error)")
        }
    }

    private mutating func apply(
        _ kind: AggregatorEvent.Kind, _ entry: RunLogEntry, _ observe: (Step) throws -> Void
    ) throws {
        let event = AggregatorEvent(time: entry.time, kind: kind)
        try observe(.event(event, bytes: entry.size))
        for effect in aggregator!.handle(event) {
            if case .publishVersion(let prompts) = effect { awaited.append(prompts) }
            if case .judged(let judgement) = effect, case .received(.update(let update)) = kind {
                try observe(.judged(update, judgement.verdict))
            } else {
                try observe(.effect(effect))
            }
        }
    }
}

extension RunConfiguration {
    /// What a run was begun with.
    package init(of header: RunHeader) throws {
        var layers = ConfigurationLayers()
        try layers.add(yaml: header.configurationYAML, name: "the log's configuration")
        try self.init(layers)
    }

    /// What the core of a run was made with: the configuration, and the model that the header names.
    func federation(for header: RunHeader) -> FederationConfiguration {
        var federation = federation
        federation.model = header.model
        return federation
    }
}
