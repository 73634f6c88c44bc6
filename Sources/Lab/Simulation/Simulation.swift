import Federation
import FederationRun
import PromptAggregation
import PromptTuning
import PromptWire
import RunLog
import RunSettings

/// A federation in virtual time: the production core, codec and log, the real learner, and clocks that only count.
///
/// Each client's tuning really happens; how long it takes is said by the configuration (time an image, divided by the
/// client's speed, and the injected delay). So methods are compared on the clock without waiting for it, and the same
/// seed gives the same log.
public struct Simulation {
    private enum Item {
        case toAggregator([UInt8])
        case toClient(Int, AggregatorMessage)
        case aggregatorDeadline
        case clientDeadline(Int)
        case trained(Int, task: UInt64, Result<TrainingOutcome, any Error>)
        case clientStarts(Int)
    }

    private struct Seat {
        var client: Client
        var dataset: TuningDataset
        /// What the client keeps of its last task.
        var personal = Parameters()
        /// Draws its noise from the run's seed, so it hides nothing from whoever knows that.
        let privacy: PrivacyGuard?
        /// Whether it has been through a task, and with it has the prompt-free features of its images.
        var knowsFeatures = false
        var hasStarted = false
        var hasEnded = false
        var isListening: Bool { hasStarted && !hasEnded }
        var random: SeededRandom
        /// Images a second relative to the configured speed.
        var speed: Double
        /// The number of the item for its deadline.
        var deadline: Int?
    }

    private let setup: AggregatorSetup
    private var configuration: RunConfiguration { setup.configuration }
    private let learner: PromptLearner
    private let data: RunData
    private var pipeline: CommitPipeline
    private var observer: RunObserver
    private var seats: [Seat] = []
    private var queue = EventQueue<Item>()
    /// The number of the item for the aggregator's deadline.
    private var deadline: Int?
    /// Whether what was committed last made a version.
    private var hasNewVersion = false
    private var now = Timestamp(nanoseconds: 0)
    private var nextEvaluation = Timestamp(nanoseconds: 0)
    private var nextEvaluationUpdates = 0
    private let tests: CSVFile?
    /// Of the test split, where the configuration asks for them.
    public private(set) var testEvaluations: [RunHistory.EvaluationRow] = []
    /// Of the version evaluated last, on test images, at each client in turn (`Evaluation.accuracy(among:)`); nil where
    /// clients keep a part of the model, since each of them has a version of its own.
    private(set) var clientAccuracies: [Double]?
    /// Bytes of all messages of the clients, and of all to each of them.
    public private(set) var bytesUp = 0
    public private(set) var bytesDown = 0
    /// Tasks that failed since the last that did not.
    private var failures = 0
    /// Why the last update that was refused does not count.
    private var lastRefusal: String?
    private let progress: (AggregatorMessage.Beacon, Double) -> Void

    /// Makes a run's folder and everything that takes part.
    /// - Parameters:
    ///   - threads: of the tuning; they change no bit.
    ///   - materials: encoder and images; loaded unless given.
    ///   - earlier: what the run begins with; nil for values of its own.
    ///   - progress: sees each beacon, and the seconds since the start.
    public init(
        configuration given: RunConfiguration, folder: RunFolder, threads: Int, materials: RunMaterials? = nil,
        earlier: EarlierPrompts? = nil, progress: @escaping (AggregatorMessage.Beacon, Double) -> Void
    ) throws {
        let problems = given.problemsOfSimulation
        guard problems.isEmpty else { throw ConfigurationError(problems.joined(separator: "; ")) }
        let materials = try materials ?? RunMaterials(of: given)
        var folder = folder
        folder.syncsLog = false
        setup = try AggregatorSetup(
            configuration: given, folder: folder, run: max(1, given.federation.seed),
            startingAt: Timestamp(nanoseconds: 0),
            takesUpFinished: false, materials: materials, earlier: earlier)
        guard !setup.isRecovered else {
            throw RunFolderError("\(folder.path): holds a run already; a simulation needs a new folder")
        }
        self.progress = progress
        learner = try PromptLearner(encoder: setup.encoder, threads: threads)
        data = materials.data
        pipeline = CommitPipeline(
            LoggedAggregator(
                aggregator: setup.aggregator, log: setup.log,
                segmentBytes: setup.configuration.log.segmentBytes))
        observer = try RunObserver(folder: folder, history: setup.history)
        tests =
            setup.configuration.simulation.evaluatesTest
            ? try CSVFile(path: folder.testEvaluations, header: RunHistory.EvaluationRow.header, rows: []) : nil
        for (index, id) in configuration.clients.enumerated() {
            var random = SeededRandom(seed: configuration.federation.seed, stream: 1000 + UInt64(index))
            let dataset = data.clients[index]
            seats.append(
                Seat(
                    client: Client(
                        id: id, session: random.next(),
                        sampleCount: configuration.privacy?.sampleCount ?? dataset.count,
                        model: setup.model.specification), dataset: dataset,
                    privacy: configuration.privacy.map {
                        let noise = SeededRandom(seed: configuration.federation.seed, stream: 2000 + UInt64(index))
                        return PrivacyGuard($0, file: nil, random: noise)
                    }, random: random, speed: 1))
            seats[index].speed = configuration.simulation.speed(&seats[index].random)
        }
    }

