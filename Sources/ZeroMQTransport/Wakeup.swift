import CZeroMQ
import Glibc

/// Ends the wait of a poll loop from another thread.
final class Wakeup: Sendable {
    let descriptor: CInt

    init() throws(TransportError) {
        descriptor = czeromq_eventfd()
        guard descriptor >= 0 else { throw .current(.startLoop) }
    }

    deinit {
        close(descriptor)
    }

    func signal() {
        var one: UInt64 = 1
        // EAGAIN means that a signal is pending already.
        while write(descriptor, &one, 8) < 0, errno == EINTR {}
    }

    func clear() {
        var count: UInt64 = 0
        while read(descriptor, &count, 8) < 0, errno == EINTR {}
    }
}
