import CZeroMQ
import Glibc

/// Descriptors and what is waited for at each (epoll): however many there are, only those that are ready cost time. Its
/// own descriptor can be read from when one of them is ready, so a poll loop can watch all of them as one.
public final class ReadinessSet {
    public static let readable = EPOLLIN.rawValue
    public static let writable = EPOLLOUT.rawValue

    public let descriptor: CInt
    private var batch = [epoll_event](repeating: epoll_event(), count: 256)

    /// - Throws: `TransportError` if the process can have no further file.
    public init() throws(TransportError) {
        descriptor = epoll_create1(CInt(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw TransportError(operation: .poll, code: errno) }
    }

    deinit { close(descriptor) }

    /// Changes what is waited for at a descriptor. Waiting for nothing takes it out, so that a connection that is gone
    /// does not wake anybody who has no use for it.
    /// - Parameter token: comes back with the descriptor's events.
    public func change(_ watched: CInt, from old: UInt32, to new: UInt32, token: UInt64) {
        guard old != new else { return }
        var event = epoll_event()
        event.events = new
        event.data.u64 = token
        let operation = new == 0 ? EPOLL_CTL_DEL : old == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD
        epoll_ctl(descriptor, operation, watched, &event)
    }

    /// The tokens of those that are ready now, at most 256 of them.
    public func ready() -> [UInt64] {
        let count = epoll_wait(descriptor, &batch, CInt(batch.count), 0)
        return batch.prefix(max(0, Int(count))).map { $0.data.u64 }
    }
}
