import Federation
import FederationService
import Foundation
import PromptAggregation
import PromptWire
import RunSettings
import ZeroMQTransport

/// The checker's two sockets, ROUTER and XPUB, used by its one thread. Letting go of them ends all connections, as the death
/// of an aggregator does.
final class StageLinks {
    /// As they were bound.
    let endpoints: RunConfiguration.Endpoints
    private let router: Socket<Router>
    private let publisher: Socket<XPub>
    private var routes = Routes(capacity: 4096)
    private let authenticator: Authenticator?
    /// Runs the authenticator.
    private let loop: PollLoop

    /// A port that was let go of may be taken for a moment.
    private static let patience: Duration = .seconds(5)

    /// - Parameter keys: the aggregator's key and who may connect; nil lets anybody in.
    /// - Throws: `TransportError`.
    init(_ endpoints: RunConfiguration.Endpoints, keys: (key: CurveSecretKey, allowed: AllowedKeys)?) throws {
        loop = try PollLoop(name: "keys")
        let context = try Context()
        var options = SocketOptions()
        options.linger = .milliseconds(200)
        if let keys {
            options.security = .curveServer(key: keys.key)
            authenticator = try Authenticator(context, on: loop) { [allowed = keys.allowed] request in
                allowed.name(of: request.key).map { .allow(userID: $0) } ?? .deny
            }
        } else {
            authenticator = nil
        }
        router = try Socket<Router>(context, options: options)
        publisher = try Socket<XPub>(context, options: options)
        self.endpoints = .init(
            updates: try Self.bind(router, endpoints.updates), prompts: try Self.bind(publisher, endpoints.prompts))
    }

    deinit {
        authenticator?.close()
        loop.stopAndWait()
    }

    private static func bind<Kind>(_ socket: borrowing Socket<Kind>, _ endpoint: String) throws -> String {
        let deadline = ContinuousClock.now + patience
        while true {
            do throws(TransportError) {
                return try socket.bind(endpoint)
            } catch {
                guard ContinuousClock.now < deadline else { throw error }
                Thread.sleep(forTimeInterval: 0.05)
            }
        }
    }

    func receive(within timeout: Duration) throws(TransportError) -> Message? { try router.receive(within: timeout) }

    /// What has been subscribed to since the last call.
    func subscriptions() throws(TransportError) -> [[UInt8]] {
        var topics: [[UInt8]] = []
        while let message = try publisher.receive() {
            if case .subscribed(let topic) = SubscriptionEvent(message) { topics.append(topic) }
        }
        return topics
    }

    /// Takes note that clients were heard on the connection with that route.
    func note(_ clients: [ClientID], at route: Routes.Route) {
        for client in clients { routes.note(client, at: route) }
    }

    /// Sends to all who listen, or to the connections that spoke for a client last. A connection that has ended is passed
    /// over.
    func send(_ frames: [[UInt8]], on topic: Topic) throws(TransportError) {
        switch topic {
        case .all: _ = try publisher.send(frames: frames)
        case .client(let client): for route in routes[client] { _ = try router.send(frames: [route] + frames) }
        }
    }
}