    /// Runs to the end of the run and leaves the same files as a live one.
    /// - Parameter shouldStop: asked before each event.
    /// - Returns: the last state.
    /// - Throws: `CancellationError` when it was asked to stop; what is wrong with data, log or tuning.
    public mutating func run(shouldStop: () -> Bool = { false }) throws -> AggregatorMessage.GlobalPrompts {
        observer.begin(at: now)
        try pipeline.start(epoch: setup.origin.epoch, at: now)
        try settle()
        for index in seats.indices { queue.push(.clientStarts(index), at: now + latency) }
        // Clients that have spent their privacy budgets leave; without any the run would wait for ever.
        while pipeline.aggregator.phase != .finished, !seats.allSatisfy(\.hasEnded), let next = queue.pop() {
            if shouldStop() { throw CancellationError() }
            now = max(now, next.time)
            try take(next.item, number: next.number)
        }
        if observer.history.evaluations.last?.version != pipeline.aggregator.version { try evaluate() }
        try settle()
        try pipeline.close()
        let engine = pipeline.engine
        let label = setup.label
        try observer.keep(engine.current.file(label, logOffset: engine.committedBytes), always: true)
        try RunReport.write(
            history, heading: setup.heading + ", simulated", classes: setup.classes, to: setup.folder)
        return pipeline.aggregator.current
    }

    /// What seems odd about the classes' names (`ClassList.doubt`).
    public var classDoubt: String? { setup.classDoubt }

    /// What there is to compute before the first progress, for whoever waits for it.
    public var outlook: String {
        let plan = configuration.federation.plan
        let images = seats.map { plan.images(of: $0.dataset.count) }.max() ?? 0
        return
            "simulating \(seats.count) clients, with up to \(images) samples a task; progress shows after their first tasks"
    }

    /// Why the run stopped before its end, as a sentence; nil where it came to it.
    public var shortfall: String? {
        let aggregator = pipeline.aggregator
        guard aggregator.phase != .finished else { return nil }
        let counts = aggregator.counts
        let refusal = lastRefusal.map { "; the last update that was refused: \($0)" } ?? ""
        return "the run stopped before its end, at version \(aggregator.version) with \(counts.accepted) updates:"
            + " of \(seats.count) clients \(counts.quarantined) are in quarantine, \(seats.count(where: \.hasEnded)) have"
            + " left\(refusal)"
    }

    /// What the run's observers kept.
    public var history: RunHistory { observer.history }

    private mutating func take(_ item: Item, number: Int) throws {
        switch item {
        case .toAggregator(let bytes):
            let answer = try pipeline.receive(bytes.span.bytes, at: now)
            if let answer { publish(answer.message, on: .client(answer.client)) }
            try settle()
        case .aggregatorDeadline:
            guard deadline == number else { return }
            try pipeline.tick(at: now)
            try settle()
        case .toClient(let index, let message): try handle(.received(message, from: setup.origin), at: index)
        case .clientDeadline(let index):
            if seats[index].deadline == number { try handle(.tick, at: index) }
        case .trained(let index, _, .success(let outcome)):
            failures = 0
            seats[index].personal = outcome.personal
            try handle(.trainingFinished(outcome.result), at: index)
        case .trained(let index, let task, .failure(let error)):
            failures += 1
            // A live federation waits for somebody to see to it; here nothing would ever change.
            if failures > 50 + 2 * seats.count { throw error }
            try handle(.trainingFailed(task: task, reason: "\(error)"), at: index)
        case .clientStarts(let index):
            seats[index].hasStarted = true
            try handle(.started, at: index)
        }
    }

