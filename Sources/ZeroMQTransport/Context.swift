import CZeroMQ
import Glibc

/// The home of a process's sockets: ZeroMQ's I/O threads. One is enough for most processes.
///
/// The last release waits until all sockets are closed and have sent, or given up, what they still hold; each socket
/// keeps its context alive.
public final class Context: Sendable {
    /// ZeroMQ's contexts are safe to share between threads.
    nonisolated(unsafe) let pointer: UnsafeMutableRawPointer

    /// - Parameters:
    ///   - ioThreads: Threads that move bytes; 1 moves about 1 GB/s.
    ///   - maximumSockets: How many sockets the context may have at once. Connections do not count.
    public init(ioThreads: Int = 1, maximumSockets: Int = 1023) throws(TransportError) {
        guard let pointer = zmq_ctx_new() else { throw .current(.createContext) }
        self.pointer = pointer
        try set(ZMQ_IO_THREADS, ioThreads, name: "I/O threads")
        try set(ZMQ_MAX_SOCKETS, maximumSockets, name: "maximum sockets")
    }

    private func set(_ option: CInt, _ value: Int, name: String) throws(TransportError) {
        guard let value = CInt(exactly: value), zmq_ctx_set(pointer, option, value) == 0 else {
            throw TransportError(operation: .setOption, subject: name, code: EINVAL)
        }
    }

    deinit {
        while zmq_ctx_term(pointer) != 0, zmq_errno() == EINTR {}
    }

    /// Makes every call on the context's sockets fail with ETERM, at once and from now on. Poll loops then close
    /// their sockets of this context.
    public func shutdown() {
        _ = zmq_ctx_shutdown(pointer)
    }
}
