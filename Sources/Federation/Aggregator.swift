import PromptAggregation

/// The aggregator's whole state and everything it decides.
///
/// A value without clock, socket or log: `handle` takes one event and returns what is to be done. The live service,
/// recovery, replay and simulation drive this same code, so a recorded run replays bit for bit.
///
/// The contract for whoever drives it:
/// - events come in the order of the log, with times of a steady clock;
/// - the effects of an event are carried out in order, and only after the event is safe in the log;
/// - after every event it arms one timer for `nextDeadline`, in place of the last, and sends `tick` when it fires.
///
/// What is to be done next is decided from the state alone, after every event, so a lost message, client or timer cannot
/// leave the run waiting for an edge that already passed. Aggregation runs inside `handle`, unless the driver does it
/// beside: while `flushUnderWay` is a version, it performs `flushWork` and hands the outcome in with `.aggregated`.
public struct Aggregator: Sendable {
    /// Where a run is in its life.
    public enum Phase: Hashable, Sendable, CaseIterable {
        case ready, running, finished
        /// Gives out no tasks and waits for those in flight.
        case draining
        /// Has drained; continues when the process is started again.
        case resting
    }

    public internal(set) var configuration: FederationConfiguration
    /// The run's number, unique among all runs, so that nothing of one run counts in another.
    public let run: UInt64
    var strategy: any AggregationStrategy
    public internal(set) var version: Version = 0
    public internal(set) var phase: Phase = .ready
    /// The states that updates may start from, ascending by version without gaps; the last is the current one.
    var history: [AggregatorMessage.GlobalPrompts]
    /// The version since which each tensor of the current state is the same, in the order of the tensors.
    var unchangedSince: [Version]
    var clients: ClientRegistry
    var ledger = TaskLedger()
    var buffer: [BufferedUpdate] = []
    /// The updates of the flush that is aggregated beside; empty while none is. Their clients count as in the buffer.
    var cut: [BufferedUpdate] = []
    /// Whether the present event cut them.
    var wasCutNow = false
    var random: SeededRandom
    var totals = Counts()
    var clock = EventClock()
    var waits = Waits()
    /// Whether enough clients came to give out the first task.
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
        /// Updates and sessions that were rejected.
        public var rejected = 0
        /// Clients whose updates kept being invalid.
        public var quarantined = 0
        /// Tasks that came to nothing at their clients.
        public var failed = 0
        /// Sessions that were heard after another had replaced them.
        public var fenced = 0
        public var clientsAlive = 0
        public var inFlight = 0
    }

    /// An accepted update, who sent it and the state it started from.
    struct BufferedUpdate: Sendable {
        var slot: Int
        var update: ClientMessage.Update
        var base: PromptState
    }

    /// - Parameters:
    ///   - run: the run's number, unique among all runs.
    ///   - strategy: holds the state that version 0 publishes.
    /// - Throws: `FederationError` for a configuration or an initial state that no run can start from.
    public init(
        configuration: FederationConfiguration, run: UInt64, strategy: any AggregationStrategy
    ) throws(FederationError) {
        try configuration.check()
        try configuration.check(strategy.state)
        self.configuration = configuration
        self.run = run
        self.strategy = strategy
        random = SeededRandom(seed: configuration.seed, stream: 1)
        clients = ClientRegistry(failuresAllowed: configuration.failuresAllowed, order: configuration.order)
        history = [.init(version: 0, state: configuration.precision.rounded(strategy.state))]
        unchangedSince = strategy.state.parameters.entries.map { _ in 0 }
    }

    /// The published state.
    public var current: AggregatorMessage.GlobalPrompts { history[history.count - 1] }
    var published: PublishedVersion { .init(prompts: current, unchangedSince: unchangedSince) }
    /// The states that updates may start from, ascending by version; the last is the current one.
    public var keptStates: [AggregatorMessage.GlobalPrompts] { history }
    /// Accepted updates that are in no version so far.
    public var buffered: Int { cut.count + buffer.count }

    public var counts: Counts {
        var counts = totals
        counts.clientsAlive = clients.alive
        counts.inFlight = clients.inFlight
        return counts
    }

    /// Takes one event in and returns what is to be done, in order.
    /// - Parameter outcome: of the flush that an `.aggregated` event ends; nil has the core aggregate.
    public mutating func handle(_ event: AggregatorEvent, with outcome: FlushOutcome? = nil) -> [AggregatorEffect] {
        effects = []
        wasCutNow = false
        // What passed while no process ran was listened to by nobody.
        clock.pass(to: event.time, deadline: event.kind == .started ? clock.elapsed : deadline)
        switch event.kind {
        case .started: start()
        case .received(.hello(let hello)): receive(hello)
        case .received(.update(let update)): receive(update)
        case .received(.failure(let failure)): receive(failure)
        case .received(.fetch(let fetch)): receive(fetch)
        case .received(.heartbeat(let heartbeat)): receive(heartbeat)
        case .received(.presence(let presence)): for heartbeat in presence.heartbeats { receive(heartbeat) }
        case .received(.evaluation(let evaluation)): receive(evaluation)
        case .received(.goodbye(let goodbye)): receive(goodbye)
        case .aggregated(let made): endFlush(made, with: outcome, at: event.time)
        case .tick: break
        case .heard(let places): for range in places { hear(from: range) }
        case .drainRequested(let patience): drain(within: patience)
        case .reconfigured(let configuration): reconfigure(configuration)
        }
        meetDeadlines(at: event.time)
        advance(at: event.time)
        defer { effects = [] }
        return effects
    }

    /// Begins the run, or takes it up again after a recovery.
    private mutating func start() {
        if phase == .ready {
            phase = .running
            waits.started = clock.elapsed
        } else {
            if phase != .finished { phase = .running }
            waits.drainEnd = nil
            // Whoever was alive gets one whole lease to show itself again.
            for slot in clients.silence.members { clients.hear(slot, at: clock.listened) }
        }
        waits.nextBeacon = clock.elapsed.saturatingAdd(configuration.beacon.wholeNanoseconds)
        publishCurrent()
    }

    var isUnderWay: Bool { phase == .running || phase == .draining }

    /// Does whatever the state calls for: flush, end the run, give out tasks.
    private mutating func advance(at time: Timestamp) {
        guard isUnderWay else { return }
        if flushIsDue { flush(at: time) }
        if stopIsReached || timeIsUp { return finish(at: time) }
        if phase == .running { dispatch() } else if clients.inFlight == 0 { rest(at: time) }
    }

    private var stopIsReached: Bool {
        let stop = configuration.stop
        return (stop.versions > 0 && version >= stop.versions) || (stop.updates > 0 && totals.accepted >= stop.updates)
    }

    /// Ends the run, or waits for the flush under way to do so. What is in the buffer was acknowledged, so it makes a last
    /// version.
    mutating func finish(at time: Timestamp) {
        guard isUnderWay else { return }
        if !buffer.isEmpty { flush(at: time) }
        guard cut.isEmpty else { return }
        phase = .finished
        // The last version is evaluated whatever its number.
        if configuration.evaluateEvery > 0, !isEvaluated(version) { orderEvaluation() }
        publishBeacon(to: .all)
        effects.append(.finish)
    }

    /// Takes over what may change in mid-run. A finished run whose end is moved on rests until the process is started again.
    private mutating func reconfigure(_ new: FederationConfiguration) {
        configuration.stop = new.stop
        configuration.mode = new.mode
        configuration.plan = new.plan
        configuration.schedule = new.schedule
        guard phase == .finished, !stopIsReached, !timeIsUp else { return }
        phase = .resting
    }

    /// Whether the run has lasted as long as it may.
    private var timeIsUp: Bool {
        guard let duration = configuration.stop.duration else { return false }
        return waits.started.saturatingAdd(duration.wholeNanoseconds) <= clock.elapsed
    }

    /// Stops giving out tasks. What is in flight may still be answered.
    private mutating func drain(within patience: Duration) {
        guard isUnderWay else { return }
        phase = .draining
        waits.drainEnd = clock.elapsed.saturatingAdd(max(0, patience.wholeNanoseconds))
    }

    /// Ends the wait of a drain, once no flush is under way. What is in the buffer makes a version, so that nothing hangs
    /// over.
    mutating func rest(at time: Timestamp) {
        guard phase == .draining else { return }
        if !buffer.isEmpty { flush(at: time) }
        guard cut.isEmpty else { return }
        phase = .resting
        effects.append(.rest)
    }

    mutating func publishBeacon(to topic: Topic) {
        let beacon = AggregatorMessage.Beacon(
            phase: phase == .finished ? .finished : .running, version: version, updates: totals.accepted,
            lateUpdates: totals.usedLate, clientsAlive: clients.alive, inFlight: clients.inFlight,
            buffered: buffered, pool: current.state.promptIDs.count, metrics: [], evaluate: evaluationOrder)
        effects.append(.publish(topic, .beacon(beacon)))
    }
}