    // MARK: The aggregator's side

    /// Aggregation takes no virtual time.
    private mutating func settle() throws {
        hasNewVersion = false
        try pipeline.aggregate(at: now)
        deadline = pipeline.nextDeadline.map { queue.push(.aggregatorDeadline, at: $0) }
        for effect in try pipeline.commit() { try carryOut(effect) }
        if hasNewVersion, isEvaluationDue() { try evaluate() }
        if try pipeline.beginSegmentIfDue(history) {
            _ = try SegmentUpkeep(of: setup.folder, by: setup.configuration.log).apply(at: now)
        }
    }

    private mutating func toAll(_ message: AggregatorMessage, size: Int) {
        for index in seats.indices where seats[index].isListening {
            bytesDown += size
            queue.push(.toClient(index, message), at: now + latency)
        }
    }

    private mutating func send(_ message: AggregatorMessage, to index: Int) {
        bytesDown += AggregatorCodec.encode(message, from: setup.origin).count
        queue.push(.toClient(index, message), at: now + latency)
    }

    /// Whether the newest version is to be evaluated; if so, the next is due an interval later.
    private mutating func isEvaluationDue() -> Bool {
        let updates = configuration.simulation.evaluationUpdates
        if updates > 0 {
            let used = observer.history.updates
            guard used >= nextEvaluationUpdates else { return false }
            nextEvaluationUpdates = (used / updates + 1) * updates
            return true
        }
        guard let interval = configuration.evaluation.interval, now >= nextEvaluation else { return false }
        nextEvaluation = now + interval
        return true
    }

    private mutating func evaluate() throws {
        let version = pipeline.aggregator.version
        let validation = Validation(version: version, try evaluation(on: data.validation))
        try pipeline.keep(validation, at: now)
        try observer.add(validation, at: now)
        guard let tests, let test = data.test else { return }
        let evaluation = try evaluation(on: test)
        let row = history.row(Validation(version: version, evaluation), at: now)
        testEvaluations.append(row)
        if configuration.federation.plan.personal == .nothing {
            clientAccuracies = seats.map { evaluation.accuracy(among: $0.dataset.labels) }
        }
        try tests.append(row.csv)
    }

    /// Of the current state; where clients keep a part of it, as each of them sees it.
    private func evaluation(on images: TuningDataset) throws -> Evaluation {
        let state = pipeline.aggregator.current.state
        let plan = configuration.federation.plan
        let selection = configuration.evaluation.selection
        guard plan.personal != .nothing else {
            return try learner.evaluate(state, on: images, plan: plan, selection: selection)
        }
        if configuration.simulation.dealsViews {
            let parts = try data.dealt(images)
            return Evaluation(
                pooling: try zip(seats, parts).map { seat, part in
                    try learner.evaluate(state, personal: seat.personal, on: part, plan: plan, selection: selection)
                })
        }
        // Clients that have kept nothing so far all see the published state.
        var published: Evaluation?
        return Evaluation(
            meanOf: try seats.map { seat in
                let known = seat.personal.names.isEmpty ? published : nil
                let evaluation =
                    try known
                    ?? learner.evaluate(
                        state, personal: seat.personal, on: images, plan: plan, selection: selection)
                if seat.personal.names.isEmpty { published = evaluation }
                return evaluation
            })
    }

    // MARK: The clients' side

    private mutating func handle(_ kind: ClientEvent.Kind, at index: Int) throws {
        let effects = seats[index].client.handle(ClientEvent(time: now, kind: kind))
        seats[index].deadline = seats[index].client.nextDeadline.map { queue.push(.clientDeadline(index), at: $0) }
        for effect in effects {
            switch effect {
            case .send(let message):
                let bytes = ClientCodec.encode(message)
                bytesUp += bytes.count
                queue.push(.toAggregator(bytes), at: now + latency)
            case .train(let order): try train(order, at: index)
            case .finish: seats[index].hasEnded = true
            // A simulated client does not crash, so it has nothing to keep.
            case .store(let update): try handle(.stored(update.id), at: index)
            case .updateRejected(let reject): lastRefusal = reject.reason
            // Its clients hold nothing out.
            case .evaluate, .abandonTraining, .discard, .misunderstood, .joined: break
            }
        }
    }

