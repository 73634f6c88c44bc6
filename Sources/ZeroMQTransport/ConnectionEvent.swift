import CZeroMQ
import Glibc
import Synchronization

/// Receives the connection events of another socket (`ConnectionEvent`).
public enum Monitor: ReceivingKind {
    public static var type: Int32 { ZMQ_PAIR }
}

/// Something that happened to a connection of a monitored socket.
public struct ConnectionEvent: Hashable, Sendable {
    /// What happened.
    public enum Kind: Hashable, Sendable, CaseIterable {
        case listening
        /// A peer came to a bound socket. It still has to shake hands.
        case accepted
        /// A bound socket could not take a peer, for want of files for example.
        case acceptFailed
        /// A connecting socket reached its peer. It still has to shake hands.
        case connected
        /// The next attempt to connect comes later.
        case connectRetried
        case handshakeSucceeded
        /// The peer does not speak as it should. ZeroMQ does not try again.
        case handshakeFailed
        /// The authenticator said no. ZeroMQ does not try again.
        case authenticationFailed
        case disconnected
        /// The monitored socket was closed: the last event.
        case monitorStopped
    }

    public var kind: Kind
    /// An errno, a file descriptor or a protocol's status, by kind.
    public var value: UInt32
    public var endpoint: String

    /// Nil if the message is no event of these kinds.
    public init?(_ message: Message) {
        guard message.count == 2, message[0].count == 6 else { return nil }
        let (code, value) = message[0].withUnsafeBytes {
            ($0.loadUnaligned(as: UInt16.self), $0.loadUnaligned(fromByteOffset: 2, as: UInt32.self))
        }
        guard let kind = Kind.allCases.first(where: { $0.code == CInt(code) }) else { return nil }
        self.kind = kind
        self.value = value
        endpoint = String(decoding: message[1].bytes, as: UTF8.self)
    }

    /// Of a failed handshake: whether the sides do not secure their connections in the same way.
    public var isMechanismMismatch: Bool {
        kind == .handshakeFailed && value == UInt32(ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
    }

    /// Hangs up on a peer that was accepted: its connection ends as if it had done so itself. One that is gone meanwhile
    /// has left its descriptor to another connection at worst, which then comes again; nothing but sockets is touched.
    public func hangUp() {
        guard kind == .accepted else { return }
        _ = shutdown(CInt(bitPattern: value), CInt(SHUT_RDWR))
    }
}

extension ConnectionEvent.Kind {
    var code: CInt {
        switch self {
        case .listening: ZMQ_EVENT_LISTENING
        case .accepted: ZMQ_EVENT_ACCEPTED
        case .acceptFailed: ZMQ_EVENT_ACCEPT_FAILED
        case .connected: ZMQ_EVENT_CONNECTED
        case .connectRetried: ZMQ_EVENT_CONNECT_RETRIED
        case .handshakeSucceeded: ZMQ_EVENT_HANDSHAKE_SUCCEEDED
        case .handshakeFailed: ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
        case .authenticationFailed: ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
        case .disconnected: ZMQ_EVENT_DISCONNECTED
        case .monitorStopped: ZMQ_EVENT_MONITOR_STOPPED
        }
    }
}

private let monitorCount = Atomic<UInt64>(0)

extension Socket {
    /// A socket that receives this one's connection events. Ask for it before binding or connecting, so that nothing
    /// is missed, and receive from it: events wait in memory.
    public borrowing func monitor() throws(TransportError) -> sending Socket<Monitor> {
        let number = monitorCount.wrappingAdd(1, ordering: .relaxed).newValue
        let endpoint = "inproc://impromptu-monitor-\(number)"
        let events = ConnectionEvent.Kind.allCases.reduce(0) { $0 | $1.code }
        try handle.attach(.monitor, endpoint) { zmq_socket_monitor($0, $1, events) }
        var options = SocketOptions()
        options.linger = .zero
        options.receiveHighWater = 0
        let monitor = try Socket<Monitor>(handle.context, options: options)
        try monitor.connect(endpoint)
        return monitor
    }
}
