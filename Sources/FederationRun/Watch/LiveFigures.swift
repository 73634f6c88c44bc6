import Federation
import PromptAggregation
import RunLog

/// How a live run stands at one moment, for whoever looks on. Taking it costs the aggregator a copy of its list of clients;
/// what is made of it is made elsewhere.
public struct LiveFigures: Sendable {
    /// Names the run.
    public var heading: String
    /// Counts the starts of the aggregator, from 1.
    public var epoch: UInt64
    public var isRecovered: Bool
    public var time: Timestamp
    /// Since the run began.
    public var seconds: Double
    public var isFinished: Bool
    public var version: Version
    public var counts: Aggregator.Counts
    /// Updates waiting for the next flush.
    public var buffered: Int
    /// Prompts in the pool.
    public var pool: Int
    /// Since this start.
    public var traffic = Traffic()
    public var clients: [ClientState]
    /// The number of classes; 0 where it is not known.
    public var classes = 0
    public var history: RunHistory

    /// What came from clients.
    public struct Traffic: Hashable, Sendable {
        public var messages = 0
        public var bytes = 0
        public var malformed = 0
        /// Messages from somebody who may not speak for the client that they name.
        public var impostures = 0
        /// Updates that were answered and not kept, since they come to nothing whatever else happens.
        public var turnedAway = 0
        /// Messages beyond what their client may say, which were dropped.
        public var excessive = 0

        public init() {}
    }

    package init(
        heading: String, epoch: UInt64, isRecovered: Bool, aggregator: Aggregator, history: RunHistory,
        at time: Timestamp
    ) {
        self.heading = heading
        self.epoch = epoch
        self.isRecovered = isRecovered
        self.time = time
        seconds = history.seconds(at: time)
        isFinished = aggregator.phase == .finished
        version = aggregator.version
        counts = aggregator.counts
        buffered = aggregator.buffered
        pool = aggregator.current.state.promptIDs.count
        clients = aggregator.clientStates
        self.history = history
    }

    package init(setup: AggregatorSetup, engine: LoggedAggregator, history: RunHistory, at time: Timestamp) {
        self.init(
            heading: setup.heading, epoch: setup.origin.epoch, isRecovered: setup.isRecovered,
            aggregator: engine.aggregator, history: history, at: time)
        classes = setup.classes
        traffic.messages = engine.receivedMessages
        traffic.bytes = engine.receivedBytes
        traffic.malformed = engine.malformed
        traffic.impostures = engine.impostures
        traffic.turnedAway = engine.turnedAway
        traffic.excessive = engine.excessive
    }
}
