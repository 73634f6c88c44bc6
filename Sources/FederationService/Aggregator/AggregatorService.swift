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

    let setup: AggregatorSetup
    /// With what was changed since the run began.
    var configuration: RunConfiguration
    let keys: (key: CurveSecretKey, allowed: AllowedKeys)?
    private let stays: Bool
    let logger: Logger
    private let openFiles: OpenFiles
    let clock: RunClock
    var pipeline: CommitPipeline
    var observer: RunObserver
    let figureFiles: FiguresQueue
    let health: HealthFile?
    private let snapshots: SnapshotKeeper
    var evaluator: Evaluator?
    var links: AggregatorLinks?
    private let deadline: DeadlineTimer
    var complaints = Complaints()
    private var lingerEnd: LoopTimer?
    private var lingerStart = ContinuousClock.now
    private var end: CheckedContinuation<Void, any Error>?
    private var failure: (any Error)?
    var progress: ProgressLine?
    /// Whether the run has its log.
    private var begun = false
    var ended = false
    let reporter: ServiceReporter
    private var signOfLife: LoopTimer?
    private var lookAround: LoopTimer?
    var logWatch: LogWatch?
    /// The drain that was asked for since the start.
    var drain: Drain?
    let watch: RunWatch?
    private let atEnd: @Sendable (LiveFigures) throws -> Void
    private var showing: LoopTimer?
    private let disk = DispatchQueue(label: "log")
    let upkeepQueue = DispatchQueue(label: "segments", qos: .utility)
    private let flushThread = FlushThread()

    /// Messages taken in at a time.
    private static let batch = 256
    /// After the end of the run, the time for clients to hear of it.
    private static let linger: Duration = .seconds(5)
    /// The same for clients that evaluate the last version.
    private static let longestLinger: Duration = .seconds(600)
    /// How often the run folder is looked at: for requests, and whether the log is still there.
    private static let attention: Duration = .seconds(1)

    /// Makes a new run in its folder, or recovers the one that is there.
    /// - Parameters:
    ///   - progress: shows how the run goes; nil for silence.
    ///   - health: where to show that the service is alive, beside systemd.
    ///   - stays: whether it keeps announcing the run's end until it is stopped, also on a run that was closed in
    ///     order.
    ///   - acceptsFork: whether to continue a run whose versions this program computes otherwise than they were logged.
    ///   - watch: gets the run's figures every second; nil where nobody watches.
    ///   - earlier: what a new run starts with; nil for values of its own.
    ///   - atEnd: gets the run's last figures when all its files are closed, on the loop's thread.
    /// - Throws: `ConfigurationError`, `LogError`, `ReplayError`, `RunFolderError`, or what loading the encoder throws.
    public init(
        configuration: RunConfiguration, folder: RunFolder, logger: Logger, progress: ProgressLine?,
        health: HealthFile? = nil, stays: Bool = false, acceptsFork: Bool = false, watch: RunWatch? = nil,
        earlier: EarlierPrompts? = nil,
        atEnd: @escaping @Sendable (LiveFigures) throws -> Void = { _ in }
    ) throws {
        let files = FiguresQueue { problem in
            logger.warning("cannot keep figures", metadata: ["problem": "\(problem)"])
        }
        try self.init(
            configuration: configuration, folder: folder, logger: logger, progress: progress, health: health,
            stays: stays, acceptsFork: acceptsFork, watch: watch, earlier: earlier, figureFiles: files, atEnd: atEnd)
    }

    /// As above.
    /// - Parameter figureFiles: writes the files for observers.
    package init(
        configuration: RunConfiguration, folder: RunFolder, logger: Logger, progress: ProgressLine?,
        health: HealthFile?, stays: Bool, acceptsFork: Bool = false, watch: RunWatch?, earlier: EarlierPrompts? = nil,
        figureFiles: FiguresQueue,
        atEnd: @escaping @Sendable (LiveFigures) throws -> Void
    ) throws {
        self.progress = progress
        self.stays = stays
        self.watch = watch
        self.atEnd = atEnd
        self.health = health
        reporter = ServiceReporter()
        keys = try configuration.security.keys.map { try KeyFolder(path: $0).aggregatorSide() }
        let logKey = try configuration.security.keys.map { try KeyFolder(path: $0).logKey() } ?? nil
        if let folder = configuration.security.keys, logKey == nil {
            logger.warning(
                "the log is not signed",
                metadata: ["problem": "\(folder) has no log.secret; 'impromptu keys make' makes it"])
        }
        try configuration.checkExposure(of: configuration.endpoints)
        openFiles = try OpenFiles(
            raisedTo: OpenFiles.needed(
                forClients: max(configuration.data.clients, configuration.federation.maximumClients)))
        if let shortage = openFiles.shortage(forClients: configuration.data.clients) {
            logger.warning("too few open files", metadata: ["problem": "\(shortage)"])
        }
        setup = try AggregatorSetup(
            configuration: configuration, folder: folder, run: UInt64.random(in: 1 ... .max),
            startingAt: RunClock().now(), takesUpFinished: stays, acceptsFork: acceptsFork, earlier: earlier)
        self.configuration = setup.configuration
        try folder.removeDrain()
        try folder.removeChange()
        self.logger = logger
        clock = RunClock(since: setup.lastTime)
        pipeline = CommitPipeline(
            LoggedAggregator(
                aggregator: setup.aggregator, log: setup.log, changes: setup.changes, key: logKey,
                segmentBytes: configuration.log.segmentBytes,
                allowance: MessageAllowance(configuration.federation)))
        self.figureFiles = figureFiles
        observer = try RunObserver(folder: folder, history: setup.history, files: figureFiles)
        snapshots = SnapshotKeeper(
            in: folder, since: setup.recovery?.start, interval: configuration.snapshotVersions
        ) { problem in
            logger.warning("no snapshot kept, recovery will take longer", metadata: ["problem": "\(problem)"])
        }
        loop = try PollLoop(name: "aggregator")
        deadline = DeadlineTimer(on: loop, self.clock)
    }

    /// Runs until the run is finished or its task is cancelled or asked to shut down; either way everything is on the disk afterwards.
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

    // MARK: Opening and closing

    private func open() throws {
        let configured = setup.configuration.endpoints
        let endpoints = setup.isRecovered ? try setup.folder.endpointsAgain(configured) : configured
        let links = try AggregatorLinks(
            endpoints: endpoints, orElse: configured, keys: keys, loop: loop,
            batch: Self.batch, stateBytes: pipeline.engine.current.payload.count,
            largestState: pipeline.aggregator.largestStateToCome,
            clients: setup.configuration.data.clients, room: openFiles.connections,
            crowded: { [logger, openFiles] counts in
                logger.warning(
                    "connections turned away: as many files and sockets are open as this process may have",
                    metadata: [
                        "limit": "\(openFiles.limit)", "connected": "\(counts.connected)",
                        "turned_away": "\(counts.turnedAway)", "not_taken": "\(counts.failed)",
                    ])
            },
            denied: Strangers { [logger] request, passedOver in
                logger.warning(
                    "unknown key kept out",
                    metadata: [
                        "key": "\(request.key)", "address": "\(request.address)", "not_listed_before": "\(passedOver)",
                    ])
            }.note,
            receive: { [weak self] messages in self?.assumeIsolated { $0.take(messages) } })
        self.links = links
        let reachable = try links.endpoints.advertised(as: setup.configuration.advertise)
        try makeEvaluator()
        let now = clock.now()
        observer.begin(at: now)
        try pipeline.start(
            epoch: setup.origin.epoch, acceptingFork: setup.recovery?.fork, at: now)
        begun = true
        try advance(settling: true)
        guard !ended else { return }
        try watchSegment()
        lookAfterSegments()
        // Behind the log's first record: a run that is announced can be recovered after a crash.
        try setup.folder.announce(.open(reachable, key: try keys?.key.publicKey().z85))
        // A crash came between the end of the run and the last client that heard of it.
        if setup.aggregator.phase == .finished { linger() }
        logger.info(
            "aggregating",
            metadata: [
                "updates": "\(reachable.updates)", "prompts": "\(reachable.prompts)",
                "folder": "\(setup.folder.path)", "version": "\(pipeline.aggregator.version)",
                "recovered": "\(setup.recovery?.words ?? "no")",
            ])
        warnOfBeginning()
        reporter.ready(status)
        writeHealth()
        signOfLife = loop.schedule(every: reporter.interval) { [weak self] in
            self?.assumeIsolated { $0.showLife() }
        }
        lookAround = loop.schedule(every: Self.attention) { [weak self] in
            self?.assumeIsolated {
                $0.searchForDrain()
                $0.searchForChange()
                $0.watchLog()
            }
        }
        guard watch != nil else { return }
        show()
        showing = loop.schedule(every: RunWatch.interval) { [weak self] in self?.assumeIsolated { $0.show() } }
    }

    private func makeEvaluator() throws {
        guard let interval = setup.configuration.evaluation.interval, let data = setup.data else { return }
        if let reason = setup.configuration.unpublishedPart {
            return logger.info("no evaluation", metadata: ["reason": "\(reason)"])
        }
        evaluator = Evaluator(
            learner: try PromptLearner(encoder: setup.encoder, threads: setup.configuration.evaluation.threads),
            dataset: try TuningDataset(try data.validation), plan: setup.configuration.federation.plan,
            selection: setup.configuration.evaluation.selection,
            interval: interval
        ) { [weak self] result in
            Task { await self?.evaluated(result) }
        }
    }

    /// Ends the service; with an error where there is one.
    func stop(_ error: (any Error)?) {
        guard !ended else { return }
        ended = true
        failure = error
        reporter.stopping()
        evaluator?.stop()
        if begun, !(error is LogLost) {
            show()
            closeFiles()
        }
        // Behind it, as closing advances the run once more.
        deadline.cancel()
        for timer in [signOfLife, lookAround, showing, lingerEnd] { timer?.cancel() }
        links?.close()
        figureFiles.finish()
        upkeepQueue.sync {}
        health?.remove()
        progress?.end()
        if let failure { end?.resume(throwing: failure) } else { end?.resume() }
        end = nil
    }

    private func closeFiles() {
        do {
            try advance(settling: true)
            if failure == nil { snapshots.finish(pipeline.engine, observer.history) }
            // Before the log is closed: one that is begun again after a crash in between is not over yet.
            if pipeline.aggregator.phase == .finished { try setup.folder.announce(.finished) }
            try pipeline.close()
            let engine = pipeline.engine
            try observer.keep(engine.current.file(setup.label, logOffset: engine.committedBytes), always: true)
            figureFiles.finish()
            try atEnd(figures)
            if failure == nil { try tellDrained() }
        } catch {
            failure = failure ?? error
        }
        logger.info(
            "stopped",
            metadata: [
                "version": "\(pipeline.aggregator.version)", "updates": "\(pipeline.aggregator.counts.accepted)",
                "messages": "\(pipeline.engine.receivedMessages)", "bytes": "\(pipeline.engine.receivedBytes)",
                "malformed": "\(pipeline.engine.malformed)", "impostures": "\(pipeline.engine.impostures)",
                "not_kept": "\(pipeline.engine.turnedAway)", "excessive": "\(pipeline.engine.excessive)",
                "connected": "\(links?.peers.connected ?? 0)",
                "turned_away": "\(links?.peers.turnedAway ?? 0)",
            ])
    }

    // MARK: What happens

    private func tick() {
        guard !ended else { return }
        attempt {
            try pipeline.tick(at: clock.now())
            try advance()
        }
    }

    private func evaluated(_ result: Result<Evaluator.Outcome, any Error>) {
        guard !ended else { return }
        switch result {
        case .failure(let error): logger.warning("evaluation failed", metadata: ["problem": "\(error)"])
        case .success(let outcome):
            attempt {
                let now = clock.now()
                let validation = Validation(version: outcome.version, outcome.evaluation)
                try pipeline.keep(validation, at: now)
                try observer.add(validation, at: now)
                try advance()
            }
        }
    }

    /// The log could not be kept: nothing may be acknowledged any more, so the service ends.
    func attempt(_ body: () throws -> Void) {
        do { try body() } catch { stop(error) }
    }

    // MARK: What is done

    /// Has what was taken in stored as `CommitPipeline` says, and carries out what came of what is.
    /// - Parameter settling: whether to wait until everything is stored.
    func advance(settling: Bool = false) throws {
        deadline.arm(for: pipeline.nextDeadline) { [weak self] in self?.assumeIsolated { $0.tick() } }
        flushThread.take(pipeline.aggregator, from: setup.origin) { [weak self] in self?.aggregated($0) }
        while true {
            // A snapshot needs a moment when everything is stored; under load there is none unless the pipeline
            // settles.
            switch try pipeline.next(settling: settling || snapshots.isDue(pipeline.engine)) {
            case .rest: return
            case .store(let batch):
                disk.async { [loop, weak self] in
                    batch.store()
                    loop.execute { [weak self] in self?.assumeIsolated { $0.stored(batch) } }
                }
            case .wait(let batch):
                disk.sync {}
                try finish(batch)
            }
        }
    }

    private func stored(_ batch: LoggedAggregator.Batch) {
        // A log that is lost keeps nothing, so nothing of it may be acknowledged.
        guard !(failure is LogLost) else { return }
        attempt {
            try finish(batch)
            if !ended { try advance() }
        }
    }

    private func finish(_ batch: LoggedAggregator.Batch) throws {
        var effects = LiveEffects(service: self)
        for effect in try pipeline.finish(batch) { try effects.carryOut(effect) }
        guard pipeline.isSettled else { return }
        if try pipeline.beginSegmentIfDue(observer.history) {
            logger.info("the log continues in another file", metadata: ["segment": "\(pipeline.engine.segment.number)"])
            try watchSegment()
            lookAfterSegments()
        }
        snapshots.consider(pipeline.engine, observer.history)
        let aggregator = pipeline.aggregator
        let isOver = aggregator.phase == .finished && aggregator.counts.clientsAlive == 0 && !stays
        if isOver || aggregator.phase == .resting { stop(nil) }
    }

    /// Lets clients hear of the end of the run, and those that hold samples out say how its last version does.
    func linger() {
        guard !stays else { return }
        lingerStart = .now
        lingerEnd = loop.schedule(every: Self.linger) { [weak self] in self?.assumeIsolated { $0.endLinger() } }
    }

    private func endLinger() {
        let evaluates = pipeline.aggregator.clientStates.contains { $0.presence == .alive && $0.heldOutCount > 0 }
        if !evaluates || ContinuousClock.now - lingerStart > Self.longestLinger { stop(nil) }
    }
}
