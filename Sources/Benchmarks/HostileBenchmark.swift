import Federation
import FederationService
import Foundation
import PromptAggregation
import PromptWire
import RunLog
import RunSettings
import ZeroMQTransport

/// Measures what honest clients notice of a hostile one: the time to the acknowledgement of their updates and the
/// aggregator's memory, in turns without it and with it.
public struct HostileBenchmark: Sendable {
    public struct Row: Hashable, Sendable {
        public let kind: HostileKind
        public let quiet: Figures
        public let attacked: Figures
        /// By how much the resident memory of the aggregator and its honest clients had grown at most while attacked.
        public let grownBytes: Int

        public var slowdown: Double { attacked.slow / quiet.slow }
    }

    public struct Figures: Hashable, Sendable {
        public let updates: Int
        public let median: Duration
        /// 99 % were faster.
        public let slow: Duration
    }

    /// Of each half.
    public let time: Duration
    private static let clients = 16
    /// Each client's, from an acknowledgement to its next update: the machine is not to be busy with honest work alone.
    private static let pause: Duration = .milliseconds(40)
    private static let key = "honest"

    public init(time: Duration) { self.time = max(.milliseconds(500), time) }

    /// - Parameters:
    ///   - path: a folder for the run and its keys.
    ///   - program: this program with the arguments that make it play a hostile client, which get behind them: the kind,
    ///     the two endpoints and the folder of keys.
    public func run(_ kind: HostileKind, in path: String, program: [String]) async throws -> Row {
        let keys = KeyFolder(path: path + "/keys")
        let configuration = try LoadedAggregator.configuration(
            clients: Self.clients, ["federation.buffer_size=8", "run.updates=0"], keys: keys.path)
        if try keys.makeAggregator() {
            try keys.make(name: Self.key, clients: configuration.clients.map(\.name))
            try keys.make(name: HostileClient.name, clients: kind.clients)
        }
        let state = try LoadedAggregator.blankState(configuration)
        let folder = RunFolder(path: path + "/" + UUID().uuidString)
        return try await LoadedAggregator.run(configuration, in: folder) { endpoints in
            let connection = try LoadConnection(
                try Context(), endpoints: endpoints, security: try keys.clientSide(name: Self.key),
                clients: configuration.clients)
            try connection.join()
            var load = PacedLoad(connection, state, pause: Self.pause)
            _ = try load.run(for: .seconds(1))
            let quiet = try load.run(for: time)
            let before = try residentBytes()
            let attacker = try HeldProcess(
                program + [kind.rawValue, endpoints.updates, endpoints.prompts, keys.path])
            defer { attacker.end() }
            var most = before
            // From before its first message on: what it does is noticed at once, and no client of the load waits unseen.
            let attacked = try load.run(for: time) { most = max(most, try residentBytes()) }
            try attacker.waitUntilReady()
            return Row(kind: kind, quiet: quiet, attacked: attacked, grownBytes: most - before)
        }
    }
}

/// Clients that answer each task after a pause, and the time from each update to its acknowledgement.
private struct PacedLoad {
    private let connection: LoadConnection
    private var templates: [ClientID: UpdateTemplate]
    private let pause: Duration
    /// Tasks to answer, the earliest first.
    private var waiting: [(due: ContinuousClock.Instant, task: AggregatorMessage.Task)] = []
    private var sent: [ClientID: (task: UInt64, at: ContinuousClock.Instant)] = [:]
    private var answered: [ClientID: UInt64] = [:]
    private var times: [Duration] = []

    init(_ connection: LoadConnection, _ state: PromptState, pause: Duration) {
        self.connection = connection
        self.pause = pause
        templates = Dictionary(
            uniqueKeysWithValues: connection.clients.map {
                ($0, UpdateTemplate(client: $0, run: connection.run, state: state))
            })
        for task in connection.tasks.values { take(task) }
    }

    /// - Parameter look: called now and then.
    mutating func run(for time: Duration, look: () throws -> Void = {}) throws -> HostileBenchmark.Figures {
        times = []
        let end = ContinuousClock.now + time
        while .now < end {
            try sendDue()
            try look()
            let next = min(end, waiting.first?.due ?? end, .now + .milliseconds(20))
            switch try connection.next(within: next - .now) {
            case .task(let task): take(task)
            case .ack(let ack): settle(ack)
            default: break
            }
        }
        guard !times.isEmpty else { throw BenchmarkError("no update was acknowledged within \(time)") }
        return .init(updates: times.count, median: times.quantile(0.5), slow: times.quantile(0.99))
    }

    private mutating func take(_ task: AggregatorMessage.Task) {
        guard task.number > answered[task.client] ?? 0 else { return }
        answered[task.client] = task.number
        waiting.append((.now + pause, task))
    }

    private mutating func settle(_ ack: AggregatorMessage.Ack) {
        guard let own = sent[ack.client], own.task == ack.task else { return }
        sent[ack.client] = nil
        times.append(.now - own.at)
    }

    private mutating func sendDue() throws {
        while let first = waiting.first, first.due <= .now {
            waiting.removeFirst()
            sent[first.task.client] = (first.task.number, .now)
            try connection.send(templates[first.task.client]!.answer(to: first.task))
        }
    }
}
