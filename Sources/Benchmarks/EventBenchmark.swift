import Federation
import PromptAggregation

/// Times what single events cost the aggregator's core with many clients, without sockets or a log.
public struct EventBenchmark: Sendable {
    public struct Row: Hashable, Sendable {
        public let clients: Int
        /// One heartbeat of a client that trains, in the mean.
        public let heartbeat: Duration
        /// One update that is accepted and followed by the client's next task, flushes included, in the mean.
        public let update: Duration
        /// The event that has all clients, idle until then, given a task.
        public let dispatch: Duration
        /// Of resident memory, by how much it had grown for each client.
        public let bytesPerClient: Int
    }

    public let clients: Int
    private static let heartbeats = 200_000
    private static let updates = 20_000
    private static let session: UInt64 = 1
    static let run: UInt64 = 1

    public init(clients: Int) { self.clients = max(2, clients) }

    public func run() throws -> Row {
        let before = try residentBytes()
        var names = (0..<clients).map { ClientID("client-\($0)") }
        var random = SeededRandom(seed: 1)
        names.shuffle(using: &random)
        var aggregator = try Self.aggregator(clients: clients)
        var now = Timestamp(nanoseconds: 1)
        func handle(_ message: ClientMessage) -> [AggregatorEffect] {
            now = now + .microseconds(1)
            return aggregator.handle(AggregatorEvent(time: now, kind: .received(message)))
        }
        _ = aggregator.handle(AggregatorEvent(time: now, kind: .started))
        for name in names.dropLast() {
            _ = handle(.hello(.init(client: name, session: Self.session, sampleCount: 100)))
        }
        let clock = ContinuousClock()
        var effects: [AggregatorEffect] = []
        let dispatch = clock.measure {
            effects = handle(.hello(.init(client: names[clients - 1], session: Self.session, sampleCount: 100)))
        }
        let tasks = Self.tasks(in: effects)
        guard tasks.count == clients else { throw BenchmarkError("\(tasks.count) of \(clients) clients got a task") }

        let heartbeats = (0..<Self.heartbeats).map { _ in
            let task = tasks[Int(random.next(upperBound: UInt64(tasks.count)))]
            return ClientMessage.heartbeat(
                .init(
                    client: task.client, session: Self.session, activity: .training, task: task.number, outstanding: 0))
        }
        let beating = clock.measure { for heartbeat in heartbeats { _ = handle(heartbeat) } }
        let state = aggregator.current.state
        // In the order in which the tasks were given.
        var given = tasks
        let updating = clock.measure {
            for round in 0..<Self.updates where round < given.count {
                given += Self.tasks(in: handle(.update(Self.update(for: given[round], state))))
            }
        }
        guard aggregator.counts.accepted == Self.updates else {
            throw BenchmarkError("\(aggregator.counts.accepted) of \(Self.updates) updates were accepted")
        }
        let bytes = try residentBytes() - before
        return Row(
            clients: clients, heartbeat: beating / Self.heartbeats, update: updating / Self.updates,
            dispatch: dispatch, bytesPerClient: bytes / clients)
    }

    /// A core that waits for all its clients, with a pool of two prompts.
    static func aggregator(clients: Int) throws -> Aggregator {
        let values = Tensor(shape: [2, 4], values: [Float](repeating: 0, count: 8))
        let state = PromptState(parameters: Parameters([(Parameters.prompts, values)]), promptIDs: [0, 1])
        let configuration = FederationConfiguration(
            seed: 1, mode: .buffered(.init(size: max(64, clients / 20), flushAfter: nil)), maximumStaleness: 1000,
            clientsToStart: clients, maximumClients: clients, lease: .seconds(3600), heartbeat: .seconds(60),
            beacon: .seconds(60))
        return try Aggregator(
            configuration: configuration, run: run,
            strategy: try StrategyCatalog.make(
                name: "fedbuff", settings: StrategySettings(), initial: state, seed: 1))
    }

    static func tasks(in effects: [AggregatorEffect]) -> [AggregatorMessage.Task] {
        effects.compactMap { if case .publish(_, .task(let task)) = $0 { task } else { nil } }
    }

    private static func update(for task: AggregatorMessage.Task, _ state: PromptState) -> ClientMessage.Update {
        .init(
            client: task.client, session: session, run: run, task: task.number, baseVersion: task.version,
            sampleCount: 100, parameters: state.parameters, promptIDs: state.promptIDs, metrics: [])
    }
}
