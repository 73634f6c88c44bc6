import Federation
import PromptWire
import Synchronization
import ZeroMQTransport

/// Listens to an aggregator's beacons without taking part.
actor BeaconListener {
    nonisolated let loop: PollLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private var links: WorkerLinks?
    private let heard: @Sendable (AggregatorMessage.Beacon) -> Void
    private let problem: @Sendable (WireError) -> Void

    /// - Parameters:
    ///   - heard: called on the listener's thread.
    ///   - problem: called there for what cannot be understood.
    init(
        heard: @escaping @Sendable (AggregatorMessage.Beacon) -> Void, problem: @escaping @Sendable (WireError) -> Void
    ) throws {
        self.problem = problem
        self.heard = heard
        loop = try PollLoop(name: "beacons")
    }

    func listen(to endpoints: RunConfiguration.Endpoints, security: Security) throws {
        let (heard, problem) = (heard, problem)
        links = try WorkerLinks(endpoints: endpoints, security: security, topics: [.all], loop: loop) { messages in
            for (_, payload) in messages {
                do throws(WireError) {
                    if case .beacon(let beacon) = try AggregatorCodec.decode(payload).message { heard(beacon) }
                } catch {
                    problem(error)
                }
            }
        }
    }

    func close() { links?.close() }
}
