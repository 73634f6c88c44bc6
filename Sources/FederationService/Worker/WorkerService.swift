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

    private struct Seat {
        var client: Client
        let dataset: TuningDataset
        /// Nil where updates are kept in memory alone.
        let outbox: OutboxFolder?
        /// Nil where updates are sent as they are.
        let privacy: PrivacyGuard?
        /// What the client keeps of its last task; lost with the process.
        var personal = Parameters()
        var delays: SeededRandom
        var cancellation: TuningThread.Cancellation?
        var timers: [ClientTimer: LoopTimer] = [:]
        var end: ClientEnd?
    }

    private let configuration: RunConfiguration
    private let logger: Logger
    private let key: String
    /// The run folder where the aggregator says how it can be reached; nil where the configuration says it.
    private let meeting: (folder: RunFolder, patience: Duration?)?
    private let tuning: TuningThread
    private var seats: [Seat]
    private var clock = RunClock()
    private var links: WorkerLinks?
    private var search: AggregatorSearch?
    private var begun = false
    private var end: CheckedContinuation<Void, any Error>?
    private var ended = false
    private let reporter: ServiceReporter
    private var signOfLife: LoopTimer?

    /// Loads the encoder and the clients' data.
    /// - Parameters:
    ///   - clients: places among `RunConfiguration.clients`.
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
        try configuration.fixEncoder(digest: "\(Digest(ofFile: encoder.weightsPath))")
        let data = try FederatedData(configuration.data, encoder: encoder)
        let names = configuration.clients
        if let stranger = clients.first(where: { !names.indices.contains($0) }) {
            throw ConfigurationError("client \(stranger): expected 0 to \(names.count - 1) (data.clients)")
        }
        self.configuration = configuration
        self.logger = logger
        tuning = TuningThread(learner: try PromptLearner(encoder: encoder, threads: configuration.worker.threads))
        let disk = DispatchQueue(label: "outbox")
        seats = try clients.map { index in
            let dataset = try TuningDataset(try data.images(ofClient: index))
            let session = UInt64.random(in: .min ... .max)
            let outbox = try configuration.worker.outbox.map {
                try OutboxFolder(path: $0, client: names[index], thread: disk) { problem in
                    logger.warning("acknowledged updates not listed", metadata: ["problem": "\(problem)"])
                }
            }
            return Seat(
                client: Client(
                    id: names[index], session: session,
                    sampleCount: configuration.privacy?.sampleCount ?? dataset.count,
                    encoderDigest: configuration.federation.encoderDigest, outbox: outbox?.left ?? []),
                dataset: dataset, outbox: outbox,
                privacy: try configuration.privacy.map {
                    try PrivacyGuard($0, file: outbox?.privacyAccount, random: SystemRandomNumberGenerator())
                },
                delays: SeededRandom(seed: configuration.federation.seed, stream: 1000 + UInt64(index)))
        }
        loop = try PollLoop(name: "worker")
    }

    /// Runs until the run is finished or a graceful shutdown begins.
    public func run() async throws {
        defer { loop.stopAndWait() }
        try await withGracefulShutdownHandler {
            try await withCheckedThrowingContinuation { continuation in
                end = continuation
                open()
            }
        } onGracefulShutdown: {
            Task { await self.leave() }
        }
    }

    private func open() {
        logger.info(
            "working",
            metadata: [
                "clients": "\(seats.map(\.client.id.name).joined(separator: " "))",
                "kept": "\(seats.reduce(0) { $0 + $1.client.outbox.count })",
                "samples": "\(seats.reduce(0) { $0 + $1.dataset.count })",
            ])
        if let meeting {
            // Three beacons may be lost before the aggregator is looked for elsewhere.
            let silence = max(.seconds(2), configuration.federation.beacon * 3)
            search = AggregatorSearch(
                folder: meeting.folder, patience: meeting.patience, silence: silence, loop: loop
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
        logger.info("connecting", metadata: ["updates": "\(endpoints.updates)", "prompts": "\(endpoints.prompts)"])
        do {
            var settings = configuration.security
            settings.aggregatorKey = settings.aggregatorKey ?? aggregatorKey
            links?.close()
            links = try WorkerLinks(
                endpoints: endpoints, security: try Self.security(settings, key: key),
                topics: [.all] + seats.map { .client($0.client.id) }, loop: loop,
                refused: { [weak self] refusal in self?.assumeIsolated { $0.take(refusal) } },
                receive: { [weak self] messages in self?.assumeIsolated { $0.take(messages) } })
        } catch {
            return stop(error)
        }
        guard !begun else { return }
        begun = true
        for index in seats.indices { handle(.started, at: index) }
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
        let training = seats.count { $0.client.activity == .training }
        let kept = seats.reduce(0) { $0 + $1.client.outbox.count }
        return "\(seats.count) clients, \(training) training, \(kept) updates not yet settled"
    }

    private func leave() {
        reporter.stopping()
        guard begun else { return stop(nil) }
        for index in seats.indices { handle(.stopRequested(grace: configuration.worker.grace), at: index) }
    }

    private func stopIfAllEnded() {
        guard seats.allSatisfy({ $0.end != nil }) else { return }
        let refusals = seats.compactMap { seat in
            if case .refused(let reason) = seat.end { return "\(seat.client.id): \(reason)" }
            return nil
        }
        stop(refusals.first.map { ConfigurationError("the aggregator refused \($0)") })
    }

    private func stop(_ error: (any Error)?) {
        guard !ended else { return }
        ended = true
        for index in seats.indices {
            seats[index].cancellation?.cancel()
            for timer in seats[index].timers.values { timer.cancel() }
        }
        signOfLife?.cancel()
        search?.end()
        links?.close()
        links = nil
        for seat in seats { seat.outbox?.finish() }
        // Letting go of the links sends what still waits in them, the goodbyes; only then the process may end.
        loop.execute { [end] in
            if let error { end?.resume(throwing: error) } else { end?.resume() }
        }
        end = nil
    }

    // MARK: What happens

    private func take(_ messages: [(topic: [UInt8], payload: [UInt8])]) {
        search?.heard()
        for (topic, payload) in messages where !ended {
            do {
                let envelope = try AggregatorCodec.decode(payload)
                let event = ClientEvent.Kind.received(envelope.message, incarnation: envelope.incarnation)
                switch try Topic(bytes: topic) {
                case .all: for index in seats.indices { handle(event, at: index) }
                case .client(let id):
                    if let index = seats.firstIndex(where: { $0.client.id == id }) { handle(event, at: index) }
                }
            } catch {
                logger.warning("malformed message dropped", metadata: ["problem": "\(error)"])
            }
        }
    }

    private func take(_ refusal: WorkerLinks.Refusal) {
        switch refusal {
        case .keyUnknown:
            stop(ConfigurationError("the aggregator does not know this worker's key (security.keys, --key)"))
        case .handshakeFailed:
            logger.warning("\(refusal.words)")
        }
    }

    private func handle(_ kind: ClientEvent.Kind, at index: Int) {
        guard !ended, seats[index].end == nil else { return }
        for effect in seats[index].client.handle(ClientEvent(time: clock.now(), kind: kind)) {
            carryOut(effect, at: index)
        }
        if seats[index].end != nil { stopIfAllEnded() }
    }

    private func trained(_ result: Result<TrainingOutcome?, any Error>, order: TrainingOrder, at index: Int) {
        guard !ended else { return }
        seats[index].cancellation = nil
        switch result {
        case .success(nil): handle(.trainingFailed(task: order.task.number), at: index)
        case .success(let outcome?):
            seats[index].personal = outcome.personal
            if let privacy = seats[index].privacy {
                logger.info(
                    "update made private",
                    metadata: [
                        "client": "\(seats[index].client.id)", "updates": "\(privacy.updates)",
                        "epsilon": "\(decimal(privacy.epsilon, 3))",
                    ])
            }
            handle(.trainingFinished(outcome.result), at: index)
        case .failure(let error):
            logger.warning(
                "training failed",
                metadata: [
                    "client": "\(seats[index].client.id)", "task": "\(order.task.number)", "problem": "\(error)",
                ])
            handle(.trainingFailed(task: order.task.number), at: index)
        }
    }

    private func stored(_ id: UpdateID, _ problem: OutboxError?, at index: Int) {
        // Without its file the update is sent all the same, and is lost only if the worker dies before it is taken.
        if let problem { logger.warning("update kept in memory alone", metadata: ["problem": "\(problem)"]) }
        handle(.stored(id), at: index)
    }

    // MARK: What is done

    private func carryOut(_ effect: ClientEffect, at index: Int) {
        switch effect {
        case .send(let message): send(message)
        case .train(let order): train(order, at: index)
        case .store(let update): store(update, at: index)
        case .discard(let id, let settlement): seats[index].outbox?.discard(id, settlement)
        case .abandonTraining: seats[index].cancellation?.cancel()
        case .setTimer(let timer, let delay):
            seats[index].timers[timer]?.cancel()
            seats[index].timers[timer] = loop.schedule(after: delay) { [weak self] in
                self?.assumeIsolated { $0.handle(.timerFired(timer), at: index) }
            }
        case .updateRejected(let reject):
            logger.warning(
                "update rejected",
                metadata: [
                    "client": "\(reject.client)", "update": "\(reject.sequence)", "code": "\(reject.code)",
                    "reason": "\(reject.reason)",
                ])
        case .finish(let end):
            seats[index].end = end
            logger.info("client ended", metadata: ["client": "\(seats[index].client.id)", "end": "\(end)"])
        }
    }

    private func store(_ update: ClientMessage.Update, at index: Int) {
        guard let outbox = seats[index].outbox else { return handle(.stored(update.id), at: index) }
        outbox.store(update) { [loop, weak self] problem in
            loop.execute { [weak self] in self?.assumeIsolated { $0.stored(update.id, problem, at: index) } }
        }
    }

    private func send(_ message: ClientMessage) {
        do {
            try links?.send(message)
        } catch {
            logger.warning("cannot send", metadata: ["problem": "\(error)"])
        }
    }

    /// Tunes, and hands the result over after the configured delay.
    private func train(_ order: TrainingOrder, at index: Int) {
        if let reason = seats[index].privacy?.refusal {
            logger.warning(
                "client takes no more tasks", metadata: ["client": "\(seats[index].client.id)", "reason": "\(reason)"])
            return handle(.retired(reason), at: index)
        }
        let delay = configuration.worker.delay.draw(&seats[index].delays)
        seats[index].cancellation = tuning.train(
            order, personal: seats[index].personal, on: seats[index].dataset, privacy: seats[index].privacy
        ) { [loop, weak self] result in
            loop.schedule(after: delay) { [weak self] in
                self?.assumeIsolated { $0.trained(result, order: order, at: index) }
            }
        }
    }
}
