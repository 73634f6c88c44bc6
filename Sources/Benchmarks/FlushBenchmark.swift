import Federation
import Foundation
import PromptAggregation
import PromptWire
import RunLog
import RunSettings
import ZeroMQTransport

/// Times how long clients wait for acknowledgements while a large flush is aggregated, in turns with nothing to aggregate:
/// once with flushes beside the loop, once with flushes within an event.
///
/// All clients answer a task, which fills the buffer. Then they send their updates again, one after another, each of which
/// is acknowledged as a duplicate, until the version is there; and as many again when it is.
public struct FlushBenchmark: Sendable {
    public struct Row: Hashable, Sendable {
        /// Whether flushes are aggregated beside the loop.
        public let isBeside: Bool
        /// From the last update of a flush to its version, the median.
        public let flush: Duration
        public let quiet: Figures
        public let meanwhile: Figures
    }

    /// Of acknowledgements.
    public struct Figures: Hashable, Sendable {
        public let count: Int
        public let median: Duration
        /// 99 % were faster.
        public let slow: Duration
        public let slowest: Duration

        init(_ times: [Duration]) {
            count = times.count
            median = times.quantile(0.5)
            slow = times.quantile(0.99)
            slowest = times.max() ?? .zero
        }
    }

    public let clients: Int
    /// Prompts in the pool, of 768 values each.
    public let pool: Int
    public let rounds: Int
    private static let touched = 10
    /// Of the bundled encoder's width of 192.
    private static let depth = 4

    public init(clients: Int, pool: Int, rounds: Int) {
        self.clients = clients
        self.pool = pool
        self.rounds = rounds
    }

    /// - Parameter path: a folder on the disk that is measured, for a run that is new.
    public func run(isBeside: Bool, in path: String) async throws -> Row {
        let bound = isBeside ? 0 : 1 << 40
        let configuration = try LoadedAggregator.configuration(
            clients: clients,
            [
                "federation.buffer_size=\(clients)", "federation.clients_to_start=\(clients)",
                "federation.flush_beside_values=\(bound)", "strategy.name=pfpt-async", "prompts.pool=\(pool)",
                "prompts.depth=\(Self.depth)", "run.updates=0",
                // The updates that are sent again fill the log, and what its next file costs is not a flush's.
                "log.segment_bytes=\(1 << 36)",
            ])
        let folder = RunFolder(path: path + "/" + UUID().uuidString)
        return try await LoadedAggregator.run(configuration, in: folder) { endpoints in
            let connection = try LoadConnection(
                try Context(), endpoints: endpoints, clients: configuration.clients)
            try connection.join()
            var load = Load(connection: connection, pool: pool)
            for _ in 0..<rounds { try load.run() }
            return Row(
                isBeside: isBeside, flush: load.flushes.quantile(0.5), quiet: Figures(load.quiet),
                meanwhile: Figures(load.meanwhile))
        }
    }

    /// What the clients do.
    private struct Load {
        let connection: LoadConnection
        let pool: Int
        var flushes: [Duration] = []
        var quiet: [Duration] = []
        var meanwhile: [Duration] = []
        private var sent: [[UInt8]] = []
        /// The newest, by the tasks that begin with it: the states themselves would take time to read.
        private var version = 0
        private var random = SeededRandom(seed: 1)

        init(connection: LoadConnection, pool: Int) {
            self.connection = connection
            self.pool = pool
        }

        /// One version.
        mutating func run() throws {
            let (connection, clients) = (connection, connection.clients)
            let base = version
            try connection.wait { clients.allSatisfy { connection.tasks[$0]?.version == base } }
            sent = clients.map { update(for: connection.tasks[$0]!) }
            for update in sent.dropLast() { try connection.send(update) }
            try connection.wait { clients.dropLast().allSatisfy(isAcknowledged) }
            let start = ContinuousClock.now
            try connection.send(sent[sent.count - 1])
            try connection.wait { isAcknowledged(clients[clients.count - 1]) }
            meanwhile.append(.now - start)
            while connection.tasks[clients[0]]?.version == base { meanwhile.append(try sendAgain()) }
            flushes.append(.now - start)
            version += 1
            for _ in 0..<50 { quiet.append(try sendAgain()) }
        }

        private func isAcknowledged(_ client: ClientID) -> Bool {
            connection.acknowledged[client] == connection.tasks[client]?.number
        }

        /// Sends any client's last update again.
        /// - Returns: the time to its acknowledgement.
        private mutating func sendAgain() throws -> Duration {
            let index = Int(random.next(upperBound: UInt64(sent.count)))
            let before = connection.acknowledgements
            let start = ContinuousClock.now
            try connection.send(sent[index])
            try connection.wait { [connection] in connection.acknowledgements > before }
            return .now - start
        }

        /// Of ten prompts of the pool, and of a head.
        private mutating func update(for task: AggregatorMessage.Task) -> [UInt8] {
            let (touched, width) = (FlushBenchmark.touched, 192)
            let first = random.next(upperBound: UInt64(pool - touched + 1))
            let state = ReplayBenchmark.state(
                pool: touched, width: FlushBenchmark.depth * width, headWidth: width, first: first, &random)
            return LoadedAggregator.update(
                by: task.client, run: connection.run, task: task.number, base: task.version, state: state)
        }
    }
}
