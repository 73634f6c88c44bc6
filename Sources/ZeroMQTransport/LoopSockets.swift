import CZeroMQ
import Glibc

/// How much one call of a handler gets at most. One message always passes.
struct BatchLimit {
    var messages: Int
    /// No further message is taken once a batch has so many bytes.
    var bytes: Int
}

/// A socket that a loop has taken over.
final class LoopSocket: @unchecked Sendable {
    // Used on the loop's thread only.
    let handle: SocketHandle
    let limit: BatchLimit
    var handler: (@Sendable ([Message]) -> Void)?

    init(handle: SocketHandle, limit: BatchLimit, handler: (@Sendable ([Message]) -> Void)?) {
        self.handle = handle
        self.limit = limit
        self.handler = handler
    }

    /// Hands the messages that have arrived, up to the limit, to the handler.
    /// - Throws: If the socket can receive nothing any more.
    func deliver() throws(TransportError) {
        var batch: [Message] = []
        var bytes = 0
        var failure: TransportError?
        do throws(TransportError) {
            while batch.count < limit.messages, bytes < limit.bytes, let message = try handle.receive() {
                bytes += message.byteCount
                batch.append(message)
            }
        } catch {
            failure = error
        }
        if !batch.isEmpty { handler?(batch) }
        if let failure { throw failure }
    }
}

/// The sockets of one loop. Used on the loop's thread only.
final class LoopSockets {
    private var sockets: [LoopSocket] = []
    private var descriptors: [LoopDescriptor] = []
    /// The wakeup's, then those of the sockets, then those of the descriptors.
    private var items: [zmq_pollitem_t] = []
    /// The sockets behind `items`.
    private var polled: [LoopSocket] = []
    private var isChanged = true
    private var isClosed = false

    func add(_ socket: LoopSocket) {
        if isClosed { return socket.handle.close() }
        sockets.append(socket)
        isChanged = true
    }

    func remove(_ socket: LoopSocket) {
        socket.handle.close()
        socket.handler = nil
        sockets.removeAll { $0 === socket }
        // Nothing here holds it any more, so that its context can end.
        polled = []
        isChanged = true
    }

    func add(_ descriptor: LoopDescriptor) {
        guard !isClosed else { return }
        descriptors.append(descriptor)
        isChanged = true
    }

    func remove(_ descriptor: LoopDescriptor) {
        descriptor.handler = nil
        descriptors.removeAll { $0 === descriptor }
        isChanged = true
    }

    func closeAll() {
        isClosed = true
        for descriptor in descriptors { remove(descriptor) }
        for socket in sockets { remove(socket) }
    }

    /// Waits until a message arrives, the wakeup is signalled or the time is up, then delivers one batch a socket.
    func poll(_ wakeup: Wakeup, milliseconds: Int) {
        if isChanged { collectItems(wakeup) }
        let ready = zmq_poll(&items, CInt(items.count), milliseconds)
        guard ready >= 0 else {
            // One of the contexts was shut down: let go of its sockets.
            if zmq_errno() != EINTR { removeBroken() }
            return
        }
        guard ready > 0 else { return }
        if items[0].revents != 0 { wakeup.clear() }
        // A handler may add and remove sockets; both take effect in the next round.
        let (items, polled, descriptors) = (items, polled, descriptors)
        for (index, socket) in polled.enumerated() where items[index + 1].revents != 0 {
            do throws(TransportError) {
                if socket.handler != nil { try socket.deliver() }
            } catch {
                remove(socket)
            }
        }
        for (item, descriptor) in zip(items[(polled.count + 1)...], descriptors) where item.revents != 0 {
            descriptor.handler?()
        }
    }

    private func collectItems(_ wakeup: Wakeup) {
        items = [zmq_pollitem_t(socket: nil, fd: wakeup.descriptor, events: CShort(ZMQ_POLLIN), revents: 0)]
        polled = []
        for socket in sockets where socket.handler != nil {
            guard let pointer = try? socket.handle.checked(.poll) else { continue }
            items.append(zmq_pollitem_t(socket: pointer, fd: 0, events: CShort(ZMQ_POLLIN), revents: 0))
            polled.append(socket)
        }
        for descriptor in descriptors {
            items.append(
                zmq_pollitem_t(socket: nil, fd: descriptor.descriptor, events: CShort(ZMQ_POLLIN), revents: 0))
        }
        isChanged = false
    }

    private func removeBroken() {
        for socket in sockets where !socket.handle.isUsable { remove(socket) }
    }
}
