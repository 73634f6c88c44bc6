import CZeroMQ

/// A received message: one frame or more. Copies share the bytes.
public struct Message: Sendable {
    private let first: Frame
    private let rest: [Frame]

    init(first: Frame, rest: [Frame]) {
        self.first = first
        self.rest = rest
    }

    /// Messages of more frames are not delivered: each frame costs memory, however small it is.
    public static let maximumFrames = 64

    /// The number of frames, at least 1.
    public var count: Int { 1 + rest.count }

    /// Bytes of all frames.
    public var byteCount: Int { rest.reduce(first.count) { $0 + $1.count } }

    /// The frame at `index`, from 0.
    public subscript(index: Int) -> Frame { index == 0 ? first : rest[index - 1] }

    /// The last frame: the payload, whether or not a topic stands before it.
    public var payload: Frame { rest.last ?? first }

    /// The name that the authenticator gave to the sender's key, if the connection was authenticated.
    public var userID: String? { first.userID }

    /// The descriptor of the connection that it came on, nil where it came from within the process.
    public var connection: CInt? { first.connection }
}

/// A part of a received message, in ZeroMQ's own memory.
public struct Frame: Sendable {
    private let storage: Storage

    /// ZeroMQ's messages may be read by any thread and closed by any one.
    private final class Storage: @unchecked Sendable {
        let message: UnsafeMutablePointer<zmq_msg_t>

        init(taking source: UnsafeMutablePointer<zmq_msg_t>) {
            message = .allocate(capacity: 1)
            zmq_msg_init(message)
            zmq_msg_move(message, source)
        }

        deinit {
            zmq_msg_close(message)
            message.deallocate()
        }
    }

    /// Leaves `source` empty.
    init(taking source: UnsafeMutablePointer<zmq_msg_t>) {
        storage = Storage(taking: source)
    }

    /// Whether further frames of the same message follow.
    var hasMore: Bool { zmq_msg_more(storage.message) == 1 }

    public var count: Int { zmq_msg_size(storage.message) }

    /// The bytes, without a copy.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let bytes = UnsafeRawBufferPointer(start: zmq_msg_data(storage.message), count: zmq_msg_size(storage.message))
        let result = try body(bytes)
        withExtendedLifetime(storage) {}
        return result
    }

    /// A copy of the bytes.
    public var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    /// The name that the authenticator gave to the sender's key, if the connection was authenticated.
    public var userID: String? { zmq_msg_gets(storage.message, "User-Id").map { String(cString: $0) } }

    var connection: CInt? {
        let descriptor = zmq_msg_get(storage.message, ZMQ_SRCFD)
        return descriptor < 0 ? nil : descriptor
    }
}

/// What an XPub socket receives when a subscriber comes or goes.
public enum SubscriptionEvent: Hashable, Sendable {
    case subscribed(topic: [UInt8])
    case unsubscribed(topic: [UInt8])

    /// Nil if the message is no subscription: a peer may send other things too.
    public init?(_ message: Message) {
        let bytes = message[0].bytes
        switch bytes.first {
        case 1: self = .subscribed(topic: Array(bytes.dropFirst()))
        case 0: self = .unsubscribed(topic: Array(bytes.dropFirst()))
        default: return nil
        }
    }
}
