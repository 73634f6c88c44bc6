import Federation
import PromptAggregation

/// Runs very many clients and their aggregator in virtual time, all of them the production cores, with a training that
/// changes nothing: what machinery and memory they take.
public struct CrowdBenchmark: Sendable {
    public struct Outcome: Hashable, Sendable {
        public let clients: Int
        /// Events of the aggregator and of all clients.
        public let events: Int
        public let updates: Int
        public let versions: Int
        public let seconds: Double
        /// Of resident memory, by how much it had grown for each client.
        public let bytesPerClient: Int

        public var eventsPerSecond: Double { Double(events) / seconds }
    }

    public let clients: Int
    /// Updates in all, for each client in the mean.
    private static let updatesEach = 2
    private static let latency: Duration = .milliseconds(1)

    public init(clients: Int) { self.clients = max(1, clients) }

    public func run() throws -> Outcome {
        let before = try residentBytes()
        var crowd = try Crowd(clients: clients)
        let start = ContinuousClock.now
        try crowd.run(untilUpdates: clients * Self.updatesEach)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let bytes = try residentBytes() - before
        return Outcome(
            clients: clients, events: crowd.events, updates: crowd.aggregator.counts.accepted,
            versions: crowd.aggregator.version, seconds: seconds, bytesPerClient: bytes / clients)
    }

    private struct Crowd {
        private enum Item {
            case toAggregator(ClientMessage)
            case toClient(Int, AggregatorMessage)
            case aggregatorDeadline
            case clientDeadline(Int)
            case trained(Int, TrainingOrder)
            case start(Int)
        }

        private(set) var aggregator: Aggregator
        private(set) var events = 0
        private var members: [Client] = []
        private var places: [ClientID: Int] = [:]
        private var queue = EventQueue<Item>()
        /// The numbers of the items for the deadlines.
        private var deadline: Int?
        private var deadlines: [Int?]
        private var random = SeededRandom(seed: 1)
        private var now = Timestamp(nanoseconds: 1)
        private let origin = Origin(run: EventBenchmark.run, epoch: 1)

        init(clients: Int) throws {
            aggregator = try EventBenchmark.aggregator(clients: clients)
            deadlines = Array(repeating: nil, count: clients)
            for index in 0..<clients {
                let id = ClientID("client-\(index)")
                members.append(Client(id: id, session: random.next(), sampleCount: 100))
                places[id] = index
                queue.push(.start(index), at: now + .seconds(10 * random.nextUniform()))
            }
        }

        mutating func run(untilUpdates most: Int) throws {
            take(.started)
            while aggregator.counts.accepted < most {
                guard let next = queue.pop() else { throw BenchmarkError("nothing is left to happen") }
                now = max(now, next.time)
                switch next.item {
                case .toAggregator(let message): take(.received(message))
                case .aggregatorDeadline: if deadline == next.number { take(.tick) }
                case .toClient(let index, let message): take(.received(message, from: origin), at: index)
                case .clientDeadline(let index): if deadlines[index] == next.number { take(.tick, at: index) }
                case .start(let index): take(.started, at: index)
                case .trained(let index, let order):
                    let state = order.base.state
                    take(
                        .trainingFinished(
                            .init(
                                task: order.task.number, baseVersion: order.base.version, parameters: state.parameters,
                                promptIDs: state.promptIDs, sampleCount: 100, metrics: [])), at: index)
                }
            }
        }

        private mutating func take(_ kind: AggregatorEvent.Kind) {
            events += 1
            let effects = aggregator.handle(AggregatorEvent(time: now, kind: kind))
            deadline = aggregator.nextDeadline.map { queue.push(.aggregatorDeadline, at: max($0, now)) }
            for case .publish(let topic, let message) in effects {
                switch topic {
                case .client(let client):
                    if let index = places[client] { queue.push(.toClient(index, message), at: now + latency) }
                case .all: for index in members.indices { queue.push(.toClient(index, message), at: now + latency) }
                }
            }
        }

        private mutating func take(_ kind: ClientEvent.Kind, at index: Int) {
            events += 1
            let effects = members[index].handle(ClientEvent(time: now, kind: kind))
            for effect in effects {
                switch effect {
                case .send(let message): queue.push(.toAggregator(message), at: now + latency)
                case .train(let order):
                    queue.push(.trained(index, order), at: now + .seconds(1 + 29 * random.nextUniform()))
                case .store(let update): take(.stored(update.id), at: index)
                default: break
                }
            }
            deadlines[index] = members[index].nextDeadline.map { queue.push(.clientDeadline(index), at: max($0, now)) }
        }
    }
}
