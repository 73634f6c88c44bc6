import PromptAggregation

/// The aggregator's whole state and everything it decides.
///
/// A value without clock, socket or log: `handle` takes one event and returns what is to be done. The live service,
/// recovery, replay and simulation drive this same code, so a recorded run replays bit for bit.
///
/// The contract for whoever drives it: events come in the order of the log, with times that never decrease; the
/// effects of an event are carried out in order, and only after the event is safe in the log. Aggregation runs inside
/// `handle`.
///
/// What is to be done next is decided in `advance` from the state alone, after every event, so a lost message, client
/// or timer cannot leave the run waiting for an edge that already passed.
public struct Aggregator: Sendable {
    public enum Phase: Hashable, Sendable {
        case ready, running, finished
        /// Gives out no tasks and waits for those in flight.
        case draining
        /// Has drained; goes on when the process is started again.
        case resting
    }

    public let configuration: FederationConfiguration
    var strategy: any AggregationStrategy
    public internal(set) var version: Version = 0
    public internal(set) var phase: Phase = .ready
    /// The states that updates may start from, ascending by version; the last is the current one.
    var history: [AggregatorMessage.GlobalPrompts]
    var clients = ClientRegistry()
    var buffer: [BufferedUpdate] = []
    var random: SeededRandom
    var nextTask: UInt64 = 1
    /// Whether the current round's deadline has passed.
    var roundDeadlinePassed = false
    /// The last version whose round deadline was set.
    var roundDeadlineSet: Version = -1
    public internal(set) var counts = Counts()
    /// When the run began, and whether enough clients came to give out the first task.
    var startedAt = Timestamp(nanoseconds: 0)
    var clientsGathered = false
    var effects: [AggregatorEffect] = []

    /// Totals since the start of the run.
    public struct Counts: Hashable, Sendable {
        /// Updates that were accepted, used or not.
        public var accepted = 0
        /// Accepted updates that entered a flush with staleness above 0.
        public var usedLate = 0
        /// Accepted updates that a synchronous round came too late for.
        public var discardedLate = 0
        public var duplicates = 0
        public var rejected = 0
        /// Clients whose updates kept being invalid.
        public var quarantined = 0
        public var clientsAlive = 0
        public var inFlight = 0
    }

    /// An accepted update and the state it started from.
    struct BufferedUpdate: Sendable {
        var update: ClientMessage.Update
        var base: PromptState
    }

    /// - Parameter strategy: holds the state that version 0 publishes.
    public init(configuration: FederationConfiguration, strategy: any AggregationStrategy) {
        self.configuration = configuration
        self.strategy = strategy
        self.random = SeededRandom(seed: configuration.seed, stream: 1)
        self.history = [.init(version: 0, state: strategy.state)]
    }

    /// The published state.
    public var current: AggregatorMessage.GlobalPrompts { history[history.count - 1] }
    /// Updates waiting for the next flush.
    public var buffered: Int { buffer.count }

    /// Takes one event in and returns what is to be done, in order.
    public mutating func handle(_ event: AggregatorEvent) -> [AggregatorEffect] {
        effects.removeAll(keepingCapacity: true)
        switch event.kind {
        case .started: start(at: event.time)
        case .received(.hello(let hello)): receive(hello, at: event.time)
        case .received(.update(let update)): receive(update, at: event.time)
        case .received(.heartbeat(let heartbeat)): receive(heartbeat, at: event.time)
        case .received(.goodbye(let goodbye)): receive(goodbye)
        case .timerFired(let timer): fire(timer, at: event.time)
        case .drainRequested(let patience): drain(within: patience)
        }
        advance(at: event.time)
        return effects
    }

    /// Begins the run, or takes it up again after a recovery with all timers anew.
    private mutating func start(at time: Timestamp) {
        if phase == .ready {
            phase = .running
            startedAt = time
        } else {
            if phase != .finished { phase = .running }
            // Whoever was alive gets one whole lease to show itself again.
            for index in clients.indices { clients[index].lastHeard = time }
            if let flushAfter = flushAfter, !buffer.isEmpty {
                effects.append(.setTimer(.flushDeadline(version), after: flushAfter))
            }
            roundDeadlineSet = -1
        }
        if let duration = configuration.stop.duration, phase == .running {
            effects.append(.setTimer(.runDeadline, after: max(.zero, duration - (time - startedAt))))
        }
        effects.append(.publishVersion(current))
        effects.append(.setTimer(.beacon, after: configuration.beacon))
        effects.append(.setTimer(.leaseSweep, after: leaseSweepInterval))
    }

    private var leaseSweepInterval: Duration { configuration.lease / 4 }

    private mutating func fire(_ timer: AggregatorTimer, at time: Timestamp) {
        switch timer {
        case .beacon:
            publishBeacon()
            effects.append(.setTimer(.beacon, after: configuration.beacon))
        case .leaseSweep:
            sweepLeases(at: time)
            effects.append(.setTimer(.leaseSweep, after: leaseSweepInterval))
        case .flushDeadline(let guarded):
            if guarded == version, !buffer.isEmpty, isUnderWay { flush(at: time) }
        case .roundDeadline(let guarded):
            if guarded == version { roundDeadlinePassed = true }
        case .runDeadline: finish(at: time)
        case .drainDeadline: rest(at: time)
        }
    }

    private var isUnderWay: Bool { phase == .running || phase == .draining }

    /// Does whatever the state calls for: flush, end the run, give out tasks.
    private mutating func advance(at time: Timestamp) {
        guard isUnderWay else { return }
        if flushIsDue { flush(at: time) }
        if stopIsReached { return finish(at: time) }
        if phase == .running { dispatch() } else if counts.inFlight == 0 { rest(at: time) }
    }

    private var stopIsReached: Bool {
        let stop = configuration.stop
        return (stop.versions > 0 && version >= stop.versions) || (stop.updates > 0 && counts.accepted >= stop.updates)
    }

    /// Ends the run. What is in the buffer was acknowledged, so it makes a last version.
    private mutating func finish(at time: Timestamp) {
        guard isUnderWay else { return }
        if !buffer.isEmpty { flush(at: time) }
        phase = .finished
        publishBeacon()
        effects.append(.finish)
    }

    /// Stops giving out tasks. What is in flight may still be answered.
    private mutating func drain(within patience: Duration) {
        guard isUnderWay else { return }
        phase = .draining
        effects.append(.setTimer(.drainDeadline, after: patience))
    }

    /// Ends the wait of a drain. What is in the buffer makes a version, so that nothing hangs over.
    private mutating func rest(at time: Timestamp) {
        guard phase == .draining else { return }
        if !buffer.isEmpty { flush(at: time) }
        phase = .resting
        effects.append(.rest)
    }

    mutating func publishBeacon() {
        let beacon = AggregatorMessage.Beacon(
            phase: phase == .finished ? .finished : .running, version: version, updates: counts.accepted,
            lateUpdates: counts.usedLate, clientsAlive: counts.clientsAlive, inFlight: counts.inFlight,
            buffered: buffer.count, pool: current.state.promptIDs.count, metrics: [])
        effects.append(.publish(.all, .beacon(beacon)))
    }
}
