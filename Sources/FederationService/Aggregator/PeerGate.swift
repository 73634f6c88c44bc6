import Synchronization
import ZeroMQTransport

/// Counts the connections to the aggregator's sockets and turns away those beyond the limit.
///
/// A listener that cannot take a connection for want of a file descriptor keeps its thread busy and leaves the peer
/// hanging. So a connection too many is taken and closed at once: the peer notices, and comes again after a pause. This
/// has a thread of its own, as the aggregator's may be at work on a flush.
package final class PeerGate: Sendable {
    /// What has come and gone since the start.
    package struct Counts: Hashable, Sendable {
        /// Connections that exist now.
        package var connected = 0
        package var turnedAway = 0
        /// Attempts to accept a connection without a free file descriptor.
        package var failed = 0
    }

    private let room: Int
    private let loop: PollLoop
    private let crowded: @Sendable (Counts) -> Void
    /// Changed by `watch` alone, which is called from one thread.
    private nonisolated(unsafe) var ports: [Port<Monitor>] = []
    private let counted = Mutex(Counts())
    /// The connections that exist now, by their descriptors.
    private let accepted = Mutex<[UInt32: ConnectionEvent]>([:])
    private let watched = Atomic<Int>(0)

    /// - Parameters:
    ///   - room: connections that may exist at a time.
    ///   - crowded: called on the gate's thread when the first connection is turned away, and again whenever they have
    ///     become twice as many.
    package init(room: Int, crowded: @escaping @Sendable (Counts) -> Void) throws(TransportError) {
        self.room = room
        self.crowded = crowded
        loop = try PollLoop(name: "peers")
    }

    package var counts: Counts { counted.withLock { $0 } }

    /// Watches over a socket that is not yet bound. The gate stays until all of its sockets are closed: one whose monitor
    /// went before it would wait for somebody to take its events.
    package func watch<Kind: SocketKind>(_ socket: borrowing Socket<Kind>) throws(TransportError) {
        let monitor = try socket.monitor()
        watched.add(1, ordering: .relaxed)
        ports.append(
            loop.receive(from: monitor) { [self] messages in
                for case let event? in messages.map({ ConnectionEvent($0) }) { take(event) }
            })
    }

    private func take(_ event: ConnectionEvent) {
        switch event.kind {
        case .accepted: accept(event)
        case .acceptFailed:
            let counts = counted.withLock { counts in
                counts.failed += 1
                return counts
            }
            complain(counts)
        case .disconnected:
            accepted.withLock { $0[event.value] = nil }
            counted.withLock { $0.connected -= 1 }
        case .monitorStopped:
            if watched.subtract(1, ordering: .relaxed).newValue == 0 { loop.stopAndWait() }
        default: break
        }
    }

    /// Ends all connections, as if the peers had hung up.
    package func hangUpAll() {
        for event in accepted.withLock({ Array($0.values) }) { event.hangUp() }
    }

    private func accept(_ event: ConnectionEvent) {
        accepted.withLock { $0[event.value] = event }
        let (counts, isRoom) = counted.withLock { counts in
            counts.connected += 1
            let isRoom = counts.connected <= room
            if !isRoom { counts.turnedAway += 1 }
            return (counts, isRoom)
        }
        guard !isRoom else { return }
        event.hangUp()
        complain(counts)
    }

    private func complain(_ counts: Counts) {
        let complaints = counts.turnedAway + counts.failed
        if complaints.isWorthTelling { crowded(counts) }
    }
}

extension Int {
    /// Whether to report a growing count again: at 1 and whenever it has doubled. So nobody can fill a journal.
    var isWorthTelling: Bool { self & (self - 1) == 0 }
}
