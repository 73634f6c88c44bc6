import PromptAggregation

/// What a client tells the aggregator.
public enum ClientMessage: Hashable, Sendable {
    case hello(Hello)
    case update(Update)
    case heartbeat(Heartbeat)
    case goodbye(Goodbye)

    /// A client presents itself, at its start and whenever it meets an aggregator that does not know it.
    public struct Hello: Hashable, Sendable {
        public var client: ClientID
        /// Random, new at each start of the client.
        public var session: UInt64
        /// The newest version that the client holds, −1 for none.
        public var lastVersion: Version
        /// Training samples of the client.
        public var sampleCount: Int
        /// Identifies the frozen encoder (its weights file), so that no two models are mixed. Empty skips the check.
        public var encoderDigest: String

        public init(
            client: ClientID, session: UInt64, lastVersion: Version, sampleCount: Int, encoderDigest: String
        ) {
            self.client = client
            self.session = session
            self.lastVersion = lastVersion
            self.sampleCount = sampleCount
            self.encoderDigest = encoderDigest
        }
    }

    /// The result of a task.
    public struct Update: Hashable, Sendable {
        public var client: ClientID
        public var session: UInt64
        /// From 1, without gaps within a session.
        public var sequence: UInt64
        /// The task that it answers.
        public var task: UInt64
        /// The version that the client started from.
        public var baseVersion: Version
        public var sampleCount: Int
        /// Values after tuning; `prompts` holds only touched rows.
        public var parameters: Parameters
        /// The pool's prompt from which each row of `prompts` started.
        public var promptIDs: [PromptID]
        /// Figures for observers (for example `loss`), ascending by name; they never enter the aggregation.
        public var metrics: [Metric]

        public init(
            client: ClientID, session: UInt64, sequence: UInt64, task: UInt64, baseVersion: Version, sampleCount: Int,
            parameters: Parameters, promptIDs: [PromptID], metrics: [Metric]
        ) {
            self.client = client
            self.session = session
            self.sequence = sequence
            self.task = task
            self.baseVersion = baseVersion
            self.sampleCount = sampleCount
            self.parameters = parameters
            self.promptIDs = promptIDs
            self.metrics = metrics
        }
    }

    /// A sign of life, also while the client trains.
    public struct Heartbeat: Hashable, Sendable {
        public enum Activity: Hashable, Sendable, CaseIterable {
            /// Has no task.
            case idle
            /// Has a task but not yet the prompts that it names.
            case waiting
            case training
        }
        public var client: ClientID
        public var session: UInt64
        public var activity: Activity
        /// The newest version that the client holds, −1 for none.
        public var lastVersion: Version
        /// The last task that the client received, 0 for none.
        public var task: UInt64
        /// Updates sent and not yet acknowledged.
        public var outstanding: Int

        public init(
            client: ClientID, session: UInt64, activity: Activity, lastVersion: Version, task: UInt64, outstanding: Int
        ) {
            self.client = client
            self.session = session
            self.activity = activity
            self.lastVersion = lastVersion
            self.task = task
            self.outstanding = outstanding
        }
    }

    /// The client leaves; it may come back with a new hello.
    public struct Goodbye: Hashable, Sendable {
        public var client: ClientID
        public var session: UInt64
        public init(client: ClientID, session: UInt64) {
            self.client = client
            self.session = session
        }
    }
}

/// What the aggregator tells one client or all.
public enum AggregatorMessage: Hashable, Sendable {
    case welcome(Welcome)
    case task(Task)
    case globalPrompts(GlobalPrompts)
    case ack(Ack)
    case reject(Reject)
    case beacon(Beacon)

    /// The answer to a hello.
    public struct Welcome: Hashable, Sendable {
        public var client: ClientID
        public var session: UInt64
        public var version: Version
        public var acknowledged: Ack
        /// The client sends a heartbeat at least this often, in milliseconds.
        public var heartbeatMilliseconds: Int

        public init(
            client: ClientID, session: UInt64, version: Version, acknowledged: Ack, heartbeatMilliseconds: Int
        ) {
            self.client = client
            self.session = session
            self.version = version
            self.acknowledged = acknowledged
            self.heartbeatMilliseconds = heartbeatMilliseconds
        }
    }

