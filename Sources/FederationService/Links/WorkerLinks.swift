import Federation
import PromptWire
import RunSettings
import ZeroMQTransport

/// A worker's two sockets: PUSH to the aggregator, SUB from it. Used on the loop's thread.
package final class WorkerLinks {
    private let updates: Port<Push>
    private let prompts: Port<Sub>
    private let connections: Port<Monitor>

    /// Why the aggregator cannot be talked to.
    package enum Refusal: Sendable {
        /// It does not know the key. ZeroMQ does not try again.
        case keyUnknown
        /// One side has keys and the other has none, or the aggregator's key is another one. ZeroMQ goes on trying.
        case handshakeFailed

        /// nil for an event that is none.
        init?(_ message: Message) {
            switch ConnectionEvent(message)?.kind {
            case .authenticationFailed: self = .keyUnknown
            case .handshakeFailed: self = .handshakeFailed
            default: return nil
            }
        }

        package var words: String {
            switch self {
            case .keyUnknown: "the aggregator does not know this key"
            case .handshakeFailed:
                "cannot agree on a connection: do both sides have security.keys, and the same aggregator's key?"
            }
        }
    }

    /// How workers and observers connect, but for the keys.
    ///
    /// A machine that vanishes closes nothing, and by itself TCP goes on for many minutes. So a silent connection is
    /// probed, and one that is not answered is made anew; then the aggregator's name is looked up again, which may have
    /// another address.
    package static var options: SocketOptions {
        var options = SocketOptions()
        options.reconnectMaximum = .seconds(2)
        options.connectTimeout = .seconds(5)
        options.keepalive = .init(idle: .seconds(5), interval: .seconds(5), count: 2)
        options.unansweredTimeout = .seconds(15)
        options.maximumMessageBytes = Int64(WireLimits().messageBytes)
        return options
    }

    /// - Parameters:
    ///   - topics: what to listen to.
    ///   - refused: called on the loop's thread when a connection is refused.
    ///   - receive: called on the loop's thread with the topics and payloads that have arrived.
    /// - Throws: `TransportError`.
    init(
        endpoints: RunConfiguration.Endpoints, security: Security = .none, topics: [Topic], loop: PollLoop,
        refused: @escaping @Sendable (Refusal) -> Void = { _ in },
        receive: @escaping @Sendable ([(topic: [UInt8], payload: [UInt8])]) -> Void
    ) throws {
        let context = try Context()
        var options = Self.options
        options.security = security
        let push = try Socket<Push>(context, options: options)
        let monitor = try push.monitor()
        try push.connect(endpoints.updates)
        let subscriber = try Socket<Sub>(context, options: options)
        for topic in topics { try subscriber.subscribe(topic.bytes) }
        try subscriber.connect(endpoints.prompts)
        connections = loop.receive(from: monitor) { events in
            for event in events { if let refusal = Refusal(event) { refused(refusal) } }
        }
        updates = loop.attach(push)
        prompts = loop.receive(from: subscriber) { messages in
            receive(
                messages.compactMap {
                    $0.count == 2 ? (topic: $0[0].bytes, payload: $0[1].bytes) : nil
                })
        }
    }

    /// Queues a message; what gets lost is sent again by the client's own care.
    package func send(_ message: ClientMessage) throws { _ = try updates.socket.send(ClientCodec.encode(message)) }

    package func close() {
        updates.close()
        prompts.close()
        connections.close()
    }
}
