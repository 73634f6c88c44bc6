/// A socket that lives on a poll loop. It is used on the loop's thread, which is where an actor runs that has the loop
/// for its executor; elsewhere each call fails with EPERM. It closes with `close`, when the loop stops, or when
/// nobody holds the port any more.
public final class Port<Kind: SocketKind> {
    /// For sending and for further endpoints.
    public let socket: Socket<Kind>
    private let loop: PollLoop
    private let registration: LoopSocket

    init(socket: consuming Socket<Kind>, loop: PollLoop, registration: LoopSocket) {
        self.socket = socket
        self.loop = loop
        self.registration = registration
    }

    deinit {
        close()
    }

    /// Closes the socket: at once on the loop's thread, else as soon as the loop comes to it.
    public func close() {
        loop.remove(registration)
    }
}
