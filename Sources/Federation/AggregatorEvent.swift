import PromptAggregation

/// What happened to the aggregator, and when.
public struct AggregatorEvent: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// The process runs: at the start of the run and after each recovery.
        case started
        case received(ClientMessage)
        case timerFired(AggregatorTimer)
        /// Somebody asks it to come to rest: no new tasks, and an end once those in flight are answered or the time is up.
        case drainRequested(within: Duration)
    }
    public var time: Timestamp
    public var kind: Kind

    public init(time: Timestamp, kind: Kind) {
        self.time = time
        self.kind = kind
    }
}

/// The aggregator's timers. Each that ends something names the version that it guards, so that one that fires late
/// cannot end the next.
public enum AggregatorTimer: Hashable, Sendable {
    case beacon
    /// Looks for clients whose lease has run out.
    case leaseSweep
    /// Ends the wait for a full buffer.
    case flushDeadline(Version)
    /// Ends a synchronous round.
    case roundDeadline(Version)
    /// Ends the run.
    case runDeadline
    /// Ends the wait for tasks in flight before a rest.
    case drainDeadline
}

/// What the aggregator wants done. Effects are carried out in order, after the event's record is safe in the log.
public enum AggregatorEffect: Hashable, Sendable {
    case publish(Topic, AggregatorMessage)
    /// A new version: recorded with its digest, then published to all.
    case publishVersion(AggregatorMessage.GlobalPrompts)
    /// Fires once after that time, replacing the same timer if it is set.
    case setTimer(AggregatorTimer, after: Duration)
    /// For observers: a flush and what it was made of.
    case flushed(Flush)
    /// For observers: a client came, was lost, or left.
    case presenceChanged(ClientID, Presence)
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

/// One flush: which updates made which version, and with what weight.
public struct Flush: Hashable, Sendable {
    public struct Part: Hashable, Sendable {
        public var client: ClientID
        public var session: UInt64
        public var sequence: UInt64
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
