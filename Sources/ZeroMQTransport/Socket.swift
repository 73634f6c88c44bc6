import CZeroMQ

/// A ZeroMQ socket. It has one owner, who may pass it on; it closes when the owner lets go of it. No operation waits,
/// except `receive(within:)`.
public struct Socket<Kind: SocketKind>: ~Copyable {
    let handle: SocketHandle

    /// - Throws: `TransportError` if an option has a value that is not allowed, or the context has too many sockets.
    public init(_ context: Context, options: SocketOptions = SocketOptions()) throws(TransportError) {
        let handle = try SocketHandle(context, type: Kind.type)
        try options.apply(to: handle)
        self.handle = handle
    }

    /// Listens at an endpoint (`tcp://127.0.0.1:5555`, `tcp://[::1]:5555`, `tcp://localhost:5555`, `tcp://*:*`,
    /// `ipc:///run/a.sock`, `inproc://a`). A name stands for its IPv4 address where it has one; waits for the name
    /// service then.
    /// - Returns: The endpoint with its wildcards and names resolved.
    @discardableResult
    public borrowing func bind(_ endpoint: String) throws(TransportError) -> String {
        try handle.set(ZMQ_IPV6, AddressFamily.needsIPv6(endpoint) ? 1 : 0, name: "IPv6")
        try handle.attach(.bind, AddressFamily.bindable(endpoint), zmq_bind)
        return try handle.lastEndpoint()
    }

    /// Stops listening; existing connections stay.
    public borrowing func unbind(_ endpoint: String) throws(TransportError) {
        try handle.attach(.unbind, endpoint, zmq_unbind)
    }

    /// Connects to an endpoint, now or whenever it comes up, and again if the connection is lost. A host that does
    /// not exist is therefore no error. Waits for the name service where the host is a name, to choose between IPv4,
    /// where it has an address of that, and IPv6.
    public borrowing func connect(_ endpoint: String) throws(TransportError) {
        try handle.set(ZMQ_IPV6, AddressFamily.needsIPv6(endpoint) ? 1 : 0, name: "IPv6")
        try handle.attach(.connect, endpoint, zmq_connect)
    }

    /// Ends the connection to an endpoint that `connect` was given.
    public borrowing func disconnect(_ endpoint: String) throws(TransportError) {
        try handle.attach(.disconnect, endpoint, zmq_disconnect)
    }
}

extension Socket where Kind: SendingKind {
    /// Queues a message of one frame.
    /// - Returns: False if it was not taken, because no peer is there or no queue has room. Pub and XPub take every
    ///   message and drop it for slow subscribers.
    public borrowing func send(_ payload: [UInt8]) throws(TransportError) -> Bool {
        try handle.send(payload.span.bytes, more: false)
    }

    /// Queues a message of one frame.
    public borrowing func send(_ payload: RawSpan) throws(TransportError) -> Bool {
        try handle.send(payload, more: false)
    }

    /// Queues a message of a topic and a payload.
    @discardableResult
    public borrowing func send(topic: [UInt8], payload: [UInt8]) throws(TransportError) -> Bool {
        try send(frames: [topic, payload])
    }

    /// Queues a message of several frames, all of them or none.
    public borrowing func send(frames: [[UInt8]]) throws(TransportError) -> Bool {
        for (index, frame) in frames.enumerated() {
            guard try handle.send(frame.span.bytes, more: index < frames.count - 1) else { return false }
        }
        return true
    }
}

extension Socket where Kind: ReceivingKind {
    /// The next message that has arrived, or nil if there is none.
    public borrowing func receive() throws(TransportError) -> Message? {
        try handle.receive()
    }

    /// Waits for a message, at most for `timeout`, and blocks the thread meanwhile.
    public borrowing func receive(within timeout: Duration) throws(TransportError) -> Message? {
        if let message = try handle.receive() { return message }
        guard try handle.waitForMessage(within: timeout) else { return nil }
        return try handle.receive()
    }
}

extension Socket where Kind == XPub {
    /// Receive each subscription, not only the first one to a topic.
    public borrowing func reportEverySubscription() throws(TransportError) {
        try handle.set(ZMQ_XPUB_VERBOSE, 1, name: "XPUB verbose")
    }
}

extension Socket where Kind == Sub {
    /// Receive messages whose first frame starts with `topic`; the empty topic stands for all.
    public borrowing func subscribe(_ topic: [UInt8]) throws(TransportError) {
        try handle.set(ZMQ_SUBSCRIBE, bytes: topic, name: "subscription")
    }

    /// Ends a subscription.
    public borrowing func unsubscribe(_ topic: [UInt8]) throws(TransportError) {
        try handle.set(ZMQ_UNSUBSCRIBE, bytes: topic, name: "subscription")
    }
}
