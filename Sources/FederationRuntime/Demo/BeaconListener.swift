import Federation
import PromptWire
import Synchronization
import ZeroMQTransport

/// Listens to an aggregator's beacons without taking part.
public actor BeaconListener {
    nonisolated let loop: PollLoop
    nonisolated public var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private var links: WorkerLinks?
    private let heard: @Sendable (AggregatorMessage.Beacon) -> Void
    private let problem: @Sendable (WireError) -> Void

    /// - Parameters:
    ///   - heard: called on the listener's thread.
    ///   - problem: called there for what cannot be understood.
    public init(
        heard: @escaping @Sendable (AggregatorMessage.Beacon) -> Void, problem: @escaping @Sendable (WireError) -> Void
    ) throws {
        self.problem = problem
        self.heard = heard
        loop = try PollLoop(name: "beacons")
    }

    public func listen(to endpoints: RunConfiguration.Endpoints) throws {
        let (heard, problem) = (heard, problem)
        links = try WorkerLinks(endpoints: endpoints, topics: [.all], loop: loop) { messages in
            for (_, payload) in messages {
                do throws(WireError) {
                    if case .beacon(let beacon) = try AggregatorCodec.decode(payload).message { heard(beacon) }
                } catch {
                    problem(error)
                }
            }
        }
    }

    public func close() { links?.close() }
}
