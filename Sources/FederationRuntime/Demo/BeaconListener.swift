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

    /// - Parameter heard: called on the listener's thread.
    public init(heard: @escaping @Sendable (AggregatorMessage.Beacon) -> Void) throws {
        self.heard = heard
        loop = try PollLoop(name: "beacons")
    }

    public func listen(to endpoints: RunConfiguration.Endpoints) throws {
        let heard = heard
        links = try WorkerLinks(endpoints: endpoints, topics: [.all], loop: loop) { messages in
            for (_, payload) in messages {
                if let envelope = try? AggregatorCodec.decode(payload), case .beacon(let beacon) = envelope.message {
                    heard(beacon)
                }
            }
        }
    }

    public func close() { links?.close() }
}
