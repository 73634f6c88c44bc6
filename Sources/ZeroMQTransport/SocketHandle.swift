import CZeroMQ
import Glibc

/// The one reference to a ZeroMQ socket, with the calls that touch it. A socket is used by one thread at a time: it
/// belongs to the noncopyable `Socket`, or to the thread of a poll loop, which each call then checks.
final class SocketHandle {
    let context: Context
    private var pointer: UnsafeMutableRawPointer?
    private var incoming = zmq_msg_t()
    /// The loop that has taken the socket over.
    weak var loop: PollLoop?

    init(_ context: Context, type: CInt) throws(TransportError) {
        self.context = context
        pointer = zmq_socket(context.pointer, type)
        guard pointer != nil else { throw .current(.createSocket) }
        zmq_msg_init(&incoming)
    }

    deinit {
        close()
        zmq_msg_close(&incoming)
    }

    /// Closes the socket. What still waits is sent for as long as the linger option says. Its address and its slot in
    /// the context are free a little later, because the library ends it on a thread of its own.
    func close() {
        guard let pointer else { return }
        zmq_close(pointer)
        self.pointer = nil
    }

    /// The socket, if it is open and this thread may use it.
    func checked(_ operation: TransportError.Operation, _ subject: String? = nil) throws(TransportError)
        -> UnsafeMutableRawPointer
    {
        if let loop, !loop.isCurrent { throw TransportError(operation: operation, subject: subject, code: EPERM) }
        guard let pointer else { throw TransportError(operation: operation, subject: subject, code: ENOTSOCK) }
        return pointer
    }

    /// False once the socket is closed or its context was shut down.
    var isUsable: Bool {
        var events: CInt = 0
        var size = MemoryLayout<CInt>.size
        guard let pointer else { return false }
        while zmq_getsockopt(pointer, ZMQ_EVENTS, &events, &size) != 0 {
            guard zmq_errno() == EINTR else { return false }
        }
        return true
    }

    // MARK: Options

    func set(_ option: CInt, _ value: Int, name: String) throws(TransportError) {
        guard var value = CInt(exactly: value) else {
            throw TransportError(operation: .setOption, subject: name, code: EINVAL)
        }
        try set(option, name: name, &value, size: MemoryLayout<CInt>.size)
    }

    func set(_ option: CInt, wide value: Int64, name: String) throws(TransportError) {
        var value = value
        try set(option, name: name, &value, size: MemoryLayout<Int64>.size)
    }

    func set(_ option: CInt, bytes: [UInt8], name: String) throws(TransportError) {
        try set(option, name: name, bytes, size: bytes.count)
    }

    private func set(
        _ option: CInt, name: String, _ value: UnsafeRawPointer, size: Int
    ) throws(TransportError) {
        let socket = try checked(.setOption, name)
        guard zmq_setsockopt(socket, option, value, size) == 0 else { throw .current(.setOption, name) }
    }

    // MARK: Endpoints

    /// Applies one of ZeroMQ's functions of a socket and an endpoint.
    func attach(
        _ operation: TransportError.Operation, _ endpoint: String,
        _ call: (UnsafeMutableRawPointer?, UnsafePointer<CChar>?) -> CInt
    ) throws(TransportError) {
        let socket = try checked(operation, endpoint)
        guard Self.hasValidPort(endpoint) else {
            throw TransportError(operation: operation, subject: endpoint, code: EINVAL)
        }
        while call(socket, endpoint) != 0 {
            guard zmq_errno() == EINTR else { throw .current(operation, endpoint) }
        }
    }

    /// ZeroMQ takes a port above 65535 and cuts its high bits off.
    private static func hasValidPort(_ endpoint: String) -> Bool {
        guard endpoint.hasPrefix("tcp://"), let colon = endpoint.lastIndex(of: ":") else { return true }
        let port = endpoint[endpoint.index(after: colon)...]
        return port == "*" || UInt16(port) != nil
    }

    /// The endpoint that was bound last, with wildcards resolved.
    func lastEndpoint() throws(TransportError) -> String {
        let socket = try checked(.bind)
        var text = [UInt8](repeating: 0, count: 1024)
        var size = text.count
        guard zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, &text, &size) == 0 else { throw .current(.bind) }
        return String(decoding: text[..<max(0, size - 1)], as: UTF8.self)
    }

    // MARK: Messages

    /// Hands one frame to ZeroMQ. False if no peer has room.
    func send(_ frame: RawSpan, more: Bool) throws(TransportError) -> Bool {
        let socket = try checked(.send)
        let flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)
        while true {
            let sent = frame.withUnsafeBytes { zmq_send(socket, $0.baseAddress, $0.count, flags) }
            if sent >= 0 { return true }
            switch zmq_errno() {
            case EINTR: continue
            case EAGAIN: return false
            default: throw .current(.send)
            }
        }
    }

    /// The next message that has arrived whole, or nil if there is none.
    func receive() throws(TransportError) -> Message? {
        let socket = try checked(.receive)
        while let first = try receiveFrame(socket) {
            var rest: [Frame] = []
            var last = first
            var count = 1
            while last.hasMore, let frame = try receiveFrame(socket) {
                last = frame
                count += 1
                if count <= Message.maximumFrames { rest.append(frame) }
            }
            if count <= Message.maximumFrames { return Message(first: first, rest: rest) }
        }
        return nil
    }

    private func receiveFrame(_ socket: UnsafeMutableRawPointer) throws(TransportError) -> Frame? {
        while zmq_msg_recv(&incoming, socket, ZMQ_DONTWAIT) < 0 {
            switch zmq_errno() {
            case EINTR: continue
            case EAGAIN: return nil
            default: throw .current(.receive)
            }
        }
        return Frame(taking: &incoming)
    }

    /// Waits until a message has arrived. False if none did within `timeout`.
    func waitForMessage(within timeout: Duration) throws(TransportError) -> Bool {
        let socket = try checked(.poll)
        let deadline = ContinuousClock.now + timeout
        var item = zmq_pollitem_t(socket: socket, fd: 0, events: CShort(ZMQ_POLLIN), revents: 0)
        while true {
            let left = max(0, min((deadline - .now).wholeMilliseconds, Int(Int32.max)))
            let ready = zmq_poll(&item, 1, left)
            if ready > 0 { return true }
            if ready < 0, zmq_errno() != EINTR { throw .current(.poll) }
            if left == 0 { return false }
        }
    }
}
