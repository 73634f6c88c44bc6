import Federation
import PromptWire
import ZeroMQTransport

/// The aggregator's two sockets: PULL for what clients send, XPUB for what it publishes. Used on the loop's thread.
final class AggregatorLinks {
    /// As they were bound, wildcards resolved.
    let endpoints: RunConfiguration.Endpoints
    private let updates: Port<Pull>
    private let prompts: Port<XPub>

    /// Messages that may wait for one slow subscriber before it loses some; states and beacons are repeated.
    private static let sendHighWater = 1000
    /// For each client: an update is large, and more than a few are not on their way at a time.
    private static let receiveHighWater = 16

    /// - Parameters:
    ///   - batch: the most messages that `receive` gets at a time.
    ///   - receive: called on the loop's thread with all messages that have arrived.
    /// - Throws: `TransportError`, for an address in use among others.
    init(
        endpoints: RunConfiguration.Endpoints, loop: PollLoop, batch: Int,
        receive: @escaping @Sendable ([[UInt8]]) -> Void
    ) throws {
        let context = try Context()
        var options = SocketOptions()
        options.sendHighWater = Self.sendHighWater
        options.receiveHighWater = Self.receiveHighWater
        options.maximumMessageBytes = Int64(WireLimits().messageBytes)
        options.backlog = 4096
        let pull = try Socket<Pull>(context, options: options)
        let publisher = try Socket<XPub>(context, options: options)
        self.endpoints = .init(
            updates: try pull.bind(endpoints.updates), prompts: try publisher.bind(endpoints.prompts))
        updates = loop.receive(from: pull, batch: batch) { messages in
            // A client's message has one frame; a second one makes it malformed, which the decoder then tells.
            receive(messages.map { $0.count == 1 ? $0.payload.bytes : [] })
        }
        // Subscriptions need no answer, as a hello follows; they are read so that they do not pile up.
        prompts = loop.receive(from: publisher) { _ in }
    }

    func publish(_ payload: [UInt8], on topic: Topic) throws {
        try prompts.socket.send(topic: topic.bytes, payload: payload)
    }

    func close() {
        updates.close()
        prompts.close()
    }
}
