import Federation
import PromptAggregation

/// Counts flushes and adds up the prompts' change, so that a test sees what was used.
struct SummingStrategy: AggregationStrategy {
    let formatID = "summing"
    var state: PromptState
    var flushes: [[Contribution]] = []

    init(pool: Int = 2, width: Int = 2) {
        state = PromptState(
            parameters: Parameters([(Parameters.prompts, Tensor(zeros: [pool, width]))]),
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

/// Drives one aggregator by hand and remembers what it wanted.
struct Bench {
    var aggregator: Aggregator
    var now = Timestamp(nanoseconds: 0)
    var last: [AggregatorEffect] = []

    init(
        mode: Mode, concurrency: Int = 0, staleness: StalenessWeight = .inverseSquareRoot, maximumStaleness: Int = 100,
        stop: StopCondition = StopCondition(), clientsToStart: Int = 1, schedule: LearningRateSchedule = .constant,
        encoderDigest: String = "", checks: UpdateChecks = UpdateChecks()
    ) {
        aggregator = Aggregator(
            configuration: FederationConfiguration(
                seed: 1, mode: mode, concurrency: concurrency, stalenessWeight: staleness,
                maximumStaleness: maximumStaleness, clientsToStart: clientsToStart, stop: stop,
                schedule: schedule, encoderDigest: encoderDigest, checks: checks), strategy: SummingStrategy())
        take(.started)
    }

    mutating func take(_ kind: AggregatorEvent.Kind) {
        last = aggregator.handle(AggregatorEvent(time: now, kind: kind))
    }

    mutating func pass(_ duration: Duration) { now = now + duration }

    mutating func hello(_ name: String, session: UInt64 = 1, lastVersion: Version = -1, encoder: String = "") {
        take(
            .received(
                .hello(
                    .init(
                        client: ClientID(name), session: session, lastVersion: lastVersion, sampleCount: 10,
                        encoderDigest: encoder))))
    }

    mutating func update(
        _ name: String, _ sequence: UInt64, session: UInt64 = 1, task: UInt64 = 1_000, base: Version,
        values: [Float] = [1, 0], ids: [PromptID] = [0], samples: Int = 10
    ) {
        take(
            .received(
                .update(
                    .init(
                        client: ClientID(name), session: session, sequence: sequence, task: task, baseVersion: base,
                        sampleCount: samples,
                        parameters: Parameters([(Parameters.prompts, Tensor(shape: [ids.count, 2], values: values))]),
                        promptIDs: ids, metrics: []))))
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
    var flushes: [Flush] { last.compactMap { if case .flushed(let flush) = $0 { flush } else { nil } } }
    var timers: [AggregatorTimer] { last.compactMap { if case .setTimer(let timer, _) = $0 { timer } else { nil } } }
    var published: [Version] { last.compactMap { if case .publishVersion(let it) = $0 { it.version } else { nil } } }
    var finished: Bool { last.contains(.finish) }
}
