import Federation
import FederationService
import Foundation
import PromptWire
import RunSettings
import ZeroMQTransport

/// The checker's two sockets, PULL and XPUB, used by its one thread. Letting go of them ends all connections, as the death
/// of an aggregator does.
final class StageLinks {
    /// As they were bound.
    let endpoints: RunConfiguration.Endpoints
    private let pull: Socket<Pull>
    private let publisher: Socket<XPub>
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
        pull = try Socket<Pull>(context, options: options)
        publisher = try Socket<XPub>(context, options: options)
        self.endpoints = .init(
            updates: try Self.bind(pull, endpoints.updates), prompts: try Self.bind(publisher, endpoints.prompts))
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

    func receive(within timeout: Duration) throws(TransportError) -> Message? { try pull.receive(within: timeout) }

    /// What has been subscribed to since the last call.
    func subscriptions() throws(TransportError) -> [[UInt8]] {
        var topics: [[UInt8]] = []
        while let message = try publisher.receive() {
            if case .subscribed(let topic) = SubscriptionEvent(message) { topics.append(topic) }
        }
        return topics
    }

    func send(frames: [[UInt8]]) throws(TransportError) { _ = try publisher.send(frames: frames) }
}
