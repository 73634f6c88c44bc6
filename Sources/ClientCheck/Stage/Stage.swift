import Federation
import FederationService
import Foundation
import PromptAggregation
import PromptWire
import RunSettings
import ZeroMQTransport

/// The aggregator on which scenes are played: it plays its part well, but for what a scene has it do.
///
/// One thread uses it. Scenes say what is misleading, and listen; whatever comes meanwhile is answered by its manners and
/// watched for rules that hold all the time.
final class Stage {
    typealias Instant = ContinuousClock.Instant

    let settings: ClientCheckSettings
    let model: ModelOnTrial
    var book = RuleBook()
    var manners = Manners()
    private(set) var links: StageLinks?
    private(set) var endpoints: RunConfiguration.Endpoints
    let keys: (key: CurveSecretKey, allowed: AllowedKeys)?

    // MARK: The client

    var process: ClientProcess?
    /// Starts of the client's process, 1 for one that somebody else started.
    var starts = 0
    /// The one on trial: the one that is named, else the first to say hello.
    var client: ClientID?
    var session: UInt64?
    var hello: ClientMessage.Hello?
    /// Whether the present process of the client has said hello.
    var hasGreeted = false
    /// Whether the end of the client's process is expected.
    var mayEnd = false
    /// What it said, in order.
    var heard: [(at: Instant, message: ClientMessage)] = []
    var topics: [[UInt8]] = []
    /// The client that each session named first.
    var owners: [UInt64: ClientID] = [:]
    var earlierSessions: Set<UInt64> = []
    /// When the present session was welcomed last in the present run and epoch; nil while it is to say hello.
    var welcomedAt: Instant?
    var lastHeartbeat: (at: Instant, message: ClientMessage.Heartbeat)?
    var wasLate = false

    // MARK: The run

    var run: StagedRun
    var runs: [UInt64: StagedRun] = [:]
    var tasks: [UpdateID: StagedTask] = [:]
    var strays: [Stray] = []
    /// The rule that the scene is at.
    var trying = ClientRule.helloRepeated
    /// The task that the client is to answer next.
    var current: UpdateID?
    /// Of the welcome.
    var heartbeat: Duration = .milliseconds(300)
    private var beaconAt = Instant.now

    private static let beaconInterval: Duration = .milliseconds(200)

    init(_ settings: ClientCheckSettings, model: ModelOnTrial) throws {
        self.settings = settings
        self.model = model
        client = settings.name.map { ClientID($0) }
        keys = try settings.keys.map { try $0.aggregatorSide() }
        run = StagedRun(number: 0, precision: .float32, states: [0: model.state], nextTask: 1)
        let links = try StageLinks(settings.endpoints, keys: keys)
        self.links = links
        endpoints = links.endpoints
    }

    var origin: Origin { Origin(run: run.number, epoch: run.epoch) }

    /// Begins another run; the client hears of it by its beacons.
    func beginRun(precision: Precision = .float32, firstTask: UInt64 = 100) {
        runs[run.number] = run
        run = StagedRun(
            number: UInt64.random(in: 1 ... .max), precision: precision,
            states: [0: model.state], nextTask: firstTask)
        forgetWelcome()
    }

    /// Continues a run that was left.
    func resume(_ number: UInt64) {
        runs[run.number] = run
        run = runs[number]!
        forgetWelcome()
    }

    func forgetWelcome() {
        welcomedAt = nil
        lastHeartbeat = nil
        current = nil
    }

    /// Dies, is away for a while, and starts again as the next epoch.
    func restart(away: Duration) throws {
        links = nil
        forgetWelcome()
        Thread.sleep(forTimeInterval: away / .seconds(1))
        let links = try StageLinks(endpoints, keys: keys)
        self.links = links
        run.epoch += 1
    }

    /// Publishes the next version.
    /// - Parameters:
    ///   - state: nil for the present one again.
    ///   - leavingOut: tensors that the message does not hold, each the same since a version.
    func publish(_ state: PromptState? = nil, leavingOut unchanged: [AggregatorMessage.Prompts.Unchanged] = []) {
        let state = state ?? run.newest
        run.version += 1
        run.states[run.version] = state
        say(.prompts(prompts(of: run.version, leavingOut: unchanged)), on: .all)
    }

    func prompts(
        of version: Version, leavingOut unchanged: [AggregatorMessage.Prompts.Unchanged] = []
    ) -> AggregatorMessage.Prompts {
        var state = run.states[version]!
        for tensor in unchanged { state.parameters[tensor.name] = nil }
        return .init(version: version, changed: state, unchanged: unchanged, precision: run.precision)
    }

    // MARK: Saying

    /// - Parameters:
    ///   - topic: the client's own unless given.
    ///   - origin: the present one unless given.
    func say(_ message: AggregatorMessage, on topic: Topic? = nil, from origin: Origin? = nil) {
        send(AggregatorCodec.encode(message, from: origin ?? self.origin), on: topic)
    }

    func send(_ payload: [UInt8], on topic: Topic? = nil) {
        guard let topic = topic ?? client.map({ .client($0) }) else { return }
        send(frames: [topic.bytes, payload])
    }

    /// What gets lost on its way is no fault of the client: whatever matters is said again.
    func send(frames: [[UInt8]]) { try? links?.send(frames: frames) }

    func beacon(_ phase: AggregatorMessage.Beacon.Phase) -> AggregatorMessage {
        .beacon(
            .init(
                phase: phase, version: run.version, updates: 0, lateUpdates: 0, clientsAlive: 1, inFlight: 0,
                buffered: 0, pool: run.newest.promptIDs.count, metrics: []))
    }

    private func sendBeaconIfDue() {
        guard .now >= beaconAt else { return }
        say(beacon(manners.phase), on: .all)
        beaconAt = .now + Self.beaconInterval
    }

    // MARK: Listening

    /// Listens until something has come about, or the time is up.
    /// - Returns: whether it has.
    /// - Throws: `ClientCheckError` when interrupted, and for a client that ends before it says hello; `Setback` for one that
    ///   ends later, without a reason.
    @discardableResult
    func listen(for time: Duration, until condition: () -> Bool = { false }) throws -> Bool {
        let deadline = Instant.now + time
        while !condition() {
            guard .now < deadline, let links else { return false }
            guard !Interruption.isSet else { throw ClientCheckError("interrupted") }
            sendBeaconIfDue()
            topics += try links.subscriptions()
            if let message = try links.receive(within: min(.milliseconds(10), deadline - .now)) {
                take(message)
            } else {
                watchSilence()
            }
            if !mayEnd, let ending = process?.ending {
                process = nil
                guard hasGreeted else {
                    throw ClientCheckError("the client ended with \(ending) before it said hello")
                }
                throw Setback(rule: trying, seen: "the client ended with \(ending)")
            }
        }
        return true
    }
}
