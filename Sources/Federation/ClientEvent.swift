import PromptAggregation

/// What happened to a client, and when.
public struct ClientEvent: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case started
        /// A message and the incarnation of the aggregator that sent it.
        case received(AggregatorMessage, incarnation: UInt64)
        case timerFired(ClientTimer)
        case trainingFinished(TrainingResult)
        case trainingFailed(task: UInt64)
        /// A `store` was carried out.
        case stored(UpdateID)
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

public enum ClientTimer: Hashable, Sendable {
    /// Says hello again while there was no welcome.
    case hello
    case heartbeat
    /// Sends again what was not acknowledged.
    case resend
    /// Ends the client, whatever is still under way.
    case grace
}

/// What a client wants done, in order.
public enum ClientEffect: Hashable, Sendable {
    case send(ClientMessage)
    case train(TrainingOrder)
    /// The training under way is no longer wanted.
    case abandonTraining
    /// Keeps an update over a crash of the client; `ClientEvent.Kind.stored` tells when that is done.
    case store(ClientMessage.Update)
    /// The update need not be kept any longer.
    case discard(UpdateID, Settlement)
    /// Fires once after that time, replacing the same timer if it is set.
    case setTimer(ClientTimer, after: Duration)
    /// For observers: an update will not count, and why.
    case updateRejected(AggregatorMessage.Reject)
    /// The client's part has ended.
    case finish(ClientEnd)
}

/// Why an update is sent no more.
public enum Settlement: Hashable, Sendable {
    case acknowledged
    case rejected
    case runFinished
}

public enum ClientEnd: Hashable, Sendable {
    case runFinished
    case stopped
    /// It may train no more, and why; all that it made is settled.
    case retired(String)
    /// The aggregator does not take this client, and why.
    case refused(String)
}

/// What to train: a task and the state to start from.
public struct TrainingOrder: Hashable, Sendable {
    public var task: AggregatorMessage.Task
    public var base: AggregatorMessage.GlobalPrompts
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
