import CZeroMQ

/// Settings of a socket. They hold for endpoints that are bound or connected afterwards.
public struct SocketOptions: Sendable {
    /// Messages that may wait to be sent, for each peer. 0 means no limit.
    public var sendHighWater = 1000
    /// Messages that may wait to be received, for each peer. 0 means no limit. 2 to 4 is enough for large messages.
    public var receiveHighWater = 1000
    /// How long a closed socket continues to send what waits; nil for as long as it takes.
    public var linger: Duration? = .seconds(1)
    /// Queues messages only for peers that are connected, rather than also for those that may yet come.
    public var onlyConnectedPeers = false
    /// Larger messages close the connection that they come from. Bytes of one frame; nil for no limit.
    public var maximumMessageBytes: Int64?

    /// The first pause before a lost connection is tried again.
    public var reconnectInterval: Duration = .milliseconds(100)
    /// The pauses grow up to this one; nil keeps to the first.
    public var reconnectMaximum: Duration?
    /// How long one attempt to connect may take; nil leaves it to the system.
    public var connectTimeout: Duration?
    /// How long the handshake of a new connection may take.
    public var handshakeTimeout: Duration = .seconds(30)
    /// Connections that may wait to be accepted.
    public var backlog = 100

    /// TCP's probes of silent connections; nil leaves them to the system. ZeroMQ's own are not offered: libzmq ends the
    /// process if one is due on a connection that is full and whose peer has gone (`docs/decisions/0009`).
    public var keepalive: Keepalive?
    /// How long what was sent, a probe too, may go unanswered, or find no room, before the connection counts as lost
    /// (TCP_USER_TIMEOUT); nil leaves it to the system, which takes many minutes.
    public var unansweredTimeout: Duration?
    public var security = Security.none

    /// When a silent TCP connection is probed, and when it counts as lost.
    public struct Keepalive: Sendable {
        /// Silence before the first probe, whole seconds.
        public var idle: Duration
        /// Time between probes, whole seconds.
        public var interval: Duration
        /// Unanswered probes before the connection counts as lost.
        public var count: Int

        public init(idle: Duration, interval: Duration, count: Int) {
            self.idle = idle
            self.interval = interval
            self.count = count
        }
    }

    public init() {}

    func apply(to socket: SocketHandle) throws(TransportError) {
        try socket.set(ZMQ_SNDHWM, sendHighWater, name: "send high water")
        try socket.set(ZMQ_RCVHWM, receiveHighWater, name: "receive high water")
        try socket.set(ZMQ_LINGER, linger.map(\.wholeMilliseconds) ?? -1, name: "linger")
        try socket.set(ZMQ_IMMEDIATE, onlyConnectedPeers ? 1 : 0, name: "only connected peers")
        try socket.set(ZMQ_MAXMSGSIZE, wide: maximumMessageBytes ?? -1, name: "maximum message bytes")
        try applyConnecting(to: socket)
        try applyProbing(to: socket)
        try security.apply(to: socket)
    }

    private func applyConnecting(to socket: SocketHandle) throws(TransportError) {
        try socket.set(ZMQ_RECONNECT_IVL, reconnectInterval.wholeMilliseconds, name: "reconnect interval")
        try socket.set(ZMQ_RECONNECT_IVL_MAX, reconnectMaximum?.wholeMilliseconds ?? 0, name: "reconnect maximum")
        try socket.set(ZMQ_CONNECT_TIMEOUT, connectTimeout?.wholeMilliseconds ?? 0, name: "connect timeout")
        try socket.set(ZMQ_HANDSHAKE_IVL, handshakeTimeout.wholeMilliseconds, name: "handshake timeout")
        try socket.set(ZMQ_BACKLOG, backlog, name: "backlog")
    }

    private func applyProbing(to socket: SocketHandle) throws(TransportError) {
        if let keepalive {
            try socket.set(ZMQ_TCP_KEEPALIVE, 1, name: "keepalive")
            try socket.set(ZMQ_TCP_KEEPALIVE_IDLE, keepalive.idle.wholeMilliseconds / 1000, name: "keepalive idle")
            let interval = keepalive.interval.wholeMilliseconds / 1000
            try socket.set(ZMQ_TCP_KEEPALIVE_INTVL, interval, name: "keepalive interval")
            try socket.set(ZMQ_TCP_KEEPALIVE_CNT, keepalive.count, name: "keepalive count")
        }
        if let unansweredTimeout {
            try socket.set(ZMQ_TCP_MAXRT, unansweredTimeout.wholeMilliseconds, name: "unanswered timeout")
        }
    }
}

extension Duration {
    /// Rounded up, so that a wait never ends early, and at most what fits.
    var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        guard seconds < Int64.max / 2000 else { return Int.max / 2 }
        guard seconds > Int64.min / 2000 else { return Int.min / 2 }
        let (whole, rest) = attoseconds.quotientAndRemainder(dividingBy: 1_000_000_000_000_000)
        return Int(seconds * 1000 + whole + (rest > 0 ? 1 : 0))
    }
}
