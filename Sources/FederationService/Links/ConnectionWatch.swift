import ZeroMQTransport

/// Follows the connection of one socket by its monitor. Used on the loop's thread.
final class ConnectionWatch: @unchecked Sendable {
    private(set) var reach = Reach.nothing
    private var port: Port<Monitor>?

    /// - Parameter changed: called on the loop's thread when the connection comes to another state.
    init(
        _ monitor: consuming sending Socket<Monitor>, on loop: PollLoop,
        changed: @escaping @Sendable (Reach) -> Void = { _ in }
    ) {
        port = loop.receive(from: monitor) { [weak self] messages in
            for message in messages {
                guard let self, let event = ConnectionEvent(message) else { continue }
                let before = self.reach
                self.reach.take(event)
                if self.reach != before { changed(self.reach) }
            }
        }
    }

    func close() { port?.close() }
}
