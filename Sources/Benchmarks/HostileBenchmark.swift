import Federation
import FederationService
import Foundation
import PromptAggregation
import PromptWire
import RunLog
import RunSettings
import ZeroMQTransport

/// Measures what honest clients notice of a hostile one: the time to the acknowledgement of their updates and the
/// aggregator's memory, in turns without it, while it attacks another aggregator on this machine, and with it.
///
/// The second turn is the control: it shows what the hostile program takes from the machine, which it would not take
/// from another one.
public struct HostileBenchmark: Sendable {
    public struct Row: Hashable, Sendable {
        public let kind: HostileKind
        public let quiet: Figures
        /// While the same client attacks another aggregator in a process that leaves the processor to all others.
        public let beside: Figures
        public let attacked: Figures

        public var slowdown: Double { attacked.slow / quiet.slow }
        public var slowdownByAggregator: Double { attacked.slow / beside.slow }
    }

    public struct Figures: Hashable, Sendable {
        public let updates: Int
        public let median: Duration
        /// 99 % were faster.
        public let slow: Duration
        /// By how much the resident memory of the aggregator and its honest clients had grown at most.
        public let grownBytes: Int
    }

    /// Of each turn.
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
    ///   - decoy: this program with the arguments that make it play the other aggregator, which get behind them: a folder
    ///     and the folder of keys.
    public func run(_ kind: HostileKind, in path: String, program: [String], decoy: [String]) async throws -> Row {
        let keys = KeyFolder(path: path + "/keys")
        let configuration = try Self.configuration(keys: keys.path)
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
            let beside = try Self.beside(decoy + [folder.path + "-decoy", keys.path]) {
                try load.attacked(by: program + [kind.rawValue], at: $0, keys, for: time)
            }
            let attacked = try load.attacked(by: program + [kind.rawValue], at: endpoints, keys, for: time)
            return Row(kind: kind, quiet: quiet, beside: beside, attacked: attacked)
        }
    }

    static func configuration(keys: String) throws -> RunConfiguration {
        try LoadedAggregator.configuration(
            clients: clients, ["federation.buffer_size=8", "run.updates=0"], keys: keys)
    }

    /// What a load notices beside another aggregator in a process of its own.
    private static func beside(
        _ decoy: [String], _ body: (RunConfiguration.Endpoints) throws -> Figures
    ) throws -> Figures {
        let process = try HeldProcess(decoy, yields: true)
        defer { process.end() }
        let endpoints = try process.waitUntilReady()
        return try body(.init(updates: endpoints[0], prompts: endpoints[1]))
    }
}

/// An aggregator that a hostile client attacks in place of the one that is measured.
public enum HostileDecoy {
    /// Runs until standard input ends.
    ///
    /// - Parameters:
    ///   - path: a folder for its run.
    ///   - keys: the folder with its key.
    public static func run(in path: String, keys: String) async throws {
        let configuration = try HostileBenchmark.configuration(keys: keys)
        try await LoadedAggregator.run(configuration, in: RunFolder(path: path)) { endpoints in
            try HeldProcess.sayReady(endpoints.updates, endpoints.prompts)
            _ = FileHandle.standardInput.availableData
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

    /// - Parameter attacker: the command of the hostile client, which gets the two endpoints and the folder of keys behind
    ///   it.
    mutating func attacked(
        by attacker: [String], at endpoints: RunConfiguration.Endpoints, _ keys: KeyFolder, for time: Duration
    ) throws -> HostileBenchmark.Figures {
        let process = try HeldProcess(attacker + [endpoints.updates, endpoints.prompts, keys.path], yields: true)
        defer { process.end() }
        // From before its first message on: what it does is noticed at once, and no client of the load waits unseen.
        let figures = try run(for: time)
        try process.waitUntilReady()
        return figures
    }

    mutating func run(for time: Duration) throws -> HostileBenchmark.Figures {
        times = []
        let before = try residentBytes()
        var most = before
        let end = ContinuousClock.now + time
        while .now < end {
            try sendDue()
            most = max(most, try residentBytes())
            let next = min(end, waiting.first?.due ?? end, .now + .milliseconds(20))
            switch try connection.next(within: next - .now) {
            case .task(let task): take(task)
            case .ack(let ack): settle(ack)
            default: break
            }
        }
        guard !times.isEmpty else { throw BenchmarkError("no update was acknowledged within \(time)") }
        return .init(
            updates: times.count, median: times.quantile(0.5), slow: times.quantile(0.99),
            grownBytes: most - before)
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
