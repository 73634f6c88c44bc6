import Federation
import PromptWire
import ZeroMQTransport

/// Listens to an aggregator's beacons without taking part.
package actor BeaconListener {
    package nonisolated let loop: PollLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private var prompts: Port<Sub>?
    private var connections: Port<Monitor>?
    private let heard: @Sendable (AggregatorMessage.Beacon) -> Void
    private let problem: @Sendable (WireError) -> Void
    private let refused: @Sendable (WorkerLinks.Refusal) -> Void

    /// - Parameters:
    ///   - heard: called on the listener's thread.
    ///   - problem: called there for what cannot be understood.
    ///   - refused: called there when the connection is refused.
    package init(
        heard: @escaping @Sendable (AggregatorMessage.Beacon) -> Void, problem: @escaping @Sendable (WireError) -> Void,
        refused: @escaping @Sendable (WorkerLinks.Refusal) -> Void = { _ in }
    ) throws {
        self.heard = heard
        self.problem = problem
        self.refused = refused
        loop = try PollLoop(name: "beacons")
    }

    /// - Parameter endpoint: where the aggregator publishes.
    package func listen(to endpoint: String, security: Security) throws {
        let (heard, problem, refused) = (heard, problem, refused)
        var options = WorkerLinks.options
        options.security = security
        let subscriber = try Socket<Sub>(try Context(), options: options)
        let monitor = try subscriber.monitor()
        try subscriber.subscribe(Topic.all.bytes)
        try subscriber.connect(endpoint)
        connections = loop.receive(from: monitor) { events in
            for event in events { if let refusal = WorkerLinks.Refusal(event) { refused(refusal) } }
        }
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
        connections?.close()
        loop.stopAndWait()
    }
}
