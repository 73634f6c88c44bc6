import Federation
import FederationService
import Foundation
import MessageLog
import PromptAggregation
import PromptWire
import RunLog
import RunSettings
import Synchronization
import ZeroMQTransport

/// Measures how many updates the live aggregator takes in: received, authenticated, logged, synced, applied and
/// acknowledged. Beside it, in turns: the same bytes through ZeroMQ alone, and through write and sync alone in groups of
/// the very sizes that the aggregator committed.
public struct IngestBenchmark: Sendable {
    public struct Outcome: Hashable, Sendable {
        public let updateBytes: Int
        /// Updates in one commit, in the median.
        public let group: Int
        /// Updates a second, in the median of the rounds.
        public let transport: Double
        public let disk: Double
        public let aggregator: Double

        public var slowestPart: Double { min(transport, disk) }
    }

    /// Of each round.
    public let updates: Int
    public let connections: Int
    public let rounds: Int
    /// Whether connections are encrypted and authenticated (CURVE), in all that is measured.
    public let hasKeys: Bool
    /// A client has one update on its way at a time, so many of them keep the aggregator busy.
    private static let clientsEach = 256

    public init(updates: Int, connections: Int, rounds: Int, hasKeys: Bool) {
        self.connections = max(1, connections)
        let clients = self.connections * Self.clientsEach
        self.updates = max(1, updates / clients) * clients
        self.rounds = max(1, rounds)
        self.hasKeys = hasKeys
    }

