import PromptAggregation

/// What a client sends to the aggregator.
public enum ClientMessage: Hashable, Sendable {
    case hello(Hello)
    case update(Update)
    case failure(Failure)
    case fetch(Fetch)
    case heartbeat(Heartbeat)
    case presence(Presence)
    case evaluation(Evaluation)
    case goodbye(Goodbye)

    /// A client presents itself, at its start and whenever it meets an aggregator that does not know it.
    public struct Hello: Hashable, Sendable {
        public var client: ClientID
        /// Random, new at each start of the client.
        public var session: UInt64
        /// Training samples of the client; one without is never asked to train.
        public var sampleCount: Int
        /// What the client tunes, so that no two models are mixed.
        public var model: ModelSpecification
        /// Samples that the client holds out; one with some is asked to evaluate versions on them.
        public var heldOutCount: Int

        public init(
            client: ClientID, session: UInt64, sampleCount: Int, model: ModelSpecification = ModelSpecification(),
            heldOutCount: Int = 0
        ) {
            self.heldOutCount = heldOutCount
            self.client = client
            self.session = session
            self.sampleCount = sampleCount
            self.model = model
        }
    }

    /// The result of a task. It counts once, for the task that it names, whichever session sends it and however late.
    public struct Update: Hashable, Sendable {
        public var client: ClientID
        /// The session that made it.
        public var session: UInt64
        /// The run that the task belongs to.
        public var run: UInt64
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
        /// How the values travel; they are rounded to it already.
        public var precision: Precision

        public init(
            client: ClientID, session: UInt64, run: UInt64, task: UInt64, baseVersion: Version, sampleCount: Int,
            parameters: Parameters, promptIDs: [PromptID], metrics: [Metric], precision: Precision = .float32
        ) {
            self.client = client
            self.session = session
            self.run = run
            self.task = task
            self.baseVersion = baseVersion
            self.sampleCount = sampleCount
            self.parameters = parameters
            self.promptIDs = promptIDs
            self.metrics = metrics
            self.precision = precision
        }
    }

    /// A task came to nothing here. Sent again with each heartbeat until another task comes.
    public struct Failure: Hashable, Sendable {
        public var client: ClientID
        public var session: UInt64
        public var task: UInt64
        /// One sentence for a person, at most `TravelLimits.reasonBytes` long.
        public var reason: String

        public init(client: ClientID, session: UInt64, task: UInt64, reason: String) {
            self.client = client
            self.session = session
            self.task = task
            self.reason = reason
        }
    }

    /// Asks for the present state.
    public struct Fetch: Hashable, Sendable {
        public var client: ClientID
        public var session: UInt64
        /// The version that the client holds, −1 for none: what did not change since need not be sent.
        public var holding: Version

        public init(client: ClientID, session: UInt64, holding: Version) {
            self.client = client
            self.session = session
            self.holding = holding
        }
    }

    /// A sign of life, also while the client trains.
    public struct Heartbeat: Hashable, Sendable {
        /// What the client does at the moment.
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
        /// The last task that the session received, 0 for none.
        public var task: UInt64
        /// Updates of this run that are not settled.
        public var outstanding: Int

        public init(client: ClientID, session: UInt64, activity: Activity, task: UInt64, outstanding: Int) {
            self.client = client
            self.session = session
            self.activity = activity
            self.task = task
            self.outstanding = outstanding
        }
    }

    /// The heartbeats of several clients of one worker, so that many clients need not send as many messages.
    public struct Presence: Hashable, Sendable {
        /// At least one.
        public var heartbeats: [Heartbeat]
        public init(heartbeats: [Heartbeat]) { self.heartbeats = heartbeats }
    }

    /// How a version does on what the client holds out. For observers: nothing that is published depends on it.
    public struct Evaluation: Hashable, Sendable {
        public var client: ClientID
        public var session: UInt64
        public var version: Version
        /// The mean cross-entropy.
        public var loss: Double
        /// Samples of each class, in the order of the labels.
        public var total: [Int]
        /// Those of them that are classified right.
        public var correct: [Int]

        public init(
            client: ClientID, session: UInt64, version: Version, loss: Double, total: [Int], correct: [Int]
        ) {
            self.client = client
            self.session = session
            self.version = version
            self.loss = loss
            self.total = total
            self.correct = correct
        }

        /// The share of all samples that is classified right.
        public var accuracy: Double {
            Double(correct.reduce(0, +)) / Double(max(1, total.reduce(0, +)))
        }
    }

    /// The session ends; the client may come back with a new one.
    public struct Goodbye: Hashable, Sendable {
        public var client: ClientID
        public var session: UInt64
        public init(client: ClientID, session: UInt64) {
            self.client = client
            self.session = session
        }
    }
}

extension ClientMessage {
    /// The clients that it speaks for: one, but for a presence.
    public var clients: [ClientID] {
        switch self {
        case .hello(let hello): [hello.client]
        case .update(let update): [update.client]
        case .failure(let failure): [failure.client]
        case .fetch(let fetch): [fetch.client]
        case .heartbeat(let heartbeat): [heartbeat.client]
        case .evaluation(let evaluation): [evaluation.client]
        case .presence(let presence): presence.heartbeats.map(\.client)
        case .goodbye(let goodbye): [goodbye.client]
        }
    }
}

/// Names an update among all of its client's.
public struct UpdateID: Hashable, Sendable {
    public var run: UInt64
    public var task: UInt64

    public init(run: UInt64, task: UInt64) {
        self.run = run
        self.task = task
    }
}

extension ClientMessage.Update {
    public var id: UpdateID { UpdateID(run: run, task: task) }
}
