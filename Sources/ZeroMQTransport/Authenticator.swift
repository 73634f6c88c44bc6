import CZeroMQ

/// A connection that asks to be let in.
public struct ConnectionRequest: Sendable {
    /// Of the socket that was connected to.
    public var domain: String
    /// The peer's IP address; empty for ipc.
    public var address: String
    public var key: CurvePublicKey
}

/// The answer to a connection request.
public enum Verdict: Sendable {
    /// Lets the peer in; its messages then carry this name (`Message.userID`).
    case allow(userID: String)
    /// The peer learns nothing but the fact.
    case deny
}

/// Decides for a context which keys may connect to its CURVE servers (ZeroMQ's ZAP, RFC 27). A context has one at most.
/// Start it before the first server binds, and keep it as long as there are servers: without an authenticator nobody
/// can connect.
public final class Authenticator {
    private let port: Port<Reply>
    static let endpoint = "inproc://zeromq.zap.01"

    /// - Parameters:
    ///   - loop: Runs `decide`. While it is busy, new connections wait.
    ///   - decide: Answers for a key that the peer has proven to hold.
    /// - Throws: `TransportError` if the context has an authenticator already.
    public init(
        _ context: Context, on loop: PollLoop, decide: @escaping @Sendable (ConnectionRequest) -> Verdict
    ) throws(TransportError) {
        var options = SocketOptions()
        options.linger = .zero
        let socket = try Socket<Reply>(context, options: options)
        try socket.bind(Self.endpoint)
        let handle = socket.handle
        let answering = Answering(handle: handle, decide: decide)
        // The next request can be taken only when this one is answered.
        port = loop.receive(from: socket, batch: 1) { requests in
            for request in requests { answering.answer(request) }
        }
    }

    /// Lets in the keys of a list, each under its name.
    public convenience init(
        _ context: Context, on loop: PollLoop, users: [CurvePublicKey: String]
    ) throws(TransportError) {
        try self.init(context, on: loop) { request in
            users[request.key].map { .allow(userID: $0) } ?? .deny
        }
    }

    /// From now on nobody can connect any more.
    public func close() {
        port.close()
    }
}

/// ZAP's side of a request and a reply.
enum Reply: SendingKind, ReceivingKind {
    static var type: Int32 { ZMQ_REP }
}

/// Used on the loop's thread only, like the handle.
private struct Answering: @unchecked Sendable {
    let handle: SocketHandle
    let decide: @Sendable (ConnectionRequest) -> Verdict

    /// Frames of a request: version, request, domain, address, routing id, mechanism, key.
    func answer(_ message: Message) {
        let requestID = message.count > 1 ? message[1].bytes : []
        guard let request = parse(message) else { return reply(requestID, status: "500", userID: "") }
        switch decide(request) {
        case .allow(let userID): reply(requestID, status: "200", userID: userID)
        case .deny: reply(requestID, status: "400", userID: "")
        }
    }

    private func parse(_ message: Message) -> ConnectionRequest? {
        guard message.count == 7, message[0].bytes == Array("1.0".utf8), message[5].bytes == Array("CURVE".utf8),
            message[6].count == 32
        else { return nil }
        return ConnectionRequest(
            domain: String(decoding: message[2].bytes, as: UTF8.self),
            address: String(decoding: message[3].bytes, as: UTF8.self),
            key: CurvePublicKey(bytes: message[6].bytes))
    }

    /// Frames of a reply: version, request, status, text, user, metadata. If it cannot be sent, the connection stays
    /// out, which is the safe side.
    private func reply(_ requestID: [UInt8], status: String, userID: String) {
        let frames = [Array("1.0".utf8), requestID, Array(status.utf8), [], Array(userID.utf8), []]
        for (index, frame) in frames.enumerated() {
            guard (try? handle.send(frame.span.bytes, more: index < frames.count - 1)) == true else { return }
        }
    }
}
