import PromptAggregation

/// What happened to the aggregator, and when.
public struct AggregatorEvent: Hashable, Sendable {
    /// What an event is about.
    public enum Kind: Hashable, Sendable {
        /// The process runs: at the start of the run and after each recovery.
        case started
        case received(ClientMessage)
        /// Nothing but time: `Aggregator.nextDeadline` has come.
        case tick
        /// A tick, and clients whose heartbeats would have changed nothing but their leases; `Aggregator.signs` says
        /// which these are. They are counted in the order in which they were admitted.
        case heard([Range<Int>])
        /// The flush that makes this version was aggregated beside the core.
        case aggregated(Version)
        /// Somebody asks it to come to rest: no new tasks, and an end once those in flight are answered or the time is up.
        case drainRequested(within: Duration)
        /// From now on the run has this configuration: when it ends, how large a buffer or a cohort is, how long a round
        /// takes and how far a task steps. All else stays as it was.
        case reconfigured(FederationConfiguration)
    }
    public var time: Timestamp
    public var kind: Kind

    public init(time: Timestamp, kind: Kind) {
        self.time = time
        self.kind = kind
    }
}

/// What the aggregator wants done. Effects are carried out in order, after the event's record is safe in the log.
public enum AggregatorEffect: Hashable, Sendable {
    case publish(Topic, AggregatorMessage)
    /// A version, new or the present one at a start: recorded with its digest. What travels of it follows as an effect of
    /// its own.
    case publishVersion(AggregatorMessage.GlobalPrompts)
    /// For observers: what became of the update that was received.
    case judged(Judgement)
    /// For observers: a flush and what it was made of.
    case flushed(Flush)
    /// For observers: a client came, was lost, or left.
    case presenceChanged(ClientID, Presence)
    /// For observers: a task came to nothing at a client, or a client has no samples.
    case failed(FailedTask)
    /// For observers: two processes spoke for a client, and the session of the older one is asked to end.
    case fenced(ClientID, session: UInt64)
    /// For observers: a client says how a version does on what it holds out.
    case evaluated(ClientMessage.Evaluation)
    /// The run has ended; what still arrives is answered with a rejection.
    case finish
    /// The aggregator is at rest: nothing more is to be done before the process is started again.
    case rest
}

/// Whether a client can be asked to train.
public enum Presence: String, Hashable, Sendable {
    case alive
    /// Not heard from for longer than the lease.
    case lost
    /// Said goodbye.
    case departed
    /// Sent too many invalid updates in a row: it gets no tasks and counts no more, for the rest of the run.
    case quarantined
}

/// What became of a received update.
public enum Verdict: Hashable, Sendable {
    case accepted
    /// Accepted, but its synchronous round was over, and the mode discards such.
    case tooLate
    /// It was judged before.
    case duplicate
    case rejected(AggregatorMessage.Reject.Code, reason: String)
}

/// An update and what became of it.
public struct Judgement: Hashable, Sendable {
    public var client: ClientID
    public var run: UInt64
    public var task: UInt64
    public var verdict: Verdict
}

/// A task that came to nothing.
public struct FailedTask: Hashable, Sendable {
    public var client: ClientID
    /// 0 where the client was given none, since it has no samples.
    public var task: UInt64
    public var reason: String
    /// Whether the client will be asked again before it starts again.
    public var isAskedAgain: Bool
}

/// One flush: which updates made which version, and with what weight.
public struct Flush: Hashable, Sendable {
    /// One update of the flush.
    public struct Part: Hashable, Sendable {
        public var client: ClientID
        public var task: UInt64
        public var baseVersion: Version
        public var staleness: Int
        public var stalenessWeight: Double
        public var sampleCount: Int
        public var metrics: [Metric]
    }
    /// The version that the flush made.
    public var version: Version
    public var time: Timestamp
    /// In the order of the strategy's report.
    public var parts: [Part]
    public var report: FlushReport
    /// Prompts in the pool afterwards.
    public var pool: Int
}