    /// Asks a client to train on `version` or a newer one.
    public struct Task: Hashable, Sendable {
        public var client: ClientID
        /// Grows over the run, from 1.
        public var number: UInt64
        public var version: Version
        /// Seeds the order of the samples and whatever else is random in the training.
        public var seed: UInt64
        public var plan: TrainingPlan

        public init(client: ClientID, number: UInt64, version: Version, seed: UInt64, plan: TrainingPlan) {
            self.client = client
            self.number = number
            self.version = version
            self.seed = seed
            self.plan = plan
        }
    }

    /// A published state, whole.
    public struct GlobalPrompts: Hashable, Sendable {
        public var version: Version
        public var state: PromptState
        public init(version: Version, state: PromptState) {
            self.version = version
            self.state = state
        }
    }

    /// Which updates of a session the aggregator holds safely.
    public struct Ack: Hashable, Sendable {
        public var client: ClientID
        public var session: UInt64
        /// All updates up to this sequence, 0 for none.
        public var contiguous: UInt64
        /// Further ones, ascending.
        public var ahead: [UInt64]

        public init(client: ClientID, session: UInt64, contiguous: UInt64, ahead: [UInt64]) {
            self.client = client
            self.session = session
            self.contiguous = contiguous
            self.ahead = ahead
        }
    }

    /// An update or a hello that does not count, and why.
    public struct Reject: Hashable, Sendable {
        public enum Code: Hashable, Sendable, CaseIterable {
            /// Shapes, names or values do not fit.
            case invalid
            /// The base version is older than the aggregator keeps.
            case tooStale
            /// The base version was never published.
            case unknownVersion
            /// The client tunes another encoder.
            case encoderMismatch
            /// The run has ended.
            case finished
            /// Too many of the client's updates in a row were invalid.
            case quarantined
        }
        public var client: ClientID
        public var session: UInt64
        /// The update's sequence, 0 for a hello.
        public var sequence: UInt64
        public var code: Code
        /// One sentence for a person: what was expected, what came.
        public var reason: String
        /// Whether sending the same again later may succeed.
        public var retryable: Bool

        public init(
            client: ClientID, session: UInt64, sequence: UInt64, code: Code, reason: String, retryable: Bool
        ) {
            self.client = client
            self.session = session
            self.sequence = sequence
            self.code = code
            self.reason = reason
            self.retryable = retryable
        }
    }

    /// The aggregator's sign of life, to all, with what an observer wants to know.
    public struct Beacon: Hashable, Sendable {
        public enum Phase: Hashable, Sendable, CaseIterable { case running, finished }
        public var phase: Phase
        public var version: Version
        /// Updates accepted since the start of the run.
        public var updates: Int
        /// Of these, the ones that were used with staleness above 0.
        public var lateUpdates: Int
        /// Clients heard from within the lease.
        public var clientsAlive: Int
        /// Tasks given out and not yet answered.
        public var inFlight: Int
        /// Updates waiting for the next flush.
        public var buffered: Int
        /// Prompts in the pool.
        public var pool: Int
        /// Figures of the last flush and the last evaluation, ascending by name.
        public var metrics: [Metric]

        public init(
            phase: Phase, version: Version, updates: Int, lateUpdates: Int, clientsAlive: Int, inFlight: Int,
            buffered: Int, pool: Int, metrics: [Metric]
        ) {
            self.phase = phase
            self.version = version
            self.updates = updates
            self.lateUpdates = lateUpdates
            self.clientsAlive = clientsAlive
            self.inFlight = inFlight
            self.buffered = buffered
            self.pool = pool
            self.metrics = metrics
        }
    }
}

/// A named figure for observers.
public struct Metric: Hashable, Sendable {
    public var name: String
    public var value: Double
    public init(name: String, value: Double) {
        self.name = name
        self.value = value
    }
}

/// Where the aggregator publishes a message.
public enum Topic: Hashable, Sendable {
    /// To all: states and beacons.
    case all
    /// To one client.
    case client(ClientID)
}

/// The version of the protocol that this build speaks; another is refused.
public let protocolVersion = 1

extension ClientMessage {
    /// Who sent it.
    public var client: ClientID {
        switch self {
        case .hello(let hello): hello.client
        case .update(let update): update.client
        case .heartbeat(let heartbeat): heartbeat.client
        case .goodbye(let goodbye): goodbye.client
        }
    }
}
