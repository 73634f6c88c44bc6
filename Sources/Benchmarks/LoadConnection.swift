import Federation
import FederationService
import PromptAggregation
import PromptWire
import RunSettings
import ZeroMQTransport

/// A worker's connection as a benchmark needs it: clients that train nothing. Its
/// methods block, so it belongs to a thread of its own.
final class LoadConnection {
    private let push: Socket<Push>
    private let subscriber: Socket<Sub>
    let clients: [ClientID]
    /// The last task of each client whose update was acknowledged.
    private(set) var acknowledged: [ClientID: UInt64] = [:]
    /// All that came, also of updates that were sent again.
    private(set) var acknowledgements = 0
    /// The run that the aggregator belongs to, once it was heard.
    private(set) var run: UInt64 = 0
    /// The newest version heard of; versions are heard of only where `hearsAll`.
    private(set) var version: Version = -1
    private(set) var tasks: [ClientID: AggregatorMessage.Task] = [:]

    /// Clients that are not yet welcome.
    private(set) var waiting: Set<ClientID>

    static let session: UInt64 = 1
    /// What a client waits for an answer before a benchmark gives up.
    static let patience: Duration = .seconds(60)

    /// - Parameter hearsAll: whether published states and beacons are read too.
    init(
        _ context: Context, endpoints: RunConfiguration.Endpoints, security: Security = .none, clients: [ClientID],
        hearsAll: Bool = false
    ) throws {
        self.clients = clients
        waiting = Set(clients)
        var options = WorkerLinks.options
        options.security = security
        // A goodbye that is dropped is made good by the lease, which benchmarks do not wait for.
        options.linger = Self.patience
        push = try Socket<Push>(context, options: options)
        subscriber = try Socket<Sub>(context, options: options)
        for client in clients { try subscriber.subscribe(Topic.client(client).bytes) }
        if hearsAll { try subscriber.subscribe(Topic.all.bytes) }
        try push.connect(endpoints.updates)
        try subscriber.connect(endpoints.prompts)
    }

    /// Says hello for each client that is not yet welcome.
    func greet() throws {
        for client in clients where waiting.contains(client) {
            try send(
                ClientCodec.encode(
                    .hello(
                        .init(client: client, session: Self.session, sampleCount: 100))))
        }
    }

    /// Greets and waits until all are welcome; greets again now and then, as a hello may come before its client's
    /// subscription.
    func join() throws {
        let deadline = ContinuousClock.now + Self.patience
        while !waiting.isEmpty {
            guard .now < deadline else { throw BenchmarkError("\(waiting.count) clients were not welcomed in time") }
            try greet()
            let pause = ContinuousClock.now + .milliseconds(300)
            while !waiting.isEmpty, try next(within: pause - .now) != nil {}
        }
    }

    /// Says which task a client has: one that was published before its subscription is there is published again.
    func sendHeartbeat(of client: ClientID) throws {
        let heartbeat = ClientMessage.Heartbeat(
            client: client, session: Self.session, activity: .training, task: tasks[client]?.number ?? 0, outstanding: 0
        )
        try send(ClientCodec.encode(.heartbeat(heartbeat)))
    }

    func leave() throws {
        for client in clients { try send(ClientCodec.encode(.goodbye(.init(client: client, session: Self.session)))) }
    }

    /// Queues bytes; waits where there is no room.
    func send(_ bytes: [UInt8]) throws {
        while try !push.send(bytes) { pauseBriefly() }
    }

    /// The next message, noted in the properties; nil where none comes in time.
    func next(within timeout: Duration) throws -> AggregatorMessage? {
        guard let arrived = try subscriber.receive(within: max(.zero, timeout)) else { return nil }
        let envelope = try arrived.payload.withUnsafeBytes { bytes throws(WireError) in
            try AggregatorCodec.decode(bytes)
        }
        run = envelope.origin.run
        let message = envelope.message
        switch message {
        case .ack(let ack):
            acknowledged[ack.client] = ack.task
            acknowledgements += 1
        case .task(let task): tasks[task.client] = task
        case .prompts(let prompts): version = max(version, prompts.version)
        case .reject(let reject) where reject.code == .finished: break
        case .reject(let reject): throw BenchmarkError("\(reject.client) was rejected: \(reject.reason)")
        case .refuse(let refuse): throw BenchmarkError("\(refuse.client) was refused: \(refuse.reason)")
        case .malformed(let it): throw BenchmarkError("\(it.client) was not understood: \(it.reason)")
        case .welcome(let welcome):
            waiting.remove(welcome.client)
            try sendHeartbeat(of: welcome.client)
        case .beacon, .sayHello, .evaluate: break
        }
        return message
    }

    /// Reads until something has come about.
    func wait(until condition: () -> Bool) throws {
        let deadline = ContinuousClock.now + Self.patience
        while !condition() {
            guard try next(within: deadline - .now) != nil else {
                throw BenchmarkError("the aggregator was silent for \(Self.patience)")
            }
        }
    }
}

/// Why a benchmark gives no figures.
public struct BenchmarkError: Error, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
