import Federation
import MessageLog
import PromptAggregation
import PromptWire
import RunSettings

/// Re-runs a log through the aggregator's core: for recovery, for replay and for looking into a run.
///
/// The first record gives the configuration and the initial state, so nothing but the log is needed. Each recorded
/// publication is compared with the one that comes out now.
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
        /// The first record, with the configuration and the state that the run's strategy starts from.
        case began(RunConfiguration, initial: PromptState)
        case event(AggregatorEvent, bytes: Int)
        /// What became of an update, after its event and before what came of it.
        case judged(ClientMessage.Update, Verdict)
        case effect(AggregatorEffect)
        case checked(CheckedPublication)
    }

    public private(set) var header: RunHeader?
    public private(set) var configuration: RunConfiguration?
    /// The core after the last record; nil while the header was not read.
    public private(set) var aggregator: Aggregator?
    /// The number of the last record.
    public private(set) var records = 0
    /// Those that a snapshot stands for.
    private(set) var skippedRecords = 0
    public private(set) var droppedBytes: UInt64 = 0
    public private(set) var lastTime = Timestamp(nanoseconds: 0)
    /// Starts of the aggregator so far.
    public private(set) var epoch: UInt64 = 0
    /// The settings that were changed so far, in their order; `configuration` has them.
    package private(set) var changes: [SettingChanged] = []
    /// The newest version whose publication was met in the log.
    private var published: Version?
    /// Published by the core and not yet met in the log.
    private var awaited: [AggregatorMessage.GlobalPrompts] = []

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
        _ reader: consuming RunLogReader, until: Version? = nil, observe: (Step) throws -> Void = { _ in },
        passed: (Replay) throws -> Void = { _ in }
    ) throws {
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
        let path = reader.path
        try begin(header) { ReplayError("\(path): \($0)") }
        changes = snapshot.changes
        for change in changes { configuration = try configuration!.changing(change.key, to: change.value) }
        aggregator = try snapshot.restore(configuration!, header, initial: header.initial!.state)
        records = Int(snapshot.position.messageCount)
        skippedRecords = records
        lastTime = snapshot.time
        epoch = snapshot.epoch
        try run(&reader, until: nil, observe: observe, passed: { _ in })
    }

    private mutating func run(
        _ reader: inout RunLogReader, until: Version?, observe: (Step) throws -> Void,
        passed: (Replay) throws -> Void
    ) throws {
        let path = reader.path
        while let entry = try reader.next() {
            records += 1
            lastTime = entry.time
            try take(entry, path: path, observe: observe)
            try passed(self)
            if let until, let published, published >= until, awaited.isEmpty { return }
        }
        droppedBytes = reader.droppedBytes
    }

    private mutating func take(_ entry: RunLogEntry, path: String, observe: (Step) throws -> Void) throws {
        func problem(_ words: String) -> ReplayError {
            ReplayError("\(path): record \(entry.number) at byte \(entry.offset): \(words)")
        }
        if case .header(let header) = entry.record {
            guard self.header == nil else { throw problem("a second header") }
            try begin(header, problem)
            return try observe(.began(configuration!, initial: header.initial!.state))
        }
        guard aggregator != nil else { throw problem("expected the run's header first") }
        switch entry.record {
        case .header: break
        case .epoch(let start):
            guard start.epoch == epoch + 1 else {
                throw problem("expected start \(epoch + 1) of the aggregator, found start \(start.epoch)")
            }
            epoch = start.epoch
            try apply(.started, entry, observe)
        case .received(let message): try apply(.received(message), entry, observe)
        case .tick: try apply(.tick, entry, observe)
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
            try observe(
                .checked(
                    CheckedPublication(
                        version: publication.version, recorded: Digest(bytes: publication.digest),
                        replayed: Digest(of: AggregatorCodec.globalPromptsPayload(made)), pool: publication.pool)))
        }
    }

    private mutating func begin(_ header: RunHeader, _ problem: (String) -> ReplayError) throws {
        guard let initial = header.initial else { throw problem("the header lacks the initial state") }
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
