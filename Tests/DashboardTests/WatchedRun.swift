import Federation
import FederationRun
import PromptAggregation
import RunLog

/// Publishes its state again and again.
private struct StillStrategy: AggregationStrategy {
    let formatID = "still"
    var state = PromptState(
        parameters: Parameters([(Parameters.prompts, Tensor(zeros: [1, 2]))]), promptIDs: [PromptID(0)])

    mutating func aggregate(inOrder contributions: [Contribution]) -> FlushReport {
        FlushReport(weights: contributions.map { _ in 1 / Double(contributions.count) })
    }
    func write(to writer: inout SnapshotWriter) { writer.write(state) }
    mutating func read(from reader: inout SnapshotReader) throws(SnapshotError) {
        state = try reader.state(like: state)
    }
}

/// An aggregator driven by hand, one second an event, that makes a version of every two updates.
struct WatchedRun {
    private(set) var aggregator: Aggregator
    private var history = RunHistory()
    private var now = Timestamp(nanoseconds: 0)
    private var tasks: [ClientID: UInt64] = [:]

    init() {
        aggregator = try! Aggregator(
            configuration: FederationConfiguration(
                seed: 1, mode: .buffered(.init(size: 2, flushAfter: .seconds(1000))), lease: .seconds(10),
                checks: UpdateChecks(quarantineAfter: 1)),
            run: 1, strategy: StillStrategy())
        take(.started)
    }

    mutating func take(_ kind: AggregatorEvent.Kind) {
        now = now + .seconds(1)
        history.begin(at: now)
        for effect in aggregator.handle(AggregatorEvent(time: now, kind: kind)) {
            if case .flushed(let flush) = effect { history.add(flush) }
            if case .publish(_, .task(let task)) = effect { tasks[task.client] = task.number }
        }
    }

    mutating func hello(_ name: String) {
        take(.received(.hello(.init(client: ClientID(name), session: 1, sampleCount: 10))))
    }

    mutating func update(from name: String, base: Version, samples: Int = 10) {
        let client = ClientID(name)
        take(
            .received(
                .update(
                    .init(
                        client: client, session: 1, run: 1, task: tasks[client] ?? 1000, baseVersion: base,
                        sampleCount: samples,
                        parameters: Parameters([(Parameters.prompts, Tensor(zeros: [1, 2]))]),
                        promptIDs: [PromptID(0)], metrics: []))))
    }

    mutating func goodbye(_ name: String) {
        take(.received(.goodbye(.init(client: ClientID(name), session: 1))))
    }

    /// Lets time pass, and the leases of those run out that were not heard in it.
    mutating func pass(_ duration: Duration) {
        now = now + duration
        take(.tick)
    }

    var figures: LiveFigures {
        LiveFigures(
            heading: "a run", epoch: 255, isRecovered: false, aggregator: aggregator, history: history, at: now)
    }
}
