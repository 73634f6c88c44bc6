import Federation
import PromptAggregation

/// The log's first record: all that a replay needs to start from.
public struct RunHeader: Hashable, Sendable {
    /// The version of the log's records that this build writes; another is refused.
    public static let logFormat = 1

    /// The whole configuration of the run.
    public var configurationYAML: String
    public var seed: UInt64
    /// The version of the program that wrote the log.
    public var build: String
    /// The aggregator's first incarnation.
    public var incarnation: UInt64
    /// The state that the run starts from, nil when the configuration alone gives it.
    public var initial: AggregatorMessage.GlobalPrompts?

    public init(
        configurationYAML: String, seed: UInt64, build: String, incarnation: UInt64,
        initial: AggregatorMessage.GlobalPrompts? = nil
    ) {
        self.configurationYAML = configurationYAML
        self.seed = seed
        self.build = build
        self.incarnation = incarnation
        self.initial = initial
    }
}

/// The aggregator was started on this log: once after the header, and once after each recovery.
public struct IncarnationStarted: Hashable, Sendable {
    public var incarnation: UInt64
    /// The version of the program that goes on with the log.
    public var build: String

    public init(incarnation: UInt64, build: String) {
        self.incarnation = incarnation
        self.build = build
    }
}

/// A timer of the aggregator fired.
public struct TimerFired: Hashable, Sendable {
    public var timer: AggregatorTimer
    public init(_ timer: AggregatorTimer) { self.timer = timer }
}

/// Somebody asked the aggregator to come to rest.
public struct DrainRequested: Hashable, Sendable {
    /// How long to wait for tasks in flight.
    public var patienceMilliseconds: Int
    public init(patienceMilliseconds: Int) { self.patienceMilliseconds = patienceMilliseconds }

    public var patience: Duration { .milliseconds(patienceMilliseconds) }
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
    case incarnation(IncarnationStarted)
    /// A client's message. The log holds the bytes as they came.
    case received(ClientMessage)
    case timer(TimerFired)
    case drain(DrainRequested)
    case publication(Publication)
}

/// The channels of the aggregator's log.
public enum LogChannel: String, Hashable, Sendable, CaseIterable {
    case header = "/header"
    case incarnation = "/incarnation"
    case received = "/received"
    case timer = "/timer"
    case drain = "/drain"
    case publication = "/publication"

    /// The full name of the protobuf message that the channel's records hold, found in `LogCodec.schema`.
    public var schemaName: String {
        switch self {
        case .header: "impromptu.v1.RunHeader"
        case .incarnation: "impromptu.v1.IncarnationStarted"
        case .received: "impromptu.v1.ClientEnvelope"
        case .timer: "impromptu.v1.TimerFired"
        case .drain: "impromptu.v1.DrainRequested"
        case .publication: "impromptu.v1.Publication"
        }
    }
}
