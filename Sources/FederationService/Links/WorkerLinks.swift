import Federation
import PromptWire
import RunSettings
import ZeroMQTransport

/// A worker's two sockets: PUSH to the aggregator, SUB from it. Used on the loop's thread.
package final class WorkerLinks {
    private let updates: Port<Push>
    private let prompts: Port<Sub>
    private let endpoints: RunConfiguration.Endpoints
    private let hasKeys: Bool
    private let updatesWatch: ConnectionWatch
    private let promptsWatch: ConnectionWatch

    /// How workers and observers connect, but for the keys.
    ///
    /// A machine that vanishes closes no connection, and TCP by itself waits for many minutes. So a silent connection
    /// is probed. Without an answer it is closed and opened again; that looks up the aggregator's name again, which may
    /// have another address.
    package static var options: SocketOptions {
        var options = SocketOptions()
        options.reconnectMaximum = .seconds(2)
        options.connectTimeout = .seconds(5)
        options.keepalive = .init(idle: .seconds(5), interval: .seconds(5), count: 2)
        options.unansweredTimeout = .seconds(15)
        options.maximumMessageBytes = Int64(WireLimits().messageBytes)
        return options
    }

    /// - Parameters:
    ///   - topics: what to listen to.
    ///   - keyUnknown: called on the loop's thread when the aggregator does not know the key.
    ///   - receive: called on the loop's thread with the topics and payloads that have arrived.
    /// - Throws: `TransportError`.
    package init(
        endpoints: RunConfiguration.Endpoints, security: Security = .none, topics: [Topic], loop: PollLoop,
        keyUnknown: @escaping @Sendable () -> Void = {},
        receive: @escaping @Sendable ([(topic: [UInt8], payload: [UInt8])]) -> Void
    ) throws {
        self.endpoints = endpoints
        if case .none = security { hasKeys = false } else { hasKeys = true }
        let context = try Context()
        var options = Self.options
        options.security = security
        let push = try Socket<Push>(context, options: options)
        let subscriber = try Socket<Sub>(context, options: options)
        let pushMonitor = try push.monitor()
        let subscriberMonitor = try subscriber.monitor()
        try push.connect(endpoints.updates)
        for topic in topics { try subscriber.subscribe(topic.bytes) }
        try subscriber.connect(endpoints.prompts)
        let changed: @Sendable (Reach) -> Void = { if $0 == .keyUnknown { keyUnknown() } }
        updatesWatch = ConnectionWatch(pushMonitor, on: loop, changed: changed)
        promptsWatch = ConnectionWatch(subscriberMonitor, on: loop, changed: changed)
        updates = loop.attach(push)
        prompts = loop.receive(from: subscriber) { messages in
            receive(
                messages.compactMap {
                    $0.count == 2 ? (topic: $0[0].bytes, payload: $0[1].bytes) : nil
                })
        }
    }

    /// Whether what is sent arrives. Endpoints within the process have no connections that could be followed.
    package var isConnected: Bool { updatesWatch.reach == .talks || endpoints.updates.hasPrefix("inproc://") }

    /// Whether an endpoint's other side is there and does not take the connection. ZeroMQ may have given it up.
    package var isRefused: Bool { updatesWatch.reach.isRefusal || promptsWatch.reach.isRefusal }

    /// What it tries to reach, and how far that has come.
    package var trouble: [(endpoint: String, words: String)] {
        [(endpoints.updates, updatesWatch.reach), (endpoints.prompts, promptsWatch.reach)].map {
            ($0, $1.words(hasKeys: hasKeys))
        }
    }

    /// Queues a message; what gets lost is sent again by the client's own care.
    package func send(_ message: [UInt8]) throws { _ = try updates.socket.send(message) }

    package func close() {
        updates.close()
        prompts.close()
        updatesWatch.close()
        promptsWatch.close()
    }
}
