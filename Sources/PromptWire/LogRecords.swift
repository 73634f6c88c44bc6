import Federation
import PromptAggregation

/// The log's first record: all that a replay needs to start from.
public struct RunHeader: Hashable, Sendable {
    /// The version of the log's records that this build writes; another is refused.
    public static let logFormat = 2

    /// The whole configuration of the run.
    public var configurationYAML: String
    public var seed: UInt64
    /// The version of the program that wrote the log.
    public var build: String
    /// The run's number, unique among all runs.
    public var run: UInt64
    /// The state that the run starts from, nil when the configuration alone gives it.
    public var initial: AggregatorMessage.GlobalPrompts?
    /// What the run's clients must have in common; one without fields where nothing is asked.
    public var model: ModelSpecification
    /// The version of an earlier run that the state comes from, nil for a run that begins from nothing.
    public var warmStart: WarmStart?

    public init(
        configurationYAML: String, seed: UInt64, build: String, run: UInt64,
        initial: AggregatorMessage.GlobalPrompts? = nil, model: ModelSpecification = ModelSpecification(),
        warmStart: WarmStart? = nil
    ) {
        self.configurationYAML = configurationYAML
        self.seed = seed
        self.build = build
        self.run = run
        self.initial = initial
        self.model = model
        self.warmStart = warmStart
    }
}

/// A version of an earlier run, which another begins with.
public struct WarmStart: Hashable, Sendable, Encodable {
    /// The name of the earlier run's folder.
    public var run: String
    /// SHA-256 of the first record of its log, in hexadecimal.
    public var runID: String
    public var version: Version
    /// Of the publication, in hexadecimal.
    public var digest: String

    public init(run: String, runID: String, version: Version, digest: String) {
        self.run = run
        self.runID = runID
        self.version = version
        self.digest = digest
    }
}

/// The aggregator was started on this log: once after the header, and once after each recovery.
public struct EpochStarted: Hashable, Sendable {
    /// From 1, without gaps.
    public var epoch: UInt64
    /// The version of the program that continues the log.
    public var build: String

    public init(epoch: UInt64, build: String) {
        self.epoch = epoch
        self.build = build
    }
}

/// Time has passed, and nothing else happened.
public struct Tick: Hashable, Sendable {
    public init() {}
}

/// Somebody asked the aggregator to come to rest.
public struct DrainRequested: Hashable, Sendable {
    /// How long to wait for tasks in flight.
    public var patienceMilliseconds: Int
    public init(patienceMilliseconds: Int) { self.patienceMilliseconds = patienceMilliseconds }

    public var patience: Duration { .milliseconds(patienceMilliseconds) }
}

/// Somebody changed a setting of the run; it is in force from here on.
public struct SettingChanged: Hashable, Sendable {
    /// As the configuration names it, such as `run.updates`.
    public var key: String
    public var value: String

    public init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}

/// A version was published.
public struct Publication: Hashable, Sendable {
    public var version: Version
    /// Hash of `AggregatorCodec.globalPromptsPayload` of what was published, 16 to 64 bytes.
    public var digest: [UInt8]
    /// Prompts in the pool.
    public var pool: Int
    /// Contributions that the flush used, 0 for the initial state.
    public var contributions: Int
    /// Updates accepted since the start of the run.
    public var updates: Int

    public init(version: Version, digest: [UInt8], pool: Int, contributions: Int, updates: Int) {
        self.version = version
        self.digest = digest
        self.pool = pool
        self.contributions = contributions
        self.updates = updates
    }
}

/// A record of the aggregator's log, as a reader meets it.
public enum LogRecord: Hashable, Sendable {
    case header(RunHeader)
    case epoch(EpochStarted)
    /// A client's message. The log holds the bytes as they came.
    case received(ClientMessage)
    case tick(Tick)
    case drain(DrainRequested)
    case setting(SettingChanged)
    case publication(Publication)
}

/// The channels of the aggregator's log.
public enum LogChannel: String, Hashable, Sendable, CaseIterable {
    case header = "/header"
    case epoch = "/epoch"
    case received = "/received"
    case tick = "/tick"
    case drain = "/drain"
    case setting = "/setting"
    case publication = "/publication"

    /// The full name of the protobuf message that the channel's records hold, found in `LogCodec.schema`.
    public var schemaName: String {
        switch self {
        case .header: "impromptu.v2.RunHeader"
        case .epoch: "impromptu.v2.EpochStarted"
        case .received: "impromptu.v2.ClientEnvelope"
        case .tick: "impromptu.v2.Tick"
        case .drain: "impromptu.v2.DrainRequested"
        case .setting: "impromptu.v2.SettingChanged"
        case .publication: "impromptu.v2.Publication"
        }
    }
}
