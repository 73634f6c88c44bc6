import Federation
import FederationService
import Foundation
import PromptAggregation
import RunLog
import RunSettings
import ZeroMQTransport

/// Measures what many clients cost the live aggregator: how long until all are connected and welcome, what memory each
/// takes, and how long until all have left. The clients are played by processes of this program over real connections.
public struct ConnectionsBenchmark: Sendable {
    public struct Outcome: Hashable, Sendable {
        public let clients: Int
        /// As the aggregator counts them: two for each worker.
        public let connections: Int
        /// From the first connection until all clients are welcome.
        public let seconds: Double
        /// From their goodbyes, all at once, until the aggregator announces that none is left.
        public let leavingSeconds: Double
        /// Of the aggregator's resident memory, by how much it had grown.
        public let bytes: Int
        /// Nil where all the clients wanted had room.
        public let shortage: String?

        public var bytesPerConnection: Double { Double(bytes) / Double(connections) }
        public var bytesPerClient: Double { Double(bytes) / Double(clients) }
    }

    public let clients: Int
    /// Workers, each with connections of its own; as many as clients where each is alone.
    public let workers: Int
    /// Each of a worker's two sockets needs two descriptors.
    private static let descriptorsEach = 4
    private static let workersPerProcess = 2500

    /// - Parameter workers: which host the clients, alike many each; nil for a worker for each client.
    public init(clients: Int, workers: Int? = nil) {
        self.clients = max(1, clients)
        self.workers = min(max(1, workers ?? clients), self.clients)
    }

    /// - Parameters:
    ///   - path: a folder for the run.
    ///   - program: this program with the arguments that make it play clients (`hold`), which get behind them: the two
    ///     endpoints, the number of all clients, how many a worker hosts, the first worker's index and how many.
    public func run(in path: String, program: [String]) async throws -> Outcome {
        let files = try OpenFiles(raisedTo: OpenFiles.needed(forClients: workers))
        let shortage = files.shortage(forClients: workers)
        let each = (clients + workers - 1) / workers
        let fitting = min((clients + each - 1) / each, files.connections / 2)
        let hosted = min(clients, fitting * each)
        // One more may come, so that nothing is trained.
        let configuration = try LoadedAggregator.configuration(
            clients: clients,
            [
                "federation.maximum_clients=\(clients + 1)", "federation.clients_to_start=\(clients + 1)",
                "federation.beacon_seconds=0.1",
            ])
        return try await LoadedAggregator.run(configuration, in: RunFolder(path: path + "/run")) { endpoints in
            let before = try residentBytes()
            let start = ContinuousClock.now
            let children = try stride(from: 0, to: fitting, by: Self.workersPerProcess).map { first in
                try HeldProcess(
                    program + [
                        endpoints.updates, endpoints.prompts, "\(clients)", "\(each)", "\(first)",
                        "\(min(Self.workersPerProcess, fitting - first))",
                    ])
            }
            defer { for child in children { child.end() } }
            for child in children { try child.waitUntilReady() }
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            let bytes = try residentBytes() - before
            let listener = try LoadConnection(try Context(), endpoints: endpoints, clients: [], hearsAll: true)
            try wait(for: hosted, on: listener)
            let leaving = ContinuousClock.now
            for child in children { child.dismiss() }
            try wait(for: 0, on: listener)
            return Outcome(
                clients: hosted, connections: 2 * fitting, seconds: seconds,
                leavingSeconds: (ContinuousClock.now - leaving) / .seconds(1), bytes: bytes, shortage: shortage)
        }
    }

    /// Returns when a beacon says that so many clients are there.
    private func wait(for alive: Int, on listener: LoadConnection) throws {
        let deadline = ContinuousClock.now + LoadConnection.patience
        while .now < deadline {
            if case .beacon(let beacon) = try listener.next(within: .seconds(1)), beacon.clientsAlive == alive {
                return
            }
        }
        throw BenchmarkError("the aggregator did not come to \(alive) clients within \(LoadConnection.patience)")
    }

    // MARK: The clients' side

    /// Plays workers, each with connections of its own: connects and joins their clients, says so on standard output, and
    /// stays until standard input ends. Then all say goodbye.
    /// - Parameters:
    ///   - each: the clients of a worker.
    ///   - first: the first worker's index.
    public static func hold(
        updates: String, prompts: String, of total: Int, each: Int, from first: Int, count: Int
    ) throws {
        let files = try OpenFiles(raisedTo: OpenFiles.own + descriptorsEach * count)
        guard files.limit >= descriptorsEach * count else {
            throw BenchmarkError("\(count) workers need \(descriptorsEach * count) open files, found \(files.limit)")
        }
        let context = try Context(maximumSockets: 2 * count + 16)
        let configuration = try LoadedAggregator.configuration(clients: total, [])
        let endpoints = RunConfiguration.Endpoints(updates: updates, prompts: prompts)
        let clients = configuration.clients
        let connections = try (first..<first + count).map {
            try LoadConnection(
                context, endpoints: endpoints, clients: Array(clients[$0 * each..<min(total, ($0 + 1) * each)]))
        }
        try join(connections)
        try HeldProcess.sayReady()
        while readLine() != nil {}
        for connection in connections { try connection.leave() }
    }

    /// Greets on all connections at once, and again every few seconds where a hello came before its subscription.
    private static func join(_ connections: [LoadConnection]) throws {
        let deadline = ContinuousClock.now + LoadConnection.patience
        var waiting = connections
        while !waiting.isEmpty {
            guard .now < deadline else { throw BenchmarkError("\(waiting.count) clients were not welcomed in time") }
            for connection in waiting { try connection.greet() }
            let pause = ContinuousClock.now + .seconds(3)
            while !waiting.isEmpty, .now < pause {
                for connection in waiting { while try connection.next(within: .zero) != nil {} }
                waiting.removeAll { $0.waiting.isEmpty }
                pauseBriefly()
            }
        }
    }
}
