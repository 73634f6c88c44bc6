import Federation
import PromptAggregation
import Testing

/// Drives one client by hand, remembers what it wanted, and checks its invariants after every event.
struct Seat {
    static let run: UInt64 = 3

    var client: Client
    var now = Timestamp(nanoseconds: 0)
    var last: [ClientEffect] = []

    init(outbox: [ClientMessage.Update] = [], heldOut: Int = 0) {
        client = Client(
            id: ClientID("a"), session: 7, sampleCount: 10, heldOutCount: heldOut, outbox: outbox)
        take(.started)
    }

    mutating func take(_ kind: ClientEvent.Kind) {
        last = client.handle(ClientEvent(time: now, kind: kind))
        for violation in client.checkInvariants() { Issue.record("after \(kind): \(violation)") }
    }
    mutating func receive(_ message: AggregatorMessage, run: UInt64 = run, epoch: UInt64 = 1) {
        take(.received(message, from: Origin(run: run, epoch: epoch)))
    }
    mutating func wait(_ duration: Duration) {
        let end = now + duration
        var all: [ClientEffect] = []
        while let next = client.nextDeadline, next <= end {
            now = next
            take(.tick)
            all += last
        }
        now = end
        last = all
    }
    mutating func welcome(
        version: Version = 0, precision: Precision = .float32, run: UInt64 = run, epoch: UInt64 = 1
    ) {
        receive(
            .welcome(
                .init(
                    client: client.id, session: 7, version: version, heartbeatMilliseconds: 60_000,
                    precision: precision)), run: run, epoch: epoch)
    }
    mutating func task(
        _ number: UInt64, version: Version = 0, session: UInt64 = 7, run: UInt64 = run, epoch: UInt64 = 1
    ) {
        receive(
            .task(
                .init(
                    client: client.id, session: session, number: number, version: version, seed: 1,
                    plan: TrainingPlan())), run: run, epoch: epoch)
    }
    mutating func prompts(_ version: Version, epoch: UInt64 = 1) {
        receive(.prompts(.init(version: version, changed: SummingStrategy().state)), epoch: epoch)
    }
    mutating func ack(_ task: UInt64, epoch: UInt64 = 1) {
        receive(.ack(.init(client: client.id, task: task)), epoch: epoch)
    }
    mutating func finish(_ task: UInt64, values: [Float] = [0, 0, 0, 0]) {
        take(
            .trainingFinished(
                TrainingResult(
                    task: task, baseVersion: 0,
                    parameters: Parameters([(Parameters.prompts, Tensor(shape: [2, 2], values: values))]),
                    promptIDs: [0, 1], sampleCount: 10, metrics: [])))
    }
    /// Trains and stores a task's update.
    mutating func answer(_ number: UInt64) {
        prompts(0)
        task(number)
        finish(number)
        store()
    }
    /// Carries out what the last event wanted stored.
    mutating func store() {
        let stores = stores
        for update in stores { take(.stored(update.id)) }
    }
    var stores: [ClientMessage.Update] {
        last.compactMap { if case .store(let update) = $0 { update } else { nil } }
    }
    func discards(_ settlement: Settlement) -> [UInt64] {
        last.compactMap { if case .discard(let id, settlement) = $0 { id.task } else { nil } }
    }
    var sent: [ClientMessage] { last.compactMap { if case .send(let message) = $0 { message } else { nil } } }
    var orders: [TrainingOrder] { last.compactMap { if case .train(let order) = $0 { order } else { nil } } }
    var updates: [UInt64] { sent.compactMap { if case .update(let it) = $0 { it.task } else { nil } } }
    var failures: [UInt64] { sent.compactMap { if case .failure(let it) = $0 { it.task } else { nil } } }
    var fetches: [Version] { sent.compactMap { if case .fetch(let it) = $0 { it.holding } else { nil } } }
    /// Versions that it began to evaluate.
    var assessed: [Version] {
        last.compactMap { if case .evaluate(let prompts) = $0 { prompts.version } else { nil } }
    }
    /// Versions of evaluations that it sent.
    var evaluations: [Version] {
        sent.compactMap { if case .evaluation(let it) = $0 { it.version } else { nil } }
    }
    var hellos: Int { sent.reduce(0) { if case .hello = $1 { $0 + 1 } else { $0 } } }
    var heartbeats: Int { sent.reduce(0) { if case .heartbeat = $1 { $0 + 1 } else { $0 } } }
    var end: ClientEnd? { last.lazy.compactMap { if case .finish(let end) = $0 { end } else { nil } }.first }
}

extension Seat {
    static func welcomed() -> Seat {
        var seat = Seat()
        seat.welcome()
        return seat
    }
}
