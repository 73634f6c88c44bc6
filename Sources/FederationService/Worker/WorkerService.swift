import Dispatch
import Federation
import FederationRun
import Foundation
import Logging
import PromptAggregation
import PromptTuning
import PromptWire
import RunLog
import RunSettings
import ServiceLifecycle
import Text
import ZeroMQTransport

/// A live worker: hosts some of a run's clients, each a `Client` of its own, on one pair of sockets and one thread for
/// tuning.
public actor WorkerService: Service {
    package nonisolated let loop: PollLoop
    nonisolated public var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let configuration: RunConfiguration
    private let logger: Logger
    private let key: String
    /// The run folder where the aggregator says how it can be reached; nil where the configuration says it.
    private let meeting: (folder: RunFolder, patience: Duration?)?
    private var clients: [HostedClient] = []
    private var places: [ClientID: Int] = [:]
    /// Their images.
    private var samples = 0
    private var links: WorkerLinks?
    /// Where the aggregator is, as far as that is known, and its key.
    private var reached: (endpoints: RunConfiguration.Endpoints, key: String?)?
    private var connected = ContinuousClock.now
    private var search: AggregatorSearch?
    private var silence = Silence(since: .now, patience: .zero)
    /// Whether a message has come since the last look.
    private var hasHeard = false
    private var traffic = SharedTraffic()
    private var begun = false
    private var end: CheckedContinuation<Void, any Error>?
    private var ended = false
    private let reporter: ServiceReporter
    private var signOfLife: LoopTimer?
    private var listening: LoopTimer?
    private var outboxWatch: OutboxWatch?

    /// An aggregator that is not heard for so long is reported.
    private static let quiet: Duration = .seconds(10)
    /// Heartbeats that come within this time travel together.
    private static let gathering: Duration = .milliseconds(20)

    /// As many may be lost before the aggregator is looked for elsewhere.
    private var threeBeacons: Duration { configuration.federation.beacon * 3 }

    /// Loads the encoder and the clients' data. Where the configuration names clients with images of their own
    /// (`worker.clients`), the worker hosts these.
    /// - Parameters:
    ///   - clients: else, indexes in `RunConfiguration.clients`.
    ///   - key: the name of the worker's key, where the run has keys.
    ///   - meeting: the aggregator's run folder, and how long to wait for an aggregator that is not heard, nil for ever;
    ///     nil takes the endpoints of the configuration.
    ///   - health: where to show that the service is alive, beside systemd.
    /// - Throws: `ConfigurationError`, `OutboxError`, `DatasetError`, or what loading the encoder throws.
    public init(
        configuration given: RunConfiguration, clients: [Int], key: String,
        meeting: (folder: RunFolder, patience: Duration?)? = nil, logger: Logger, health: HealthFile? = nil
    ) throws {
        // A worker has few connections of its own, whatever the number of its clients.
        _ = try OpenFiles(raisedTo: OpenFiles.own)
        var configuration = given
        self.key = key
        self.meeting = meeting
        reporter = ServiceReporter(health: health)
        if meeting == nil { _ = try Self.security(configuration.security, key: key) }
        let encoder = try configuration.loadEncoder()
        try configuration.fixEncoder(digest: "\(Digest(ofFiles: encoder.filePaths))")
        let images = try ClientImages.hosted(by: configuration, at: clients, encoder: encoder)
        self.configuration = configuration
        self.logger = logger
        let loop = try PollLoop(name: "worker")
        self.loop = loop
        let tuning = TuningThread(learner: try PromptLearner(encoder: encoder, threads: configuration.worker.threads))
        let disk = DispatchQueue(label: "outbox")
        let model = try ModelDescription(
            configuration, classes: configuration.data.classNames, encoder: encoder
        ).specification
        var outboxes: [OutboxFolder] = []
        for images in images {
            let dataset = images.training
            samples += dataset.count
            images.found.map { Self.note($0, of: images.client, logger) }
            let belongings = try Self.belongings(of: images.client, configuration, disk: disk, logger: logger)
            if let outbox = belongings.outbox { outboxes.append(outbox) }
            let client = HostedClient(
                id: images.client, session: UInt64.random(in: .min ... .max),
                sampleCount: configuration.privacy?.sampleCount ?? dataset.count,
                model: model, belongings: belongings,
                train: { order, personal, finish in
                    tuning.train(
                        order, personal: personal, on: dataset, privacy: belongings.privacy, finish: finish)
                }, heldOut: Self.assessor(of: images, configuration, tuning), loop: loop, logger: logger)
            places[images.client] = self.clients.count
            self.clients.append(client)
        }
        outboxWatch = OutboxWatch(outboxes, thread: disk, loop: loop)
    }

    /// Says what was found of a client's own images.
    private static func note(_ found: ClientImages.Found, of client: ClientID, _ logger: Logger) {
        var details: Logger.Metadata = [
            "client": "\(client)", "\(found.examples)": "\(found.images)", "held_out": "\(found.heldOut)",
            "classes": "\(found.classes - found.missingClasses.count) of \(found.classes)",
        ]
        if !found.missingClasses.isEmpty {
            details["missing"] = "\(found.missingClasses.joined(separator: ", "))"
        }
        if !found.omitted.isEmpty { details["left_out"] = "\(found.omitted.joined(separator: "; "))" }
        logger.info("\(found.examples) read", metadata: details)
    }

    /// Evaluates versions on a client's held-out images; nil where it holds none out, or where that would reveal more
    /// of its data than `privacy` allows.
    private static func assessor(
        of images: ClientImages, _ configuration: RunConfiguration, _ tuning: TuningThread
    ) -> (count: Int, assess: HostedClient.Assessor)? {
        guard let heldOut = images.heldOut, configuration.privacy == nil else { return nil }
        let plan = configuration.federation.plan
        return (
            heldOut.count,
            { state, personal, finish in
                tuning.evaluate(state, personal: personal, on: heldOut, plan: plan, finish: finish)
            }
        )
    }

    /// What a client keeps, taken up where an earlier process left it.
    private static func belongings(
        of client: ClientID, _ configuration: RunConfiguration, disk: DispatchQueue, logger: Logger
    ) throws -> HostedClient.Belongings {
        let outbox = try configuration.worker.outbox.map {
            try OutboxFolder(path: $0, client: client, thread: disk) { problem in
                logger.warning("acknowledged updates not listed", metadata: ["problem": "\(problem)"])
            }
        }
        var account: (@Sendable (UInt64) -> String)?
        if let outbox { account = { outbox.privacyAccount(run: $0) } }
        let privacy = configuration.privacy.map {
            PrivacyGuard($0, file: account, random: SystemRandomNumberGenerator())
        }
        return .init(
            outbox: outbox, privacy: privacy, delay: configuration.worker.delay,
            delays: SeededRandom(seed: configuration.federation.seed, stream: Self.stream(of: client)))
    }

    /// Draws a client's delays apart from those of others.
    private static func stream(of client: ClientID) -> UInt64 {
        Digest(of: Array(client.name.utf8)).bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Runs until the run is finished or its task is cancelled or asked to shut down.
    public func run() async throws {
        defer { loop.stopAndWait() }
        try await withTaskCancellationOrGracefulShutdownHandler {
            try await withCheckedThrowingContinuation { continuation in
                end = continuation
                open()
            }
        } onCancelOrGracefulShutdown: {
            Task { await self.leave() }
        }
    }

    private func open() {
        logger.info(
            "working",
            metadata: [
                "clients": "\(clients.map(\.client.id.name).joined(separator: " "))", "kept": "\(unsettled)",
                "samples": "\(samples)",
            ])
        for client in clients {
            client.send = { [weak self] message, bytes in self?.assumeIsolated { $0.send(message, bytes) } }
            client.ended = { [weak self] in self?.assumeIsolated { $0.stopIfAllEnded() } }
        }
        if let meeting {
            search = AggregatorSearch(
                folder: meeting.folder, patience: meeting.patience, silence: max(.seconds(2), threeBeacons), loop: loop
            ) { [weak self] finding in self?.assumeIsolated { $0.take(finding) } }
            search?.begin()
        } else {
            connect(to: configuration.endpoints, aggregatorKey: nil)
        }
        guard !ended else { return }
        reporter.ready(status)
        signOfLife = loop.schedule(every: reporter.interval) { [weak self] in
            self?.assumeIsolated { $0.reporter.alive($0.status) }
        }
        outboxWatch?.begin { [weak self] problem in self?.assumeIsolated { $0.stop(problem) } }
        silence = Silence(since: .now, patience: max(Self.quiet, threeBeacons))
        // A beacon comes between two looks.
        listening = loop.schedule(every: max(.seconds(1), threeBeacons / 2)) { [weak self] in
            self?.assumeIsolated { $0.listen() }
        }
    }

    private func take(_ finding: AggregatorSearch.Outcome) {
        guard !ended else { return }
        switch finding {
        case .found(let endpoints, let key): connect(to: endpoints, aggregatorKey: key)
        case .finished:
            logger.info("the run has finished")
            stop(nil)
        case .failed(let error): stop(error)
        }
    }

    /// Connects, maybe to where the aggregator is now and was not before.
    private func connect(to endpoints: RunConfiguration.Endpoints, aggregatorKey: String?) {
        reached = (endpoints, aggregatorKey)
        logger.info("connecting", metadata: ["updates": "\(endpoints.updates)", "prompts": "\(endpoints.prompts)"])
        openLinks(to: endpoints, aggregatorKey: aggregatorKey)
    }

    private func openLinks(to endpoints: RunConfiguration.Endpoints, aggregatorKey: String?) {
        connected = .now
        do {
            var settings = configuration.security
            settings.aggregatorKey = settings.aggregatorKey ?? aggregatorKey
            links?.close()
            links = try WorkerLinks(
                endpoints: endpoints, security: try Self.security(settings, key: key),
                topics: [.all] + clients.map { .client($0.client.id) }, loop: loop,
                keyUnknown: { [weak self] in self?.assumeIsolated { $0.refuseKey() } },
                receive: { [weak self] messages in self?.assumeIsolated { $0.take(messages) } })
        } catch {
            return stop(error)
        }
        guard !begun else { return }
        begun = true
        for client in clients { client.start() }
    }

    /// Connects again where the other side did not take the connection: ZeroMQ may have given it up, though keys or
    /// ports may be mended since.
    private func retryIfRefused() {
        guard !ended, let reached, links?.isRefused == true, .now - connected >= Self.quiet else { return }
        openLinks(to: reached.endpoints, aggregatorKey: reached.key)
    }

    private func refuseKey() {
        stop(ConfigurationError("the aggregator does not know this worker's key (security.keys, --key)"))
    }

    /// What a worker connects with.
    /// - Throws: `ConfigurationError` where a key is missing or cannot be read.
    package static func security(_ settings: RunConfiguration.Security, key: String) throws -> Security {
        if let keys = settings.keys {
            return try KeyFolder(path: keys).clientSide(name: key, aggregatorKey: settings.aggregatorKey)
        }
        guard settings.aggregatorKey == nil else {
            throw ConfigurationError("the aggregator has keys: expected security.keys, the folder with this worker's")
        }
        return .none
    }

    /// What it does, in a few words for whoever watches over the process.
    private var status: String {
        let training = clients.count { $0.client.activity == .training }
        return "\(clients.count) clients, \(training) training, \(unsettled) updates not yet settled"
    }

    private func client(_ id: ClientID) -> HostedClient? { places[id].map { clients[$0] } }

    private var unsettled: Int { clients.reduce(0) { $0 + $1.unsettled } }

    private func leave() {
        reporter.stopping()
        guard begun else { return stop(nil) }
        for client in clients { client.leave(within: configuration.worker.grace) }
    }

    private func stopIfAllEnded() {
        guard clients.allSatisfy({ $0.end != nil }) else { return }
        let refusals = clients.compactMap { hosted in
            if case .refused(let refuse) = hosted.end { return "\(hosted.client.id): \(refuse.reason)" }
            return nil
        }
        stop(refusals.first.map { ConfigurationError("the aggregator refused \($0)") })
    }

    private func stop(_ error: (any Error)?) {
        guard !ended else { return }
        ended = true
        signOfLife?.cancel()
        listening?.cancel()
        outboxWatch?.end()
        search?.end()
        links?.close()
        links = nil
        for client in clients { client.abandon() }
        // Letting go of the links sends what still waits in them, the goodbyes; only then the process may end.
        loop.execute { [end] in
            if let error { end?.resume(throwing: error) } else { end?.resume() }
        }
        end = nil
    }

    // MARK: What happens

    private func take(_ messages: [(topic: [UInt8], payload: [UInt8])]) {
        // Where updates do not arrive, states that do are no sign that the aggregator is where it was.
        if links?.isConnected == true { search?.heard() }
        hasHeard = true
        if !silence.isOver { listen() }
        for (topic, payload) in messages where !ended {
            do {
                let envelope = try AggregatorCodec.decode(payload)
                traffic.hear(envelope)
                switch (try Topic(bytes: topic), envelope.message) {
                // A state is the same for all, whoever asked for it.
                case (.all, _), (_, .prompts): for client in clients { client.receive(envelope) }
                case (.client(let id), _): client(id)?.receive(envelope)
                }
            } catch {
                logger.warning("malformed message dropped", metadata: ["problem": "\(error)"])
            }
        }
    }

    /// Reports an aggregator that is not heard, and one that is heard again.
    private func listen() {
        guard !ended else { return }
        let isHeard = hasHeard && links?.isConnected == true
        hasHeard = false
        defer { retryIfRefused() }
        switch silence.look(at: .now, isHeard: isHeard, isRefused: links?.isRefused == true) {
        case nil: break
        case .heard: logger.info("the aggregator is heard")
        case .silent(let duration):
            var details: Logger.Metadata = ["seconds": "\(decimal(duration / .seconds(1), 0))"]
            if let links {
                let names = ["updates", "prompts"]
                for (name, trouble) in zip(names, links.trouble) {
                    details[name] = "\(trouble.endpoint): \(trouble.words)"
                }
            } else if let meeting {
                details["waiting_for"] = "\(meeting.folder.endpoints)"
            }
            logger.warning("no aggregator is heard", metadata: details)
        }
    }

    private func send(_ message: ClientMessage, _ bytes: [UInt8]) {
        switch message {
        case .heartbeat(let heartbeat):
            guard traffic.gather(heartbeat) else { return }
            loop.schedule(after: Self.gathering) { [weak self] in self?.assumeIsolated { $0.sendHeartbeats() } }
        case .fetch(let fetch):
            switch traffic.fetch(fetch, at: .now, patience: configuration.federation.heartbeat) {
            case .send: send(bytes)
            case .wait: break
            case .answer(let envelope):
                loop.execute { [weak self] in self?.assumeIsolated { $0.client(fetch.client)?.receive(envelope) } }
            }
        case .goodbye(let goodbye):
            traffic.forget(goodbye.client)
            send(bytes)
        case .hello, .update, .failure, .presence, .evaluation: send(bytes)
        }
    }

    private func sendHeartbeats() {
        for message in traffic.gathered() { send(ClientCodec.encode(message)) }
    }

    private func send(_ bytes: [UInt8]) {
        do {
            try links?.send(bytes)
        } catch {
            logger.warning("cannot send", metadata: ["problem": "\(error)"])
        }
    }
}
