import Console
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
import ZeroMQTransport

/// The live aggregator: sockets, timers and files around `LoggedAggregator`.
///
/// Everything runs on the poll loop's thread, but for the log's writes. One commit of the log serves all messages
/// that came while the disk was at work on the commit before, and only then their acknowledgements and publications go out.
public actor AggregatorService: Service {
    package nonisolated let loop: PollLoop
    nonisolated public var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let setup: AggregatorSetup
    private let keys: (key: CurveSecretKey, allowed: AllowList)?
    private let stays: Bool
    private let logger: Logger
    private let openFiles: OpenFiles
    private var clock: RunClock
    private var engine: LoggedAggregator
    private var observer: RunObserver
    private let snapshots: SnapshotKeeper
    private var evaluator: Evaluator?
    private var links: AggregatorLinks?
    private var timers: [AggregatorTimer: LoopTimer] = [:]
    private var lingerEnd: LoopTimer?
    private var end: CheckedContinuation<Void, any Error>?
    private var failure: (any Error)?
    private var progress: ProgressLine?
    /// Whether the run has its log.
    private var begun = false
    private var ended = false
    private let reporter: ServiceReporter
    private var signOfLife: LoopTimer?
    private var lookForDrain: LoopTimer?
    /// The drain that was asked for since the start.
    private var drain: Drain?
    private let watch: RunWatch?
    private let atEnd: @Sendable (LiveFigures) throws -> Void
    private var showing: LoopTimer?
    private let disk = DispatchQueue(label: "log")
    /// The batch that the disk is at work on.
    private var storing: LoggedAggregator.Batch?

    /// Messages taken in at a time.
    private static let batch = 256
    /// Bytes that may wait while the disk is at work; then it is waited for before more is taken in.
    private static let waitingBytes = 16 << 20
    /// After the end of the run, the time for clients to hear of it.
    private static let linger: Duration = .seconds(5)
    /// How often the run folder is searched for a request to drain.
    private static let attention: Duration = .seconds(1)

    /// Makes a new run in its folder, or recovers the one that is there.
    /// - Parameters:
    ///   - progress: shows how the run goes; nil for silence.
    ///   - health: where to show that the service is alive, beside systemd.
    ///   - stays: whether it goes on telling of the run's end until it is stopped, also where that was told before.
    ///   - watch: gets the run's figures every second; nil where nobody looks on.
    ///   - atEnd: gets the run's last figures when all its files are closed, on the loop's thread.
    /// - Throws: `ConfigurationError`, `LogError`, `ReplayError`, `RunFolderError`, or what loading the encoder throws.
    public init(
        configuration: RunConfiguration, folder: RunFolder, logger: Logger, progress: ProgressLine?,
        health: HealthFile? = nil, stays: Bool = false, watch: RunWatch? = nil,
        atEnd: @escaping @Sendable (LiveFigures) throws -> Void = { _ in }
    ) throws {
        self.progress = progress
        self.stays = stays
        self.watch = watch
        self.atEnd = atEnd
        reporter = ServiceReporter(health: health)
        keys = try configuration.security.keys.map { try KeyFolder(path: $0).aggregatorSide() }
        try configuration.checkExposure(of: configuration.endpoints)
        openFiles = try OpenFiles(
            raisedTo: OpenFiles.needed(
                forClients: max(configuration.data.clients, configuration.federation.maximumClients)))
        if let shortage = openFiles.shortage(forClients: configuration.data.clients) {
            logger.warning("too few open files", metadata: ["problem": "\(shortage)"])
        }
        var clock = RunClock()
        setup = try AggregatorSetup(
            configuration: configuration, folder: folder, incarnation: UInt64.random(in: .min ... .max),
            startingAt: clock.now(), takesUpFinished: stays)
        try folder.removeDrain()
        self.logger = logger
        self.clock = RunClock(since: setup.lastTime)
        engine = LoggedAggregator(aggregator: setup.aggregator, log: setup.log)
        observer = try RunObserver(folder: folder, history: setup.history)
        snapshots = SnapshotKeeper(
            in: folder, since: setup.recovery?.start, interval: configuration.snapshotVersions
        ) { problem in
            logger.warning("no snapshot kept, recovery will take longer", metadata: ["problem": "\(problem)"])
        }
        loop = try PollLoop(name: "aggregator")
    }

    /// Runs until the run is finished or a graceful shutdown begins; either way everything is on the disk afterwards.
    public func run() async throws {
        defer { loop.stopAndWait() }
        try await withGracefulShutdownHandler {
            try await withCheckedThrowingContinuation { continuation in
                end = continuation
                do { try open() } catch { stop(error) }
            }
        } onGracefulShutdown: {
            Task { await self.stop(nil) }
        }
    }

    // MARK: Opening and closing

    private func open() throws {
        let configured = setup.configuration.endpoints
        let endpoints = setup.isRecovered ? try setup.folder.endpointsAgain(configured) : configured
        let links = try AggregatorLinks(
            endpoints: endpoints, orElse: configured, keys: keys, loop: loop,
            batch: Self.batch, stateBytes: AggregatorCodec.globalPromptsPayload(engine.aggregator.current).count,
            clients: setup.configuration.data.clients, room: openFiles.connections,
            crowded: { [logger, openFiles] counts in
                logger.warning(
                    "connections turned away: as many files and sockets are open as this process may have",
                    metadata: [
                        "limit": "\(openFiles.limit)", "connected": "\(counts.connected)",
                        "turned_away": "\(counts.turnedAway)", "not_taken": "\(counts.failed)",
                    ])
            },
            denied: { [logger] request in
                logger.warning(
                    "unknown key kept out", metadata: ["key": "\(request.key)", "address": "\(request.address)"])
            },
            receive: { [weak self] messages in self?.assumeIsolated { $0.take(messages) } })
        self.links = links
        let reachable = try links.endpoints.advertised(as: setup.configuration.advertise)
        try setup.folder.announce(.open(reachable, key: try keys?.key.publicKey().z85))
        try makeEvaluator()
        let now = clock.now()
        observer.begin(at: now)
        try engine.start(
            IncarnationStarted(incarnation: setup.incarnation, build: buildVersion), at: now)
        begun = true
        try storeAll()
        // A crash came between the end of the run and the last client that heard of it.
        if setup.aggregator.phase == .finished, !ended { linger() }
        logger.info(
            "aggregating",
            metadata: [
                "updates": "\(reachable.updates)", "prompts": "\(reachable.prompts)",
                "folder": "\(setup.folder.path)", "version": "\(engine.aggregator.version)",
                "recovered": "\(setup.recovery?.words ?? "no")",
            ])
        for snapshot in setup.recovery?.passedOver ?? [] {
            logger.warning("snapshot passed over", metadata: ["snapshot": "\(snapshot)"])
        }
        reporter.ready(status)
        signOfLife = loop.schedule(every: reporter.interval) { [weak self] in
            self?.assumeIsolated { $0.reporter.alive($0.status) }
        }
        lookForDrain = loop.schedule(every: Self.attention) { [weak self] in
            self?.assumeIsolated { $0.takeUpDrain() }
        }
        guard watch != nil else { return }
        show()
        showing = loop.schedule(every: RunWatch.interval) { [weak self] in self?.assumeIsolated { $0.show() } }
    }

    /// Leaves the run's figures to whoever looks on.
    private func show() { watch?.post(figures) }

    private var figures: LiveFigures {
        LiveFigures(setup: setup, engine: engine, history: observer.history, at: clock.now())
    }

    /// What it does, in a few words for whoever watches over the process.
    private var status: String {
        let counts = engine.aggregator.counts
        return "version \(engine.aggregator.version), \(counts.accepted) updates, \(counts.clientsAlive) clients alive,"
            + " \(counts.inFlight) tasks in flight"
    }

    private func makeEvaluator() throws {
        guard let interval = setup.configuration.evaluation.interval, let data = setup.data else { return }
        if let reason = setup.configuration.unpublishedPart {
            return logger.info("no evaluation", metadata: ["reason": "\(reason)"])
        }
        evaluator = Evaluator(
            learner: try PromptLearner(encoder: setup.encoder, threads: setup.configuration.evaluation.threads),
            dataset: try TuningDataset(try data.validation), plan: setup.configuration.federation.plan,
            interval: interval
        ) { [weak self] result in
            Task { await self?.evaluated(result) }
        }
    }

    /// Ends the service; with an error where there is one.
    private func stop(_ error: (any Error)?) {
        guard !ended else { return }
        ended = true
        failure = error
        reporter.stopping()
        evaluator?.stop()
        if begun {
            show()
            closeFiles()
        }
        // Behind it, as what is stored in closing may set a timer.
        for timer in Array(timers.values) + [signOfLife, lookForDrain, showing, lingerEnd].compactMap(\.self) {
            timer.cancel()
        }
        links?.close()
        progress?.end()
        if let failure { end?.resume(throwing: failure) } else { end?.resume() }
        end = nil
    }

    private func closeFiles() {
        do {
            try storeAll()
            if failure == nil { snapshots.finish(engine, observer.history) }
            // Before the log is closed: one that is begun again after a crash in between is not over yet.
            if engine.aggregator.phase == .finished { try setup.folder.announce(.finished) }
            try engine.close()
            try observer.keep(engine.file(of: engine.aggregator.current), always: true)
            try atEnd(figures)
            if failure == nil { try tellDrained() }
        } catch {
            failure = failure ?? error
        }
        logger.info(
            "stopped",
            metadata: [
                "version": "\(engine.aggregator.version)", "updates": "\(engine.aggregator.counts.accepted)",
                "messages": "\(engine.receivedMessages)", "bytes": "\(engine.receivedBytes)",
                "malformed": "\(engine.malformed)", "impostures": "\(engine.impostures)",
                "connected": "\(links?.peers.connected ?? 0)", "turned_away": "\(links?.peers.turnedAway ?? 0)",
            ])
    }

    // MARK: What happens

    private func take(_ messages: [AggregatorLinks.Incoming]) {
        guard !ended else { return }
        attempt {
            for message in messages {
                do {
                    try message.withBytes { bytes in
                        try engine.receive(bytes, at: clock.now()) { client in
                            guard let keys else { return true }
                            return message.sender.map { keys.allowed.permits($0, toSpeakFor: client) } ?? false
                        }
                    }
                } catch let error as WireError {
                    complain(
                        "malformed message dropped", of: engine.malformed,
                        ["problem": "\(error)", "key": "\(message.sender ?? "")"])
                } catch let error as Imposture {
                    complain(
                        "message in another's name dropped", of: engine.impostures,
                        ["key": "\(message.sender ?? "")", "client": "\(error.client)"])
                }
            }
            try settle()
        }
    }

    /// Logs one of a kind of which so many were found.
    private func complain(_ problem: Logger.Message, of count: Int, _ details: Logger.Metadata) {
        guard count.isWorthTelling else { return }
        logger.warning(problem, metadata: details.merging(["so_far": "\(count)"]) { $1 })
    }

    private func fire(_ timer: AggregatorTimer) {
        guard !ended else { return }
        timers[timer] = nil
        attempt {
            // What waited for the disk may have set the timer anew; then this one is no longer meant.
            try storeAll()
            guard !ended, timers[timer] == nil else { return }
            try engine.fire(timer, at: clock.now())
            try settle()
        }
    }

    private func takeUpDrain() {
        guard !ended, var request = setup.folder.readDrain(), request.state == .requested else { return }
        attempt {
            try engine.drain(DrainRequested(patienceMilliseconds: request.patienceMilliseconds), at: clock.now())
            logger.info("draining", metadata: ["inFlight": "\(engine.aggregator.counts.inFlight)"])
            request.state = .draining
            drain = request
            try setup.folder.write(request)
            try settle()
        }
    }

    private func tellDrained() throws {
        guard var drain else { return }
        let aggregator = engine.aggregator
        drain.state = aggregator.phase == .finished ? .finished : .resting
        drain.version = aggregator.version
        drain.updates = aggregator.counts.accepted
        drain.unanswered = aggregator.counts.inFlight
        try setup.folder.write(drain)
    }

    private func evaluated(_ result: Result<Evaluator.Outcome, any Error>) {
        guard !ended else { return }
        do {
            try observer.add(try result.get(), at: clock.now())
        } catch {
            logger.warning("evaluation failed", metadata: ["problem": "\(error)"])
        }
    }

    /// The log could not be kept: nothing may be acknowledged any more, so the service ends.
    private func attempt(_ body: () throws -> Void) {
        do { try body() } catch { stop(error) }
    }

    // MARK: What is done

    /// Gives what was taken in to the disk; what came of it is carried out as soon as it is stored. Where the disk is still
    /// at work it waits, and is stored in one with what comes meanwhile.
    private func settle() throws {
        // A snapshot is of a moment in which all is stored, which does not come by itself under load.
        if snapshots.isDue(engine) { return try storeAll() }
        if storing != nil {
            guard engine.bufferedBytes >= Self.waitingBytes else { return }
            try finishStoring()
        }
        try beginStoring()
    }

    private func beginStoring() throws {
        guard let batch = try engine.seal() else { return }
        storing = batch
        disk.async { [loop, weak self] in
            batch.store()
            loop.execute { [weak self] in self?.assumeIsolated { $0.stored(batch) } }
        }
    }

    private func stored(_ batch: LoggedAggregator.Batch) {
        guard storing === batch else { return }
        attempt {
            try finishStoring()
            if !ended { try settle() }
        }
    }

    /// Waits for the batch that the disk is at work on, and carries out what came of it.
    private func finishStoring() throws {
        guard let batch = storing else { return }
        disk.sync {}
        storing = nil
        for effect in try engine.finish(batch) { carryOut(effect) }
        guard engine.isSettled else { return }
        snapshots.consider(engine, observer.history)
        let aggregator = engine.aggregator
        let isOver = aggregator.phase == .finished && aggregator.counts.clientsAlive == 0 && !stays
        if isOver || aggregator.phase == .resting { stop(nil) }
    }

    /// Has all that was taken in stored, waits for it, and carries out what came of it.
    private func storeAll() throws {
        try finishStoring()
        try beginStoring()
        try finishStoring()
    }

    private func carryOut(_ effect: AggregatorEffect) {
        switch effect {
        case .publish(let topic, .beacon(var beacon)):
            beacon.metrics = observer.beaconMetrics(at: clock.now(), isDraining: engine.aggregator.phase == .draining)
            progress?.show(beacon, seconds: observer.history.seconds(at: clock.now()))
            publish(.beacon(beacon), on: topic)
        case .publish(let topic, let message): publish(message, on: topic)
        case .publishVersion(let prompts):
            publish(.globalPrompts(prompts), on: .all)
            evaluator?.submit(prompts)
            keepFigures { try observer.keep(engine.file(of: prompts)) }
        case .setTimer(let timer, let delay):
            timers[timer]?.cancel()
            timers[timer] = loop.schedule(after: delay) { [weak self] in self?.assumeIsolated { $0.fire(timer) } }
        case .flushed(let flush): keepFigures { try observer.add(flush) }
        case .presenceChanged(let client, let presence):
            logger.info("client", metadata: ["client": "\(client)", "presence": "\(presence.rawValue)"])
        case .rest: logger.info("at rest", metadata: ["version": "\(engine.aggregator.version)"])
        case .finish:
            logger.info("run finished", metadata: ["version": "\(engine.aggregator.version)"])
            linger()
        }
    }

    /// Lets clients hear of the end of the run.
    private func linger() {
        guard !stays else { return }
        lingerEnd = loop.schedule(after: Self.linger) { [weak self] in self?.assumeIsolated { $0.stop(nil) } }
    }

    private func publish(_ message: AggregatorMessage, on topic: Topic) {
        do {
            try links?.publish(AggregatorCodec.encode(message, incarnation: setup.incarnation), on: topic)
        } catch {
            // Publishing may lose anything; the protocol repeats what matters.
            logger.warning("cannot publish", metadata: ["problem": "\(error)"])
        }
    }

    /// Figures are for observers: where they cannot be written, the run goes on.
    private func keepFigures(_ body: () throws -> Void) {
        do { try body() } catch { logger.warning("cannot keep figures", metadata: ["problem": "\(error)"]) }
    }
}
