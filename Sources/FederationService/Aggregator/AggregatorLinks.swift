import Federation
import PromptWire
import RunLog
import RunSettings
import ZeroMQTransport

/// The aggregator's two sockets: PULL for what clients send, XPUB for what it publishes. Used on the loop's thread.
///
/// With keys, only those on the allow list connect, and a client's own topic goes to those alone who may speak for it.
package final class AggregatorLinks {
    /// One message as it came.
    package struct Incoming: Sendable {
        private let message: Message
        /// The name of the sender's key, nil without keys.
        package let sender: String?

        fileprivate init(_ message: Message) {
            self.message = message
            sender = message.userID
        }

        package var byteCount: Int { message.byteCount }
        package var frameCount: Int { message.count }

        /// Who answers for it, nil where it came from within the process.
        var party: Party? { sender.map { .key($0) } ?? message.connection.map { .connection($0) } }

        fileprivate var connection: CInt? { message.connection }

        /// The bytes, without a copy. A client's message has one frame. Of more frames this gives an empty span, which
        /// the decoder rejects.
        package func withBytes<Result>(_ body: (RawSpan) throws -> Result) rethrows -> Result {
            guard message.count == 1 else { return try body(RawSpan()) }
            return try message.payload.withUnsafeBytes { bytes in try body(bytes.bytes) }
        }
    }

    /// As they were bound, wildcards of ports resolved.
    package let endpoints: RunConfiguration.Endpoints
    private let gate: PeerGate
    private let updates: Port<Pull>
    private let prompts: Port<XPub>
    private let authenticator: Authenticator?
    private let offences = Offences()

    /// Bytes of states that may wait for one slow subscriber, and messages: beyond both it loses some; states and
    /// beacons are repeated. Acknowledgements and tasks of a worker's many clients come in bursts, so it has room for
    /// some hundreds.
    private static let sendBytes = 64 << 20
    private static let sendHighWater = 256...1000
    /// Bytes of updates, each as large as a state, that may wait to be read if every client is a process of its own, and
    /// messages of each connection: what is beyond waits with the workers.
    private static let receiveBytes = 1 << 30
    private static let receiveHighWater = 2...64
    /// Nothing comes in where states are published but subscriptions, whose longest topic has 67 bytes, and handshakes. Who
    /// sends more is cut off: ZeroMQ keeps a node of some tens of bytes for each byte of a topic.
    private static let subscriptionBytes: Int64 = 1024
    /// Who answers no probe for so long is gone, and who reads nothing for so long is stopped: its connection is closed,
    /// and what waits for it let go.
    private static let patience: Duration = .seconds(60)

    /// - Parameters:
    ///   - fallback: what to bind in place of an endpoint that differs from it and cannot be bound.
    ///   - stateBytes: of a published state.
    ///   - largestState: bytes as float32 of the largest state that the run may come to.
    ///   - clients: that are expected.
    ///   - room: connections that may exist at a time, on both sockets together.
    ///   - crowded: called on a thread of its own when connections are turned away, at most for each doubling.
    ///   - keys: the aggregator's key and who may connect; nil lets anybody in.
    ///   - batch: the most messages that `receive` gets at a time.
    ///   - denied: called on the loop's thread for each connection with a key that is not on the list.
    ///   - receive: called on the loop's thread with all messages that have arrived.
    /// - Throws: `TransportError`, for an address in use among others.
    package init(
        endpoints: RunConfiguration.Endpoints, orElse fallback: RunConfiguration.Endpoints,
        keys: (key: CurveSecretKey, allowed: AllowedKeys)?, loop: PollLoop,
        batch: Int, stateBytes: Int, largestState: Int, clients: Int, room: Int,
        crowded: @escaping @Sendable (PeerGate.Counts) -> Void,
        denied: @escaping @Sendable (ConnectionRequest) -> Void, receive: @escaping @Sendable ([Incoming]) -> Void
    ) throws {
        let context = try Context()
        var options = SocketOptions()
        options.sendHighWater = Self.messages(in: Self.sendBytes, of: stateBytes, within: Self.sendHighWater)
        options.receiveHighWater = Self.messages(
            in: Self.receiveBytes / max(1, clients), of: stateBytes, within: Self.receiveHighWater)
        options.maximumMessageBytes = Int64(Self.transportBytes(largestState: largestState))
        options.backlog = 4096
        options.keepalive = .init(idle: Self.patience / 3, interval: Self.patience / 3, count: 3)
        options.unansweredTimeout = Self.patience
        if let keys {
            options.security = .curveServer(key: keys.key)
            authenticator = try Authenticator(context, on: loop) { [allowed = keys.allowed, offences] request in
                guard let name = allowed.name(of: request.key) else {
                    denied(request)
                    return .deny
                }
                return offences.isLockedOut(.key(name), at: .now) ? .postpone : .allow(userID: name)
            }
        } else {
            authenticator = nil
        }
        let pull = try Socket<Pull>(context, options: options)
        options.maximumMessageBytes = Self.subscriptionBytes
        let publisher = try Socket<XPub>(context, options: options)
        gate = try PeerGate(room: room, crowded: crowded)
        try gate.watch(pull)
        try gate.watch(publisher)
        let bound = RunConfiguration.Endpoints(
            updates: try Self.bind(pull, endpoints.updates, orElse: fallback.updates),
            prompts: try Self.bind(publisher, endpoints.prompts, orElse: fallback.prompts))
        self.endpoints = bound
        updates = loop.receive(from: pull, batch: batch) { messages in receive(messages.map(Incoming.init)) }
        if let keys {
            prompts = try loop.publish(from: publisher) { [allowed = keys.allowed] topic, sender in
                Self.permits(sender, toHear: topic, allowed)
            }
        } else {
            // Subscriptions need no answer, as a hello follows; they are read so that they do not pile up.
            prompts = loop.receive(from: publisher) { _ in }
        }
    }

    /// A message that is larger than a client's may be is answered. One that is larger than this ends its connection when
    /// its first bytes come, before memory is taken for it and before ZeroMQ's thread decrypts it, which serves all others.
    ///
    /// - Parameter largestState: bytes as float32 of the largest state that the run may come to.
    package static func transportBytes(largestState: Int) -> Int {
        2 * TravelLimits.clientMessageBytes(largestState: largestState)
    }

    private static func messages(in bytes: Int, of size: Int, within range: ClosedRange<Int>) -> Int {
        min(max(bytes / max(1, size), range.lowerBound), range.upperBound)
    }

    /// Ends all connections. Those who may come again do so at once, by the keys that are allowed then.
    package func hangUp() { gate.hangUpAll() }

    /// Notes that a message came to nothing. Who sends too much of such is cut off, and a key is let in again after
    /// `Offences.sentence`.
    /// - Returns: whether its sender has now sent too much.
    package func noteOffence(_ message: Incoming) -> Bool {
        guard let party = message.party else { return false }
        let isTooMuch = offences.note(party, bytes: message.byteCount, at: .now)
        if isTooMuch || offences.isLockedOut(party, at: .now), let connection = message.connection {
            gate.hangUp(connection)
        }
        return isTooMuch
    }

    /// Who is connected and who was not let in.
    package var peers: PeerGate.Counts { gate.counts }

    private static func bind<Kind>(
        _ socket: borrowing Socket<Kind>, _ endpoint: String, orElse fallback: String
    ) throws -> String {
        if endpoint != fallback, let bound = try? socket.bind(endpoint) { return bound }
        return try socket.bind(fallback)
    }

    /// Whether the holder of a key gets what is published on a topic.
    private static func permits(_ sender: String?, toHear topic: [UInt8], _ allowed: AllowedKeys) -> Bool {
        guard let sender, let topic = try? Topic(bytes: topic) else { return false }
        switch topic {
        case .all: return allowed.contains(sender)
        case .client(let client): return allowed.permits(sender, toSpeakFor: client)
        }
    }

    package func publish(_ payload: [UInt8], on topic: Topic) throws {
        try prompts.socket.send(topic: topic.bytes, payload: payload)
    }

    package func close() {
        updates.close()
        prompts.close()
        authenticator?.close()
    }
}
