import PromptAggregation

/// What happened to a client, and when.
public struct ClientEvent: Hashable, Sendable {
    /// What an event is about.
    public enum Kind: Hashable, Sendable {
        case started
        /// A message and who sent it.
        case received(AggregatorMessage, from: Origin)
        /// Nothing but time: `Client.nextDeadline` has come.
        case tick
        case trainingFinished(TrainingResult)
        /// The training of a task came to nothing, and why, in one sentence for a person.
        case trainingFailed(task: UInt64, reason: String)
        /// A `store` was carried out.
        case stored(UpdateID)
        /// An `evaluate` was carried out; nil where it failed.
        case evaluated(ClientMessage.Evaluation?)
        /// The worker is asked to stop, and has that long to finish what is under way.
        case stopRequested(grace: Duration)
        /// The client may train no more, and why. It stays until what it has made is settled.
        case retired(String)
    }
    public var time: Timestamp
    public var kind: Kind

    public init(time: Timestamp, kind: Kind) {
        self.time = time
        self.kind = kind
    }
}

/// Which run a message of an aggregator belongs to, and which start of the aggregator sent it.
public struct Origin: Hashable, Sendable {
    public var run: UInt64
    /// From 1, one more at each start, so that what an earlier one sent is known for old.
    public var epoch: UInt64

    public init(run: UInt64, epoch: UInt64) {
        self.run = run
        self.epoch = epoch
    }
}

/// What a client wants done, in order.
public enum ClientEffect: Hashable, Sendable {
    case send(ClientMessage)
    case train(TrainingOrder)
    /// The training under way is no longer wanted.
    case abandonTraining
    /// Evaluates a state on what the client holds out.
    case evaluate(AggregatorMessage.GlobalPrompts)
    /// Keeps an update over a crash of the client; `ClientEvent.Kind.stored` reports when that is done.
    case store(ClientMessage.Update)
    /// The update need not be kept any longer.
    case discard(UpdateID, Settlement)
    /// For observers: an update will not count, and why.
    case updateRejected(AggregatorMessage.Reject)
    /// For observers: the aggregator did not understand a message of this client, and why.
    case misunderstood(String)
    /// For observers: the run that the client takes part in, and how many updates of other runs it keeps for them.
    case joined(Origin, keptForOtherRuns: Int)
    /// The client's part has ended.
    case finish(ClientEnd)
}

/// Why an update is sent no more.
public enum Settlement: Hashable, Sendable {
    case acknowledged
    case rejected
    case runFinished
}

/// Why a client has ended.
public enum ClientEnd: Hashable, Sendable {
    case runFinished
    case stopped
    /// It may train no more, and why; all that it made is settled.
    case retired(String)
    /// The aggregator does not take this client any longer.
    case refused(AggregatorMessage.Refuse)
}

/// What to train: a task and the state to start from.
public struct TrainingOrder: Hashable, Sendable {
    public var task: AggregatorMessage.Task
    public var base: AggregatorMessage.GlobalPrompts

    package init(task: AggregatorMessage.Task, base: AggregatorMessage.GlobalPrompts) {
        self.task = task
        self.base = base
    }
}

/// What came out of a training order.
public struct TrainingResult: Hashable, Sendable {
    public var task: UInt64
    public var baseVersion: Version
    public var parameters: Parameters
    public var promptIDs: [PromptID]
    public var sampleCount: Int
    public var metrics: [Metric]

    public init(
        task: UInt64, baseVersion: Version, parameters: Parameters, promptIDs: [PromptID], sampleCount: Int,
        metrics: [Metric]
    ) {
        self.task = task
        self.baseVersion = baseVersion
        self.parameters = parameters
        self.promptIDs = promptIDs
        self.sampleCount = sampleCount
        self.metrics = metrics
    }
}