    /// - Parameter path: a folder on the disk that is measured.
    public func run(in path: String) async throws -> Outcome {
        var (transport, disk, aggregator, groups): ([Double], [Double], [Double], [Int]) = ([], [], [], [])
        var size = 0
        let keys = hasKeys ? KeyFolder(path: path + "/keys") : nil
        let configuration = try LoadedAggregator.configuration(
            clients: connections * Self.clientsEach,
            ["federation.buffer_size=64", "federation.maximum_staleness=100000", "run.updates=\(updates)"],
            keys: keys?.path)
        let load = try load(configuration)
        if let keys, try keys.makeAggregator() {
            for part in load { try keys.make(name: part.key, clients: part.clients.map(\.name)) }
        }
        size = load[0].payload.count
        for round in 0..<rounds {
            let folder = RunFolder(path: "\(path)/run-\(round)")
            aggregator.append(try await loadAggregator(configuration, folder, load, keys))
            transport.append(try await LoadedAggregator.onThread { try loadTransport(load, keys) })
            let committed = try folder.segments().flatMap { try Self.groups(of: folder.segment($0)) }
            groups += committed
            disk.append(try writeRaw(committed, bytes: size, to: "\(path)/raw-\(round)"))
            try? FileManager.default.removeItem(atPath: folder.path)
            try? FileManager.default.removeItem(atPath: "\(path)/raw-\(round)")
        }
        return Outcome(
            updateBytes: size, group: groups.sorted()[groups.count / 2], transport: Self.median(transport),
            disk: Self.median(disk), aggregator: Self.median(aggregator))
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    // MARK: The load

    /// What one connection sends.
    private struct Load: Sendable {
        let key: String
        let clients: [ClientID]
        /// An update of its clients.
        let payload: [UInt8]
    }

    private func load(_ configuration: RunConfiguration) throws -> [Load] {
        let state = try LoadedAggregator.blankState(configuration)
        let clients = configuration.clients
        return (0..<connections).map { connection in
            let own = Array(clients[connection * Self.clientsEach..<(connection + 1) * Self.clientsEach])
            return Load(
                key: "load-\(connection)", clients: own,
                payload: UpdateTemplate(client: own[0], run: 1, state: state).bytes)
        }
    }

    // MARK: What is measured

    /// Each client answers its task at once, until the run has all its updates.
    private func loadAggregator(
        _ configuration: RunConfiguration, _ folder: RunFolder, _ load: [Load], _ keys: KeyFolder?
    ) async throws -> Double {
        try await LoadedAggregator.run(configuration, in: folder) { endpoints in
            let context = try Context()
            let state = try LoadedAggregator.blankState(configuration)
            let acknowledged = Atomic<Int>(0)
            let time = try Self.inParallel(load.count) { index in
                let load = load[index]
                let security = try keys?.clientSide(name: load.key) ?? .none
                let connection = try LoadConnection(
                    context, endpoints: endpoints, security: security, clients: load.clients)
                try connection.join()
                let templates = Dictionary(
                    uniqueKeysWithValues: load.clients.map {
                        ($0, UpdateTemplate(client: $0, run: connection.run, state: state))
                    })
                return {
                    var answering = Answering(connection: connection, templates: templates)
                    try answering.begin()
                    let deadline = ContinuousClock.now + LoadConnection.patience
                    while acknowledged.load(ordering: .relaxed) < updates {
                        guard .now < deadline else { throw BenchmarkError("the updates were not taken in time") }
                        acknowledged.add(try answering.step(), ordering: .relaxed)
                    }
                    try connection.leave()
                }
            }
            return Double(updates) / time
        }
    }

    private func loadTransport(_ load: [Load], _ keys: KeyFolder?) throws -> Double {
        let loop = try PollLoop(name: "benchmark")
        defer { loop.stopAndWait() }
        let context = try Context()
        var options = SocketOptions()
        var authenticator: Authenticator?
        if let side = try keys?.aggregatorSide() {
            options.security = .curveServer(key: side.key)
            authenticator = try Authenticator(context, on: loop) { request in
                side.allowed.name(of: request.key).map { .allow(userID: $0) } ?? .deny
            }
        }
        defer { authenticator?.close() }
        let pull = try Socket<Pull>(context, options: options)
        let endpoint = try pull.bind("tcp://127.0.0.1:*")
        let arrived = Atomic<Int>(0)
        let port = loop.receive(from: pull) { arrived.add($0.count, ordering: .relaxed) }
        let senders = try Context()
        let time = try Self.inParallel(load.count) { index in
            var options = SocketOptions()
            options.security = try keys?.clientSide(name: load[index].key) ?? .none
            let push = try Socket<Push>(senders, options: options)
            try push.connect(endpoint)
            let box = PushBox(push)
            return {
                for _ in 0..<updates / load.count {
                    while try !box.socket.send(load[index].payload) { pauseBriefly() }
                }
                while arrived.load(ordering: .relaxed) < updates { pauseBriefly() }
            }
        }
        port.close()
        return Double(updates) / time
    }

    private final class PushBox {
        let socket: Socket<Push>
        init(_ socket: consuming Socket<Push>) { self.socket = socket }
    }

    private func writeRaw(_ groups: [Int], bytes size: Int, to path: String) throws -> Double {
        let file = try LogFile.create(path)
        let most = [UInt8](repeating: 7, count: (groups.max() ?? 1) * size)
        var place: UInt64 = 0
        let start = ContinuousClock.now
        for group in groups {
            try file.write(most.span.bytes.extracting(0..<group * size), at: place)
            try file.synchronize()
            place += UInt64(group * size)
        }
        return Double(groups.reduce(0, +)) / Self.seconds(.now - start)
    }

    /// The numbers of updates in the commits of a run.
    private static func groups(of log: String) throws -> [Int] {
        var reader = try LogReader(path: log)
        var groups: [Int] = []
        var chunk = -1
        while let message = try reader.next() {
            guard message.topic == PromptWire.LogChannel.received.rawValue, message.data.count > 1000 else { continue }
            if message.chunk == chunk { groups[groups.count - 1] += 1 } else { groups.append(1) }
            chunk = message.chunk
        }
        return groups
    }

    /// Prepares so many threads, then runs what each has prepared, all at once.
    /// - Returns: the seconds until the last was done.
    private static func inParallel(
        _ count: Int, _ prepare: @escaping @Sendable (Int) throws -> () throws -> Void
    ) throws -> Double {
        let (ready, go, done) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let failure = Mutex<(any Error)?>(nil)
        for index in 0..<count {
            Thread.detachNewThread {
                do {
                    let body = try prepare(index)
                    ready.signal()
                    go.wait()
                    try body()
                } catch {
                    failure.withLock { $0 = error }
                    ready.signal()
                }
                done.signal()
            }
        }
        for _ in 0..<count { ready.wait() }
        let start = ContinuousClock.now
        for _ in 0..<count { go.signal() }
        for _ in 0..<count { done.wait() }
        if let error = failure.withLock({ $0 }) { throw error }
        return seconds(.now - start)
    }

    private static func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }
}
