import Federation
import FederationService
import Foundation
import Glibc
import PromptAggregation
import PromptWire
import RunSettings
import ZeroMQTransport

/// What a hostile client does to an aggregator.
public enum HostileKind: String, Hashable, Sendable, CaseIterable {
    /// Says hello and sends updates for tasks that it was never given.
    case updates = "updates without tasks"
    case malformed = "malformed messages"
    case subscriptions = "long subscriptions"
    /// Connects with ever new keys.
    case strangers = "strangers' keys"
    case large = "messages of 60 MiB"
    case heartbeats
    /// One client's, each of another session.
    case hellos
    /// Each with a name that nobody had before, by a key that may speak for all.
    case names = "hellos of new names"

    /// Whom its key may speak for.
    var clients: [String] { self == .names ? ["*"] : [HostileClient.name] }
}

/// Plays one hostile client, which holds a key of the run, as fast as it can.
public struct HostileClient {
    private let kind: HostileKind
    private let endpoints: RunConfiguration.Endpoints
    private let security: Security
    static let name = "hostile"

    /// - Parameter keys: the folder with its key.
    public init(_ kind: HostileKind, updates: String, prompts: String, keys: String) throws {
        self.kind = kind
        endpoints = .init(updates: updates, prompts: prompts)
        security = try KeyFolder(path: keys).clientSide(name: Self.name)
    }

    /// Runs until standard input ends.
    public func run() throws {
        try HeldProcess.sayReady()
        switch kind {
        case .updates: try flood(Self.update(), greeting: Self.hello(session: LoadConnection.session))
        case .heartbeats: try flood(Self.heartbeat, greeting: Self.hello(session: LoadConnection.session))
        case .hellos:
            var session: UInt64 = 0
            try flood {
                session += 1
                return Self.hello(session: session)
            }
        case .names:
            var number = 0
            try flood {
                number += 1
                return Self.hello(session: 1, name: "\(Self.name)-\(number)")
            }
        case .malformed: try flood([UInt8](repeating: 0xA5, count: 200))
        case .large: try flood([UInt8](repeating: 0xA5, count: 60 << 20))
        case .subscriptions:
            let topic = (0..<4 << 20).map { UInt8(truncatingIfNeeded: $0 &* 7919 >> 5) }
            try repeatedly(pause: 10_000) { context in
                let socket = try subscriber(context, security)
                try socket.subscribe(topic)
                return socket
            }
        case .strangers:
            guard case .curveClient(_, let server) = security else { return }
            try repeatedly(pause: 1000) { context in
                try subscriber(context, .curveClient(key: try CurveSecretKey.generate(), server: server))
            }
        }
    }

    private func subscriber(_ context: Context, _ security: Security) throws -> SocketBox<Sub> {
        var options = SocketOptions()
        options.security = security
        options.linger = .zero
        let socket = try Socket<Sub>(context, options: options)
        try socket.connect(endpoints.prompts)
        return SocketBox(socket)
    }

    /// Makes one connection after the other and keeps the last hundred.
    private func repeatedly(pause: UInt32, _ connect: (Context) throws -> SocketBox<Sub>) throws {
        let context = try Context()
        var kept: [SocketBox<Sub>] = []
        while !isOver {
            kept.append(try connect(context))
            if kept.count > 100 { kept.removeFirst() }
            usleep(pause)
        }
    }

    private func flood(_ message: [UInt8], greeting: [UInt8]? = nil) throws {
        try flood(greeting: greeting) { message }
    }

    private func flood(greeting: [UInt8]? = nil, _ next: () -> [UInt8]) throws {
        var options = SocketOptions()
        options.security = security
        options.linger = .zero
        options.sendHighWater = 4
        let socket = try Socket<Push>(try Context(), options: options)
        try socket.connect(endpoints.updates)
        if let greeting { while try !socket.send(greeting), !isOver { usleep(1000) } }
        while !isOver {
            if try !socket.send(next()) { usleep(100) }
        }
    }

    private var isOver: Bool {
        var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        return poll(&input, 1, 0) > 0
    }

    private static func hello(session: UInt64, name: String = name) -> [UInt8] {
        ClientCodec.encode(.hello(.init(client: ClientID(name), session: session, sampleCount: 100)))
    }

    /// As of a client that has not heard of its task, which is sent to it again each time.
    private static var heartbeat: [UInt8] {
        ClientCodec.encode(
            .heartbeat(
                .init(
                    client: ClientID(name), session: LoadConnection.session, activity: .idle, task: 0, outstanding: 0)))
    }

    private static func update() throws -> [UInt8] {
        let configuration = try LoadedAggregator.configuration(clients: 1, [])
        return LoadedAggregator.update(
            by: ClientID(name), run: 1, task: 1 << 40, base: 0, state: try LoadedAggregator.blankState(configuration))
    }
}

/// A socket that an array can hold.
private final class SocketBox<Kind: SocketKind> {
    private let socket: Socket<Kind>
    init(_ socket: consuming Socket<Kind>) { self.socket = socket }
}

extension SocketBox where Kind == Sub {
    func subscribe(_ topic: [UInt8]) throws { try socket.subscribe(topic) }
}
