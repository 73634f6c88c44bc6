import PromptAggregation

/// What the aggregator's core gets once, at the start of a run.
public struct FederationConfiguration: Hashable, Sendable {
    /// Seeds the choice of clients and the tasks' own seeds.
    public var seed: UInt64
    public var mode: Mode
    /// The most tasks given out at a time; 0 for no limit.
    public var concurrency: Int
    /// Which of the idle clients is asked next.
    public var order: DispatchOrder
    public var stalenessWeight: StalenessWeight
    /// Updates that started more versions ago are refused; as many states are kept in memory.
    public var maximumStaleness: Int
    /// No task is given out before this many clients have come.
    public var clientsToStart: Int
    /// The most clients that may take part.
    public var maximumClients: Int
    /// A client that was not heard from for this long is lost until it comes back.
    public var lease: Duration
    /// Clients are asked to show a sign of life this often.
    public var heartbeat: Duration
    /// The aggregator shows one this often.
    public var beacon: Duration
    public var stop: StopCondition
    /// What every task asks for, before the schedule.
    public var plan: TrainingPlan
    /// Scales the plan's learning rates by the version of the task.
    public var schedule: LearningRateSchedule
    /// What the run's clients must agree on; one without fields accepts any.
    public var model: ModelSpecification
    /// The values that travel: of what is published, and of updates.
    public var precision: Precision
    public var checks: UpdateChecks
    /// A client is asked no more after so many failed tasks in a row, until it starts again; 0 for no bound.
    public var failuresAllowed: Int
    /// Clients that hold samples out are asked to evaluate every so many versions, and the last one; 0 for never.
    public var evaluateEvery: Int
    /// A flush whose updates have so many values or more is aggregated beside the core; a smaller one within an event.
    public var flushBesideValues: Int

    public init(
        seed: UInt64, mode: Mode, concurrency: Int = 0, order: DispatchOrder = .random,
        stalenessWeight: StalenessWeight = .inverseSquareRoot, maximumStaleness: Int = 100, clientsToStart: Int = 1,
        maximumClients: Int = 10_000, lease: Duration = .seconds(10), heartbeat: Duration = .seconds(2),
        beacon: Duration = .seconds(1), stop: StopCondition = StopCondition(),
        plan: TrainingPlan = TrainingPlan(), schedule: LearningRateSchedule = .constant,
        model: ModelSpecification = ModelSpecification(), precision: Precision = .float32,
        checks: UpdateChecks = UpdateChecks(), failuresAllowed: Int = 5, evaluateEvery: Int = 0,
        flushBesideValues: Int = .max
    ) {
        self.seed = seed
        self.mode = mode
        self.concurrency = concurrency
        self.order = order
        self.stalenessWeight = stalenessWeight
        self.maximumStaleness = maximumStaleness
        self.clientsToStart = clientsToStart
        self.maximumClients = maximumClients
        self.lease = lease
        self.heartbeat = heartbeat
        self.beacon = beacon
        self.stop = stop
        self.plan = plan
        self.schedule = schedule
        self.model = model
        self.precision = precision
        self.checks = checks
        self.failuresAllowed = failuresAllowed
        self.evaluateEvery = evaluateEvery
        self.flushBesideValues = flushBesideValues
    }
}

/// Which of the idle clients is asked next.
public enum DispatchOrder: String, Hashable, Sendable, CaseIterable {
    /// Any of them, each as likely as any other.
    case random
    /// Any of those not yet asked in this turn. A turn ends when all idle clients were asked in it: clients that are always
    /// idle have equally many tasks, or one more. Nobody waits for a client that is at work or gone, and it is not asked
    /// for what it missed.
    case inTurn = "in-turn"
}

/// What an update may be at most, beside having the shapes of its base version and finite values; zeros do not bound.
public struct UpdateChecks: Hashable, Sendable {
    /// The magnitude beyond which a value is refused like one that is not finite: sums of squares of such values would not
    /// be.
    public static let largestValue: Float = 1e15

    /// Of the Euclidean norm of what the update changed.
    public var maximumNorm: Double
    public var maximumSampleCount: Int
    /// So many invalid updates in a row put a client in quarantine.
    public var quarantineAfter: Int

    public init(maximumNorm: Double = 0, maximumSampleCount: Int = 0, quarantineAfter: Int = 0) {
        self.maximumNorm = maximumNorm
        self.maximumSampleCount = maximumSampleCount
        self.quarantineAfter = quarantineAfter
    }
}

/// When the buffer becomes the next version, and who is asked to train.
public enum Mode: Hashable, Sendable {
    case synchronous(Synchronous)
    case buffered(Buffered)
    /// Every update becomes a version of its own.
    case continuous

    /// Rounds: a cohort trains on one version and the round ends when enough of it has answered.
    public struct Synchronous: Hashable, Sendable {
        /// What happens to an update that started from an earlier version.
        public enum LateUpdates: String, Hashable, Sendable, CaseIterable {
            /// Acknowledged and counted, not used.
            case discard
            /// Used in the current round with its staleness weight.
            case carryOver = "carry-over"
        }
        /// Updates that complete a round.
        public var cohort: Int
        /// Further clients asked, as a fraction of the cohort, so that stragglers need not be waited for.
        public var overSelection: Double
        /// The fewest updates that end a round at its deadline. With fewer clients alive, all of them suffice.
        public var quorum: Int
        public var deadline: Duration
        public var late: LateUpdates

        public init(cohort: Int, overSelection: Double, quorum: Int, deadline: Duration, late: LateUpdates) {
            self.cohort = cohort
            self.overSelection = overSelection
            self.quorum = quorum
            self.deadline = deadline
            self.late = late
        }
    }

    /// Flushes after `size` updates whatever versions they started from (FedBuff, Nguyen et al. 2022).
    public struct Buffered: Hashable, Sendable {
        /// K; with fewer clients alive, as many updates suffice.
        public var size: Int
        /// A flush comes at the latest this long after the first update of the buffer; nil waits for `size` updates.
        public var flushAfter: Duration?

        public init(size: Int, flushAfter: Duration?) {
            self.size = size
            self.flushAfter = flushAfter
        }
    }
}

/// The run ends when the first of these is reached; zeros and nil never are.
public struct StopCondition: Hashable, Sendable {
    public var versions: Int
    public var updates: Int
    public var duration: Duration?

    public init(versions: Int = 0, updates: Int = 0, duration: Duration? = nil) {
        self.versions = versions
        self.updates = updates
        self.duration = duration
    }
}
