import PromptAggregation

/// What the aggregator sends to one client or to all.
public enum AggregatorMessage: Hashable, Sendable {
    case welcome(Welcome)
    case task(Task)
    case prompts(Prompts)
    case ack(Ack)
    case reject(Reject)
    case refuse(Refuse)
    case sayHello(SayHello)
    case beacon(Beacon)
    case malformed(Malformed)
    case evaluate(Evaluate)

    /// The answer to a hello. A heartbeat of the session answers it: only then another session of the client that is alive
    /// makes way.
    public struct Welcome: Hashable, Sendable {
        public var client: ClientID
        public var session: UInt64
        /// The present version.
        public var version: Version
        /// The client sends a heartbeat at least this often, in milliseconds.
        public var heartbeatMilliseconds: Int
        /// How the values of updates are to travel.
        public var precision: Precision
        /// Digest of the run's model specification, empty where it has none.
        public var modelDigest: String

        public init(
            client: ClientID, session: UInt64, version: Version, heartbeatMilliseconds: Int,
            precision: Precision = .float32, modelDigest: String = ""
        ) {
            self.client = client
            self.session = session
            self.version = version
            self.heartbeatMilliseconds = heartbeatMilliseconds
            self.precision = precision
            self.modelDigest = modelDigest
        }
    }

    /// Asks a client to train on `version` or a newer one.
    public struct Task: Hashable, Sendable {
        public var client: ClientID
        /// The session that is asked; another leaves it alone.
        public var session: UInt64
        /// Grows over the run, from 1.
        public var number: UInt64
        public var version: Version
        /// Seeds the order of the samples and whatever else is random in the training.
        public var seed: UInt64
        public var plan: TrainingPlan

        public init(
            client: ClientID, session: UInt64, number: UInt64, version: Version, seed: UInt64, plan: TrainingPlan
        ) {
            self.client = client
            self.session = session
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

    /// A published state as it travels: without the tensors that its receiver may hold already.
    public struct Prompts: Hashable, Sendable {
        /// A tensor that is left out, because it is the same since a version.
        public struct Unchanged: Hashable, Sendable {
            public var name: String
            public var since: Version
            public init(name: String, since: Version) {
                self.name = name
                self.since = since
            }
        }
        public var version: Version
        /// What changed; holds at least `prompts`.
        public var changed: PromptState
        /// The other tensors, ascending by name.
        public var unchanged: [Unchanged]
        /// How the values travel; they are rounded to it already.
        public var precision: Precision

        public init(
            version: Version, changed: PromptState, unchanged: [Unchanged] = [], precision: Precision = .float32
        ) {
            self.version = version
            self.changed = changed
            self.unchanged = unchanged
            self.precision = precision
        }
    }

    /// Asks clients that hold samples out to evaluate this version, or a newer one where they do not hold this. One that
    /// has done so sends its answer again.
    public struct Evaluate: Hashable, Sendable {
        public var version: Version
        public init(version: Version) { self.version = version }
    }

    /// An update is safe: it counts, or came too late for its synchronous round. The client need not keep it.
    public struct Ack: Hashable, Sendable {
        public var client: ClientID
        public var task: UInt64

        public init(client: ClientID, task: UInt64) {
            self.client = client
            self.task = task
        }
    }

    /// An update does not count, and why. The client drops it, but for one of another run, which that run may still take.
    public struct Reject: Hashable, Sendable {
        /// Why an update does not count.
        public enum Code: Hashable, Sendable, CaseIterable {
            /// Shapes, names or values do not fit.
            case invalid
            /// The base version is older than the aggregator keeps.
            case tooStale
            /// The base version was never published.
            case unknownVersion
            /// No such task was given to this client.
            case unknownTask
            /// The task belongs to another run.
            case otherRun
            /// The run has ended.
            case finished
            /// Too many of the client's updates in a row were invalid.
            case quarantined
        }
        public var client: ClientID
        /// The run that the update names.
        public var run: UInt64
        public var task: UInt64
        public var code: Code
        /// One sentence for a person: what was expected, what came.
        public var reason: String

        public init(client: ClientID, run: UInt64, task: UInt64, code: Code, reason: String) {
            self.client = client
            self.run = run
            self.task = task
            self.code = code
            self.reason = reason
        }
    }

    /// A session takes no further part, and why. It ends.
    public struct Refuse: Hashable, Sendable {
        /// Why a session takes no further part.
        public enum Code: Hashable, Sendable, CaseIterable {
            /// The client tunes another model.
            case modelMismatch
            /// The run has as many clients as it may have.
            case full
            /// Too many of the client's updates in a row were invalid.
            case quarantined
            /// A newer session of the same client has taken over.
            case fenced
        }
        public var client: ClientID
        public var session: UInt64
        public var code: Code
        /// One sentence for a person.
        public var reason: String

        public init(client: ClientID, session: UInt64, code: Code, reason: String) {
            self.client = client
            self.session = session
            self.code = code
            self.reason = reason
        }
    }

    /// The session is not known: it is to say hello.
    public struct SayHello: Hashable, Sendable {
        public var client: ClientID
        public var session: UInt64

        public init(client: ClientID, session: UInt64) {
            self.client = client
            self.session = session
        }
    }

    /// A message in the client's name was not understood. Said by the shell, where it is certain who sent it.
    public struct Malformed: Hashable, Sendable {
        public var client: ClientID
        /// Which field, what was expected, what came.
        public var reason: String

        public init(client: ClientID, reason: String) {
            self.client = client
            self.reason = reason
        }
    }

    /// The aggregator's sign of life, to all, with what an observer wants to know.
    public struct Beacon: Hashable, Sendable {
        /// Whether the run continues.
        public enum Phase: Hashable, Sendable, CaseIterable { case running, finished }
        public var phase: Phase
        public var version: Version
        /// Updates accepted since the start of the run.
        public var updates: Int
        /// Of these, the ones that were used with staleness above 0.
        public var lateUpdates: Int
        /// Clients heard from within the lease.
        public var clientsAlive: Int
        /// Clients that are asked to train and have not answered.
        public var inFlight: Int
        /// Updates waiting for the next flush.
        public var buffered: Int
        /// Prompts in the pool.
        public var pool: Int
        /// Figures of the last flush and the last evaluation, ascending by name.
        public var metrics: [Metric]
        /// What clients that hold samples out are asked to evaluate, should the order have been lost; nil for nothing.
        public var evaluate: Evaluate?

        public init(
            phase: Phase, version: Version, updates: Int, lateUpdates: Int, clientsAlive: Int, inFlight: Int,
            buffered: Int, pool: Int, metrics: [Metric], evaluate: Evaluate? = nil
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
            self.evaluate = evaluate
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
public let protocolVersion = 2
