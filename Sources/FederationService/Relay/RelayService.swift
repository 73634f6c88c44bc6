import Foundation
import Logging
import RunLog
import RunSettings
import ServiceLifecycle
import ZeroMQTransport

/// Passes the connections of workers on to an aggregator that they cannot reach themselves, byte for byte.
///
/// It understands nothing of what it passes on: encryption and keys stay between worker and aggregator, and a relay needs
/// no key. It finds the aggregator by the rendezvous of its run folder, and writes one of its own for the workers. When
/// the aggregator is away, connections are closed, and the workers' sockets try again.
public actor RelayService: Service {
    package nonisolated let loop: PollLoop
    nonisolated public var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// What the aggregator's rendezvous says, its names resolved.
    private enum Upstream: Sendable, Equatable {
        case open([SocketAddress], key: String?)
        case finished
    }

    private let upstream: RunFolder
    private let folder: RunFolder
    private let endpoints: RunConfiguration.Endpoints
    private let advertise: String
    private let openNetwork: Bool
    private let logger: Logger
    private let set: ReadinessSet
    private var scratch = [UInt8](repeating: 0, count: 64 << 10)
    private let disk = DispatchQueue(label: "rendezvous")

    /// Where workers connect, updates first.
    private var listeners: [Int32] = []
    private var advertised: RunConfiguration.Endpoints?
    private var areListening = false
    private var target: Upstream?
    private var connections: [UInt64: RelayedConnection] = [:]
    private var nextNumber: UInt64 = 1
    private var relayedBytes = 0
    private var isReading = false
    private var watch: LoopDescriptor?
    private var timers: [LoopTimer] = []
    private var end: CheckedContinuation<Void, any Error>?
    private var isOver = false
    private let reporter: ServiceReporter

    /// How often the aggregator's rendezvous is looked at.
    private static let interval: Duration = .seconds(2)
    /// A connection that is relayed takes two; how many will come is not known.
    private static let wantedFiles = 1 << 16
    /// After the end of the run, the time for workers to hear of it.
    private static let linger: Duration = .seconds(10)

    /// - Parameters:
    ///   - upstream: the aggregator's run folder, or one with a copy of its `endpoints.yaml`.
    ///   - folder: where the relay writes its own `endpoints.yaml`.
    ///   - endpoints: where it listens.
    ///   - advertise: which address to advertise for a wildcard (`ReachableAddress`).
    ///   - openNetwork: whether others may reach an aggregator through it that has no keys.
    ///   - health: where to show that the service is alive, beside systemd.
    /// - Throws: `ConfigurationError` for endpoints that are no tcp; `TransportError`.
    public init(
        upstream: RunFolder, folder: RunFolder, endpoints: RunConfiguration.Endpoints, advertise: String,
        openNetwork: Bool, logger: Logger, health: HealthFile? = nil
    ) throws {
        for endpoint in [endpoints.updates, endpoints.prompts] where TCPEndpoint(endpoint) == nil {
            throw ConfigurationError("expected an endpoint such as tcp://*:5601, found '\(endpoint)'")
        }
        self.upstream = upstream
        self.folder = folder
        self.endpoints = endpoints
        self.advertise = advertise
        self.openNetwork = openNetwork
        self.logger = logger
        reporter = ServiceReporter(health: health)
        OpenFiles.raise(to: Self.wantedFiles)
        set = try ReadinessSet()
        loop = try PollLoop(name: "relay")
    }

    /// Runs until the run has finished or its task is cancelled or asked to shut down.
    public func run() async throws {
        defer { loop.stopAndWait() }
        try await withTaskCancellationOrGracefulShutdownHandler {
            try await withCheckedThrowingContinuation { continuation in
                end = continuation
                do { try open() } catch { stop(error) }
            }
        } onCancelOrGracefulShutdown: {
            Task { await self.stop(nil) }
        }
    }

    private func open() throws {
        try folder.create()
        let bound = try bindAll()
        advertised = try bound.advertised(as: advertise)
        logger.info("relaying", metadata: ["updates": "\(bound.updates)", "prompts": "\(bound.prompts)"])
        watch = loop.watch(set.descriptor) { [weak self] in self?.assumeIsolated { $0.serve() } }
        timers = [
            loop.schedule(every: Self.interval) { [weak self] in self?.assumeIsolated { $0.look() } },
            loop.schedule(every: reporter.interval) { [weak self] in
                self?.assumeIsolated { $0.reporter.alive($0.status) }
            },
        ]
        look()
        reporter.ready(status)
    }

    /// Binds where an earlier relay of this folder was bound, as far as that is left open and possible.
    private func bindAll() throws -> RunConfiguration.Endpoints {
        func bind(_ endpoint: String) throws -> String {
            guard var endpoint = TCPEndpoint(endpoint) else {
                throw RelayError("\(endpoint): expected tcp://host:port")
            }
            let (descriptor, port) = try SocketAddress(resolving: endpoint).listen(endpoint)
            listeners.append(descriptor)
            endpoint.port = "\(port)"
            return endpoint.description
        }
        do {
            let again = try folder.endpointsAgain(endpoints)
            if again != endpoints {
                return .init(updates: try bind(again.updates), prompts: try bind(again.prompts))
            }
        } catch {
            closeListeners()
            logger.warning("its previous port is unavailable; binding another", metadata: ["error": "\(error)"])
        }
        return .init(updates: try bind(endpoints.updates), prompts: try bind(endpoints.prompts))
    }

    private func closeListeners() {
        for listener in listeners { close(listener) }
        listeners = []
    }

    private var status: String {
        "\(connections.count) connections, \(relayedBytes + connections.values.reduce(0) { $0 + $1.relayedBytes }) bytes"
    }

    private func stop(_ error: (any Error)?) {
        guard !isOver else { return }
        isOver = true
        reporter.stopping()
        for timer in timers { timer.cancel() }
        watch?.cancel()
        for number in Array(connections.keys) { drop(number) }
        listen(false)
        closeListeners()
        logger.info("stopped", metadata: ["bytes": "\(relayedBytes)"])
        if let error { end?.resume(throwing: error) } else { end?.resume() }
        end = nil
    }

    // MARK: Where the aggregator is

    private func look() {
        guard !isReading, !isOver, target != .finished else { return }
        isReading = true
        disk.async { [upstream, loop, weak self] in
            let reading = Result { try Self.read(upstream) }
            loop.execute { [weak self] in self?.assumeIsolated { $0.take(reading) } }
        }
    }

    private static func read(_ upstream: RunFolder) throws -> Upstream? {
        switch try upstream.rendezvous() {
        case nil: return nil
        case .finished: return .finished
        case .open(let endpoints, let key):
            let addresses = try [endpoints.updates, endpoints.prompts].map { text in
                guard let endpoint = TCPEndpoint(text), endpoint.port != "*" else {
                    throw ConfigurationError("\(upstream.endpoints): expected tcp://host:port, found '\(text)'")
                }
                return try SocketAddress(resolving: endpoint)
            }
            return .open(addresses, key: key)
        }
    }

    private func take(_ reading: Result<Upstream?, any Error>) {
        isReading = false
        guard !isOver else { return }
        do {
            guard let found = try reading.get(), found != target else { return }
            target = found
            switch found {
            case .open(_, let key): try begin(key: key)
            case .finished: try finish()
            }
        } catch let error as RelayError {
            // A name that does not resolve now may do so again.
            logger.warning("cannot find the aggregator", metadata: ["problem": "\(error)"])
        } catch {
            stop(error)
        }
    }

    /// Admits workers, and again where the aggregator has moved.
    private func begin(key: String?) throws {
        guard let advertised else { return }
        if key == nil, !openNetwork { try checkExposure() }
        for number in Array(connections.keys) { drop(number) }
        try folder.announce(.open(advertised, key: key))
        listen(true)
        logger.info("the aggregator is found", metadata: ["folder": "\(upstream.path)"])
    }

    private func checkExposure() throws {
        for endpoint in [endpoints.updates, endpoints.prompts]
        where TCPEndpoint(endpoint)?.staysOnThisMachine != true {
            throw ConfigurationError(
                "others can reach \(endpoint), and \(upstream.endpoints) holds no key: anybody could take part; give the"
                    + " federation keys, or add --open-network to admit anybody")
        }
    }

    private func finish() throws {
        try folder.announce(.finished)
        logger.info("the run has finished")
        timers.append(loop.schedule(after: Self.linger) { [weak self] in self?.assumeIsolated { $0.stop(nil) } })
    }

    // MARK: Connections

    /// Accepts connections, or leaves them waiting while there are too many.
    private func listen(_ wanted: Bool) {
        guard areListening != wanted else { return }
        areListening = wanted
        let (old, new) = wanted ? (0, ReadinessSet.readable) : (ReadinessSet.readable, 0)
        for (token, listener) in listeners.enumerated() {
            set.change(listener, from: old, to: new, token: UInt64(token))
        }
    }

    private func serve() {
        for token in set.ready() where !isOver {
            if token < 2 {
                accept(at: Int(token))
            } else if let connection = connections[token / 2] {
                let side = RelayedConnection.Side(rawValue: Int(token % 2))!
                let goesOn = scratch.withUnsafeMutableBytes { connection.handle(side, scratch: $0) }
                if !goesOn { drop(connection.number) }
            }
        }
    }

    private func accept(at place: Int) {
        while areListening, case .open(let addresses, _) = target {
            let near = Foundation.accept(listeners[place], nil, nil)
            guard near >= 0 else {
                if Self.isFull(errno) { pause() }
                return
            }
            _ = fcntl(near, F_SETFL, O_NONBLOCK)
            _ = fcntl(near, F_SETFD, FD_CLOEXEC)
            SocketAddress.tune(near)
            guard let far = addresses[place].connect() else {
                let failure = errno
                close(near)
                if Self.isFull(failure) { return pause() }
                continue
            }
            connections[nextNumber] = RelayedConnection(number: nextNumber, near: near, far: far, set: set)
            nextNumber += 1
        }
    }

    private static func isFull(_ failure: Int32) -> Bool { [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(failure) }

    /// The process can have no further file: who comes now waits for one who goes, or a little while.
    private func pause() {
        logger.warning("too many connections; further ones wait", metadata: ["connections": "\(connections.count)"])
        listen(false)
        loop.schedule(after: .seconds(1)) { [weak self] in
            self?.assumeIsolated { if !$0.isOver { $0.listen(true) } }
        }
    }

    private func drop(_ number: UInt64) {
        guard let connection = connections.removeValue(forKey: number) else { return }
        relayedBytes += connection.relayedBytes
        connection.cancel()
    }
}
