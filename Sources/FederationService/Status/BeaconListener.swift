import Federation
import PromptWire
import ZeroMQTransport

/// Listens to an aggregator's beacons without taking part.
package actor BeaconListener {
    package nonisolated let loop: PollLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private var prompts: Port<Sub>?
    private var connection: ConnectionWatch?
    private let heard: @Sendable (AggregatorMessage.Beacon) -> Void
    private let problem: @Sendable (WireError) -> Void
    private let reached: @Sendable (Reach) -> Void

    /// - Parameters:
    ///   - heard: called on the listener's thread.
    ///   - problem: called there for what cannot be understood.
    ///   - reached: called there when the connection comes to another state.
    package init(
        heard: @escaping @Sendable (AggregatorMessage.Beacon) -> Void, problem: @escaping @Sendable (WireError) -> Void,
        reached: @escaping @Sendable (Reach) -> Void = { _ in }
    ) throws {
        self.heard = heard
        self.problem = problem
        self.reached = reached
        loop = try PollLoop(name: "beacons")
    }

    /// - Parameter endpoint: where the aggregator publishes.
    package func listen(to endpoint: String, security: Security) throws {
        let (heard, problem) = (heard, problem)
        var options = WorkerLinks.options
        options.security = security
        let subscriber = try Socket<Sub>(try Context(), options: options)
        let monitor = try subscriber.monitor()
        try subscriber.subscribe(Topic.all.bytes)
        try subscriber.connect(endpoint)
        connection = ConnectionWatch(monitor, on: loop, changed: reached)
        prompts = loop.receive(from: subscriber) { messages in
            for message in messages where message.count == 2 {
                do throws(WireError) {
                    if case .beacon(let beacon) = try AggregatorCodec.decode(message[1].bytes).message { heard(beacon) }
                } catch {
                    problem(error)
                }
            }
        }
    }

    package func close() {
        prompts?.close()
        connection?.close()
        loop.stopAndWait()
    }
}
