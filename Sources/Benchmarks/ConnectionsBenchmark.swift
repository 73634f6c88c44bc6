import Console
import Federation
import FederationService
import Foundation
import PromptAggregation
import RunLog
import RunSettings
import ZeroMQTransport

/// Measures what many clients cost the live aggregator: how long until all are connected and welcome, and what memory
/// each takes. The clients are processes of this program, each with thousands of connections.
public struct ConnectionsBenchmark: Sendable {
    public struct Outcome: Hashable, Sendable {
        public let clients: Int
        /// As the aggregator counts them: two for each client.
        public let connections: Int
        public let seconds: Double
        /// Of the aggregator's resident memory, by how much it had grown.
        public let bytes: Int
        /// Nil where all the clients wanted had room.
        public let shortage: String?

        public var bytesPerConnection: Double { Double(bytes) / Double(connections) }
        public var bytesPerClient: Double { Double(bytes) / Double(clients) }
    }

    public let clients: Int
    /// Each of a client's two sockets needs two descriptors.
    private static let descriptorsEach = 4
    private static let clientsPerProcess = 2500

    public init(clients: Int) { self.clients = max(1, clients) }

    /// - Parameters:
    ///   - path: a folder for the run.
    ///   - program: this program with the arguments that make it play clients (`hold`), which get behind them: the two
    ///     endpoints, the number of all clients, the first one's index and how many.
    public func run(in path: String, program: [String]) async throws -> Outcome {
        let files = try OpenFiles(raisedTo: OpenFiles.needed(forClients: clients))
        let shortage = files.shortage(forClients: clients)
        let fitting = min(clients, files.connections / 2)
        let configuration = try LoadedAggregator.configuration(
            clients: clients,
            ["federation.maximum_clients=\(clients)", "federation.clients_to_start=\(clients + 1)"])
        return try await LoadedAggregator.run(configuration, in: RunFolder(path: path + "/run")) { endpoints in
            let before = try Self.residentBytes()
            let start = ContinuousClock.now
            let children = try stride(from: 0, to: fitting, by: Self.clientsPerProcess).map { first in
                try Self.start(
                    program + [
                        endpoints.updates, endpoints.prompts, "\(clients)", "\(first)",
                        "\(min(Self.clientsPerProcess, fitting - first))",
                    ])
            }
            defer {
                for child in children {
                    child.input.fileHandleForWriting.closeFile()
                    child.process.waitUntilExit()
                }
            }
            for child in children {
                let word = child.output.fileHandleForReading.availableData
                guard String(decoding: word, as: UTF8.self).contains(Self.ready) else {
                    throw BenchmarkError("a process that plays clients ended early")
                }
            }
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            return Outcome(
                clients: fitting, connections: 2 * fitting, seconds: seconds,
                bytes: try Self.residentBytes() - before, shortage: shortage)
        }
    }

    private static let ready = "ready"

    private struct Holder {
        let process: Process
        let input: Pipe
        let output: Pipe
    }

    private static func start(_ command: [String]) throws -> Holder {
        let holder = Holder(process: Process(), input: Pipe(), output: Pipe())
        holder.process.executableURL = URL(fileURLWithPath: command[0])
        holder.process.arguments = Array(command.dropFirst())
        holder.process.standardInput = holder.input
        holder.process.standardOutput = holder.output
        try holder.process.run()
        return holder
    }

    private static func residentBytes() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        guard text.count > 1, let pages = Int(text[1]) else { throw BenchmarkError("/proc/self/statm: not understood") }
        return pages * Int(sysconf(CInt(_SC_PAGESIZE)))
    }

    // MARK: The clients' side

    /// Plays clients, each with connections of its own: connects and joins them, says so on standard output, and stays
    /// until standard input ends.
    public static func hold(updates: String, prompts: String, of total: Int, from first: Int, count: Int) throws {
        let files = try OpenFiles(raisedTo: OpenFiles.own + descriptorsEach * count)
        guard files.limit >= descriptorsEach * count else {
            throw BenchmarkError("\(count) clients need \(descriptorsEach * count) open files, found \(files.limit)")
        }
        let context = try Context(maximumSockets: 2 * count + 16)
        let configuration = try LoadedAggregator.configuration(clients: total, [])
        let endpoints = RunConfiguration.Endpoints(updates: updates, prompts: prompts)
        let connections = try configuration.clients[first..<first + count].map {
            try LoadConnection(context, endpoints: endpoints, clients: [$0])
        }
        try join(connections)
        try StandardOutput.write(ready)
        try StandardOutput.flush()
        while readLine() != nil {}
        withExtendedLifetime(connections) {}
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
