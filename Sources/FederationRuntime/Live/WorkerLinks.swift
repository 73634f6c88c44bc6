import Federation
import PromptWire
import ZeroMQTransport

/// A worker's two sockets: PUSH to the aggregator, SUB from it. Used on the loop's thread.
///
/// An observer has them too, and only listens.
final class WorkerLinks {
    private let updates: Port<Push>
    private let prompts: Port<Sub>

    /// - Parameters:
    ///   - topics: what to listen to.
    ///   - receive: called on the loop's thread with the topics and payloads that have arrived.
    /// - Throws: `TransportError`.
    init(
        endpoints: RunConfiguration.Endpoints, topics: [Topic], loop: PollLoop,
        receive: @escaping @Sendable ([(topic: [UInt8], payload: [UInt8])]) -> Void
    ) throws {
        let context = try Context()
        var options = SocketOptions()
        options.reconnectMaximum = .seconds(2)
        options.maximumMessageBytes = Int64(WireLimits().messageBytes)
        let push = try Socket<Push>(context, options: options)
        try push.connect(endpoints.updates)
        let subscriber = try Socket<Sub>(context, options: options)
        for topic in topics { try subscriber.subscribe(topic.bytes) }
        try subscriber.connect(endpoints.prompts)
        updates = loop.attach(push)
        prompts = loop.receive(from: subscriber) { messages in
            receive(
                messages.compactMap {
                    $0.count == 2 ? (topic: $0[0].bytes, payload: $0[1].bytes) : nil
                })
        }
    }

    /// Queues a message; what gets lost is sent again by the client's own care.
    func send(_ message: ClientMessage) throws { _ = try updates.socket.send(ClientCodec.encode(message)) }

    func close() {
        updates.close()
        prompts.close()
    }
}
