import Federation
import PromptAggregation
import Testing

/// Counts flushes and adds up the prompts' change, so that a test sees what was used.
struct SummingStrategy: AggregationStrategy {
    let formatID = "summing"
    var state: PromptState
    var flushes: [[Contribution]] = []

    init(pool: Int = 2, width: Int = 2, beside tensors: [(name: String, tensor: Tensor)] = []) {
        state = PromptState(
            parameters: Parameters([(Parameters.prompts, Tensor(zeros: [pool, width]))] + tensors),
            promptIDs: (0..<pool).map { PromptID($0) })
    }

    mutating func aggregate(inOrder contributions: [Contribution]) -> FlushReport {
        flushes.append(contributions)
        var prompts = state.prompts
        for contribution in contributions {
            prompts.values[0] += contribution.parameters[Parameters.prompts]!.values[0]
        }
        state.parameters[Parameters.prompts] = prompts
        return FlushReport(weights: contributions.map { _ in 1 / Double(contributions.count) })
    }

    func write(to writer: inout SnapshotWriter) { writer.write(state) }
    mutating func read(from reader: inout SnapshotReader) throws(SnapshotError) {
        state = try reader.state(like: state)
    }
}

/// Drives one aggregator by hand, remembers what it wanted, and checks its invariants after every event.
struct Bench {
    static let run: UInt64 = 0xA

    var aggregator: Aggregator
    var now = Timestamp(nanoseconds: 0)
    var last: [AggregatorEffect] = []
    /// The last task that each client was sent.
    var tasks: [String: AggregatorMessage.Task] = [:]

    init(_ configuration: FederationConfiguration, strategy: SummingStrategy = SummingStrategy()) throws {
        aggregator = try Aggregator(configuration: configuration, run: Self.run, strategy: strategy)
        take(.started)
    }

    init(
        mode: Mode, concurrency: Int = 0, order: DispatchOrder = .random,
        staleness: StalenessWeight = .inverseSquareRoot, maximumStaleness: Int = 100,
        stop: StopCondition = StopCondition(), clientsToStart: Int = 1, schedule: LearningRateSchedule = .constant,
        model: ModelSpecification = ModelSpecification(), checks: UpdateChecks = UpdateChecks(),
        failuresAllowed: Int = 5
    ) throws {
        try self.init(
            FederationConfiguration(
                seed: 1, mode: mode, concurrency: concurrency, order: order, stalenessWeight: staleness,
                maximumStaleness: maximumStaleness, clientsToStart: clientsToStart, stop: stop,
                schedule: schedule, model: model, checks: checks, failuresAllowed: failuresAllowed))
    }

    mutating func take(_ kind: AggregatorEvent.Kind) {
        last = aggregator.handle(AggregatorEvent(time: now, kind: kind))
        for case .publish(_, .task(let task)) in last { tasks[task.client.name] = task }
        for violation in aggregator.checkInvariants() { Issue.record("after \(kind): \(violation)") }
    }

    /// Lets time pass as a driver does that is called in time.
    /// - Returns: all that was wanted meanwhile.
    @discardableResult
    mutating func wait(_ duration: Duration) -> [AggregatorEffect] {
        let end = now + duration
        var all: [AggregatorEffect] = []
        while let next = aggregator.nextDeadline, next <= end {
            now = next
            take(.tick)
            all += last
        }
        now = end
        last = all
        return all
    }

    /// Lets time pass in which nobody calls the aggregator.
    mutating func stall(_ duration: Duration) {
        now = now + duration
        take(.tick)
    }

    /// The process dies and another takes up its state.
    mutating func restart(after pause: Duration = .seconds(3)) throws {
        aggregator = try restored()
        now = now + pause
        take(.started)
    }

    func restored() throws -> Aggregator {
        try Aggregator(
            configuration: aggregator.configuration, run: Self.run, strategy: SummingStrategy(),
            snapshot: aggregator.snapshot())
    }

    mutating func hello(
        _ name: String, session: UInt64 = 1, samples: Int = 10, model: ModelSpecification = .init(),
        heldOut: Int = 0
    ) {
        take(
            .received(
                .hello(
                    .init(
                        client: ClientID(name), session: session, sampleCount: samples, model: model,
                        heldOutCount: heldOut))))
    }

    /// An update of the client's last task.
    mutating func update(
        _ name: String, session: UInt64 = 1, run: UInt64 = Self.run, task: UInt64? = nil, base: Version,
        values: [Float] = [1, 0], ids: [PromptID] = [0], samples: Int = 10
    ) {
        take(
            .received(
                .update(
                    .init(
                        client: ClientID(name), session: session, run: run, task: task ?? tasks[name]?.number ?? 0,
                        baseVersion: base, sampleCount: samples,
                        parameters: Parameters([(Parameters.prompts, Tensor(shape: [ids.count, 2], values: values))]),
                        promptIDs: ids, metrics: []))))
    }

    mutating func heartbeat(
        _ name: String, session: UInt64 = 1, _ activity: ClientMessage.Heartbeat.Activity = .training,
        task: UInt64? = nil, outstanding: Int = 0
    ) {
        take(
            .received(
                .heartbeat(
                    .init(
                        client: ClientID(name), session: session, activity: activity,
                        task: task ?? tasks[name]?.number ?? 0, outstanding: outstanding))))
    }

    mutating func goodbye(_ name: String, session: UInt64 = 1) {
        take(.received(.goodbye(.init(client: ClientID(name), session: session))))
    }

    /// The clients that the last event gave tasks to.
    var tasked: [String] {
        last.compactMap { if case .publish(_, .task(let task)) = $0 { task.client.name } else { nil } }
    }
    /// What the last event's tasks ask for.
    var plans: [TrainingPlan] {
        last.compactMap { if case .publish(_, .task(let task)) = $0 { task.plan } else { nil } }
    }
    var acks: [AggregatorMessage.Ack] {
        last.compactMap { if case .publish(_, .ack(let ack)) = $0 { ack } else { nil } }
    }
    var rejects: [AggregatorMessage.Reject] {
        last.compactMap { if case .publish(_, .reject(let reject)) = $0 { reject } else { nil } }
    }
    var refusals: [AggregatorMessage.Refuse] {
        last.compactMap { if case .publish(_, .refuse(let refuse)) = $0 { refuse } else { nil } }
    }
    var verdicts: [Verdict] { last.compactMap { if case .judged(let it) = $0 { it.verdict } else { nil } } }
    var flushes: [Flush] { last.compactMap { if case .flushed(let flush) = $0 { flush } else { nil } } }
    var published: [Version] { last.compactMap { if case .publishVersion(let it) = $0 { it.version } else { nil } } }
    var finished: Bool { last.contains(.finish) }
}