    /// Tunes at once, and has the result arrive when the client would have been through.
    private mutating func train(_ order: TrainingOrder, at index: Int) throws {
        let privacy = seats[index].privacy
        if let reason = privacy?.refusal { return try handle(.retired(reason), at: index) }
        let result = Result {
            try learner.carryOut(
                order, personal: seats[index].personal, on: seats[index].dataset, privacy: privacy)!
        }
        let outcome = try? result.get()
        let images = order.images(
            of: seats[index].dataset.count, steps: outcome?.result.steps, knowsFeatures: seats[index].knowsFeatures)
        if outcome != nil { seats[index].knowsFeatures = true }
        let tuning = configuration.simulation.imageSeconds * images / seats[index].speed
        let delay = configuration.worker.delay.draw(&seats[index].random)
        queue.push(.trained(index, task: order.task.number, result), at: now + .seconds(tuning) + delay)
    }

    private var latency: Duration { configuration.simulation.latency }
}

extension Simulation: EffectCarrier {
    package mutating func publish(_ message: AggregatorMessage, packed: [UInt8]? = nil, on topic: Topic) {
        var message = message
        if case .beacon(var beacon) = message {
            beacon.metrics = observer.beaconMetrics(at: now, isDraining: false)
            progress(beacon, observer.history.seconds(at: now))
            message = .beacon(beacon)
        }
        switch topic {
        case .all: toAll(message, size: AggregatorCodec.encode(message, from: setup.origin).count)
        case .client(let id):
            if let index = seats.firstIndex(where: { $0.client.id == id }) { send(message, to: index) }
        }
    }

    package mutating func note(_ version: EncodedVersion) { hasNewVersion = true }
    package func note(_ judgement: Judgement) {}
    package func note(_ failed: FailedTask) {}
    package func note(_ evaluation: ClientMessage.Evaluation) {}
    package func noteFenced(_ client: ClientID, session: UInt64) {}

    package mutating func note(_ flush: Flush) throws { try observer.add(flush) }
    package func note(_ presence: Presence, of client: ClientID) {}
    package func noteRest() {}
    package func noteFinish() {}
}

extension TrainingPlan {
    /// The images that a task tunes on, each counted as often as it is used.
    package func images(of sampleCount: Int) -> Int {
        let all = epochs * sampleCount
        return maximumSteps == 0 ? all : min(all, maximumSteps * batchSize)
    }
}

extension TrainingOrder {
    /// The images that its time is reckoned by: those tuned on, and half of those that class statistics are taken of, once a
    /// client where these are of prompt-free features, which it keeps; a pass without gradients takes less than half as long.
    ///
    /// - Parameter steps: those that were taken, nil where it failed.
    fileprivate func images(of sampleCount: Int, steps: Int?, knowsFeatures: Bool) -> Double {
        let asksForScatter = base.state.parameters[Parameters.classScatter] != nil
        let measures = base.state.parameters[Parameters.statisticsGeneration] != nil
        let hasPass = task.plan.classMeans || measures || asksForScatter && !knowsFeatures
        return (steps == 0 ? 0 : Double(task.plan.images(of: sampleCount))) + (hasPass ? Double(sampleCount) / 2 : 0)
    }
}

extension TrainingResult {
    /// The steps that tuning took.
    fileprivate var steps: Int? { metrics.first { $0.name == "steps" }.map { Int($0.value) } }
}

extension RunConfiguration {
    /// What of a live run's settings keeps a simulation from its end.
    fileprivate var problemsOfSimulation: [String] {
        var problems: [String] = []
        if federation.clientsToStart > data.clients {
            problems.append(
                "federation.clients_to_start: expected at most data.clients (\(data.clients)), found"
                    + " \(federation.clientsToStart): a simulation would wait for ever")
        }
        if federation.stop.isNever {
            problems.append("expected run.updates, run.versions or run.seconds above 0, found a run without an end")
        }
        return problems
    }
}

extension StopCondition {
    /// A simulation with this would not end.
    var isNever: Bool { versions == 0 && updates == 0 && duration == nil }
}
