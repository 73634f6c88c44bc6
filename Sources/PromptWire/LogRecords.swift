import Federation
import PromptAggregation

/// The log's first record: all that a replay needs to start from.
public struct RunHeader: Hashable, Sendable {
    /// The version of the log's records that this build writes; another is refused.
    public static let logFormat = 4

    /// The whole configuration of the run.
    public var configurationYAML: String
    public var seed: UInt64
    /// The program that started the log.
    public var program: Program
    /// The run's number, unique among all runs.
    public var run: UInt64
    /// The state that the run starts from, nil when the configuration alone gives it.
    public var initial: AggregatorMessage.GlobalPrompts?
    /// What the run's clients must have in common; one without fields where nothing is asked.
    public var model: ModelSpecification
    /// The version of an earlier run that the state comes from, nil for a run that begins from nothing.
    public var warmStart: WarmStart?

    public init(
        configurationYAML: String, seed: UInt64, program: Program, run: UInt64,
        initial: AggregatorMessage.GlobalPrompts? = nil, model: ModelSpecification = ModelSpecification(),
        warmStart: WarmStart? = nil
    ) {
        self.configurationYAML = configurationYAML
        self.seed = seed
        self.program = program
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
    /// What continues the log.
    public var program: Program
    /// The Ed25519 key that signs the checkpoints from here on, 32 bytes; empty where they are not signed.
    public var signingKey: [UInt8]
    /// Set where the run continues although what it continues from is not what was logged.
    public var fork: AcceptedFork?

    public init(epoch: UInt64, program: Program, signingKey: [UInt8] = [], fork: AcceptedFork? = nil) {
        self.epoch = epoch
        self.program = program
        self.signingKey = signingKey
        self.fork = fork
    }
}

/// What made a log's versions.
public struct Program: Hashable, Sendable {
    /// The version of the program, and after a plus the beginning of the SHA-256 of its executable file.
    public var build: String
    /// Which instructions the aggregation uses, as `AggregationKernels` names them.
    public var kernels: String
    /// `AggregationAlgorithm.version`: the same gives the same bits.
    public var algorithm: UInt64

    public init(build: String, kernels: String, algorithm: UInt64) {
        self.build = build
        self.kernels = kernels
        self.algorithm = algorithm
    }
}

/// Somebody accepted that versions come out of the records before with other bits than were logged.
public struct AcceptedFork: Hashable, Sendable {
    /// The first such version.
    public var version: Version
    /// Its digest as it was logged, 16 to 64 bytes.
    public var logged: [UInt8]
    /// Its digest as it comes out now, 16 to 64 bytes.
    public var replayed: [UInt8]

    public init(version: Version, logged: [UInt8], replayed: [UInt8]) {
        self.version = version
        self.logged = logged
        self.replayed = replayed
    }
}

/// Time has passed. Clients may have said that they are alive, and nothing else happened.
public struct Tick: Hashable, Sendable {
    /// The clients whose heartbeats brought about nothing but another lease, counted from 0 in the order in which the run
    /// admitted them; ascending, with a gap between any two ranges.
    public var heard: [Range<Int>]
    /// The most ranges of a record.
    public static let mostRanges = 65_536

    public init(heard: [Range<Int>] = []) { self.heard = heard }
}

/// The aggregation of a flush, which was done beside the aggregator's other work, came to its end.
public struct FlushAggregated: Hashable, Sendable {
    /// The version that it makes, of the updates that were waiting when the flush began.
    public var version: Version
    public init(version: Version) { self.version = version }
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

/// A version was evaluated on the validation images.
public struct Validation: Hashable, Sendable {
    public var version: Version
    public var accuracy: Double
    public var balancedAccuracy: Double
    /// The mean cross-entropy.
    public var loss: Double
    /// Each image classified among the classes of its own source.
    public var maskedAccuracy: Double

    public init(
        version: Version, accuracy: Double, balancedAccuracy: Double, loss: Double, maskedAccuracy: Double
    ) {
        self.version = version
        self.accuracy = accuracy
        self.balancedAccuracy = balancedAccuracy
        self.loss = loss
        self.maskedAccuracy = maskedAccuracy
    }
}

/// What the log holds up to here.
public struct Checkpoint: Hashable, Sendable {
    /// The records before this one.
    public var records: UInt64
    /// The chain over these records, 32 bytes.
    public var chain: [UInt8]
    /// The aggregator's Ed25519 signature, 64 bytes; empty where it has no key.
    public var signature: [UInt8]
    public var end: End

    /// What follows a checkpoint.
    public enum End: UInt8, Hashable, Sendable {
        case none
        /// The log was closed in order behind it.
        case closing
        /// Its segment was closed behind it, and the log continues in the next one.
        case continued
    }

    public init(records: UInt64, chain: [UInt8], signature: [UInt8] = [], end: End = .none) {
        self.records = records
        self.chain = chain
        self.signature = signature
        self.end = end
    }
}

/// The first record of each segment of the log but the first: all that a replay needs to start from there.
public struct SegmentStarted: Hashable, Sendable {
    /// Counts the log's segments from 1, so it is at least 2.
    public var number: Int
    /// The records of the segments before.
    public var records: UInt64
    /// The chain over these records, 32 bytes.
    public var chain: [UInt8]
    /// Bytes of the segments before, as they were first written.
    public var bytes: UInt64
    /// The log's first record.
    public var header: RunHeader
    /// The newest start of the aggregator.
    public var start: EpochStarted
    /// The aggregator's state and the run's figures, in the form of the program that wrote it.
    public var snapshot: [UInt8]

    public init(
        number: Int, records: UInt64, chain: [UInt8], bytes: UInt64, header: RunHeader, start: EpochStarted,
        snapshot: [UInt8]
    ) {
        self.number = number
        self.records = records
        self.chain = chain
        self.bytes = bytes
        self.header = header
        self.start = start
        self.snapshot = snapshot
    }
}

/// A record of the aggregator's log, as a reader meets it.
public enum LogRecord: Hashable, Sendable {
    case header(RunHeader)
    case epoch(EpochStarted)
    /// A client's message. The log holds the bytes as they came.
    case received(ClientMessage)
    case tick(Tick)
    case aggregated(FlushAggregated)
    case drain(DrainRequested)
    case setting(SettingChanged)
    case publication(Publication)
    case validation(Validation)
    case checkpoint(Checkpoint)
    case segment(SegmentStarted)
}

/// The channels of the aggregator's log.
public enum LogChannel: String, Hashable, Sendable, CaseIterable {
    case header = "/header"
    case epoch = "/epoch"
    case received = "/received"
    case tick = "/tick"
    case aggregated = "/aggregated"
    case drain = "/drain"
    case setting = "/setting"
    case publication = "/publication"
    case validation = "/validation"
    case checkpoint = "/checkpoint"
    case segment = "/segment"

    /// The full name of the protobuf message that the channel's records hold, found in `LogCodec.schema`.
    public var schemaName: String {
        switch self {
        case .header: "impromptu.v2.RunHeader"
        case .epoch: "impromptu.v2.EpochStarted"
        case .received: "impromptu.v2.ClientEnvelope"
        case .tick: "impromptu.v2.Tick"
        case .aggregated: "impromptu.v2.FlushAggregated"
        case .drain: "impromptu.v2.DrainRequested"
        case .setting: "impromptu.v2.SettingChanged"
        case .publication: "impromptu.v2.Publication"
        case .validation: "impromptu.v2.Validation"
        case .checkpoint: "impromptu.v2.Checkpoint"
        case .segment: "impromptu.v2.SegmentStarted"
        }
    }
}
