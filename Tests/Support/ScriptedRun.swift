import Federation
import PromptAggregation
import PromptWire
import RunLog
import RunSettings

/// A small federation whose clients answer each task with noise instead of tuning, some of them late: the same arguments
/// give the same log, in any mode and with any strategy.
package struct ScriptedRun {
    private var pipeline: CommitPipeline
    private var random: SeededRandom
    private let configuration: RunConfiguration
    private var open: [AggregatorMessage.Task] = []
    /// What was done since the flush under way began.
    private var meanwhile = 0
    /// The versions that tasks may be based on.
    private var states: [AggregatorMessage.GlobalPrompts] = []
    private var now: Timestamp
    private var history: RunHistory
    private let folder: RunFolder

    private static let (width, classes) = (4, 3)
    private static let run: UInt64 = 7

    /// Small figures, and no strategy's costly settings.
    package static func configuration(_ assignments: [String]) throws -> RunConfiguration {
        try RunConfiguration.load(
            files: [], environment: [:],
            assignments: [
                "run.updates=12", "data.clients=3", "prompts.pool=4", "federation.buffer_size=2",
                "federation.clients_to_start=3", "federation.cohort=2", "federation.quorum=1",
            ] + assignments)
    }

    /// Writes a run's log.
    /// - Parameters:
    ///   - recorded: settings that the log names beside those that the versions are made with, as if another program had made
    ///     them: its versions do not come out again.
    ///   - key: signs its checkpoints.
    ///   - starts: of the aggregator; all but the last end in the middle of the run, as if the process had died.
    ///   - closes: whether the log is closed at the end.
    ///   - segmentBytes: the size at which the log's next segment begins.
    /// - Returns: the run's folder.
    @discardableResult
    package static func write(
        to folder: String, _ assignments: [String] = [], recordedAs recorded: [String] = [], key: LogKey? = nil,
        starts: Int = 1, closes: Bool = true, segmentBytes: UInt64 = .max
    ) throws -> RunFolder {
        var target = RunFolder(path: folder)
        target.syncsLog = false
        try target.create()
        let configuration = try configuration(assignments)
        var run: ScriptedRun? = try ScriptedRun(
            begin: configuration, recordedAs: Self.configuration(assignments + recorded), in: target, key: key,
            segmentBytes: segmentBytes)
        for start in 1...starts {
            if start > 1, let random = run?.random {
                // The process before lets go of the log.
                run = nil
                run = try ScriptedRun(taking: target, random: random, key: key, segmentBytes: segmentBytes)
            }
            try run?.serve(updates: start < starts ? 4 : nil)
        }
        try run?.settle()
        if closes { try run?.pipeline.close() }
        return target
    }

    /// Continues a log by one more start of the aggregator, and closes it.
    package static func startAgain(_ folder: RunFolder) throws {
        var run = try ScriptedRun(taking: folder, random: SeededRandom(seed: 1), key: nil, segmentBytes: .max)
        try run.settle()
        try run.pipeline.close()
    }

    private init(
        begin configuration: RunConfiguration, recordedAs recorded: RunConfiguration, in folder: RunFolder,
        key: LogKey?,
        segmentBytes: UInt64
    ) throws {
        self.folder = folder
        history = RunHistory()
        random = SeededRandom(seed: configuration.federation.seed, stream: 50)
        self.configuration = configuration
        now = Timestamp(nanoseconds: 0)
        let initial = Self.state(pool: configuration.prompts.pool, &random)
        let header = RunHeader(
            configurationYAML: recorded.yaml, seed: configuration.federation.seed, program: .running, run: Self.run,
            initial: .init(version: 0, state: initial))
        pipeline = CommitPipeline(
            LoggedAggregator(
                aggregator: try Aggregator(
                    configuration: configuration.federation, run: Self.run,
                    strategy: configuration.makeStrategy(initial: initial)),
                log: RunLogWriter(creating: folder, header: header, at: now), key: key, segmentBytes: segmentBytes,
                segmentGrowth: 0))
        try begin(epoch: 1, fork: nil)
    }

    private init(taking folder: RunFolder, random: SeededRandom, key: LogKey?, segmentBytes: UInt64) throws {
        let recovery = try RunRecovery(from: folder)
        self.folder = folder
        history = recovery.history
        self.random = random
        configuration = recovery.configuration
        now = recovery.lastTime
        pipeline = CommitPipeline(
            LoggedAggregator(
                aggregator: recovery.aggregator, log: recovery.log, key: key, segmentBytes: segmentBytes,
                segmentGrowth: 0))
        try begin(epoch: recovery.epoch + 1, fork: recovery.fork)
    }

    private mutating func begin(epoch: UInt64, fork: AcceptedFork?) throws {
        history.begin(at: now)
        try pipeline.start(epoch: epoch, acceptingFork: fork, at: now)
        for client in configuration.clients {
            try receive(.hello(.init(client: client, session: epoch, sampleCount: 100 + Int(random.next() % 100))))
            try receive(.heartbeat(.init(client: client, session: epoch, activity: .idle, task: 0, outstanding: 0)))
        }
        try settle()
    }

    private mutating func receive(_ message: ClientMessage) throws {
        _ = try pipeline.receive(ClientCodec.encode(message).span.bytes, at: now)
    }

    /// A flush beside the aggregator's other work takes as long as two updates.
    private mutating func aggregate() throws {
        guard pipeline.aggregator.flushUnderWay != nil else { return }
        meanwhile += 1
        guard meanwhile > 2 || open.isEmpty else { return }
        meanwhile = 0
        try pipeline.aggregate(at: now)
    }

    private mutating func settle() throws {
        try aggregate()
        var made: [Version] = []
        for committed in try pipeline.commit() {
            switch committed.effect {
            case .publish(.client, .task(let task)):
                if !open.contains(where: { $0.number == task.number }) { open.append(task) }
            case .publishVersion(let prompts): states.append(prompts)
            case .flushed(let flush):
                history.add(flush)
                made.append(flush.version)
            default: break
            }
        }
        for version in made {
            let accuracy = random.nextUniform()
            let validation = Validation(
                version: version, accuracy: accuracy, balancedAccuracy: accuracy, loss: 1 - accuracy,
                maskedAccuracy: accuracy)
            try pipeline.keep(validation, at: now)
            history.add(validation, at: now)
        }
        if !made.isEmpty { _ = try pipeline.commit() }
        _ = try pipeline.beginSegmentIfDue(history)
    }

    /// Answers tasks until the run has ended, or so many updates were accepted.
    private mutating func serve(updates: Int?) throws {
        let most = updates.map { pipeline.aggregator.counts.accepted + $0 } ?? .max
        var ticks = 0
        while pipeline.aggregator.phase != .finished, pipeline.aggregator.counts.accepted < most {
            if open.isEmpty {
                guard let deadline = pipeline.nextDeadline, ticks < 1000 else { throw ScriptEnded() }
                ticks += 1
                now = max(now, deadline)
                try pipeline.tick(at: now)
            } else {
                now = now + .milliseconds(10)
                let task = open.remove(at: Int(random.next() % UInt64(open.count)))
                try receive(.update(try update(for: task)))
            }
            try settle()
        }
    }

    private mutating func update(for task: AggregatorMessage.Task) throws -> ClientMessage.Update {
        let base = states.last { $0.version <= task.version } ?? pipeline.aggregator.current
        let state = base.state
        var parameters = Parameters()
        for entry in state.parameters.entries where task.plan.sends(entry.name) {
            let noise = entry.tensor.values.map { $0 + Float(0.05 * random.nextNormal()) }
            parameters[entry.name] = Tensor(shape: entry.tensor.shape, values: noise)
        }
        return ClientMessage.Update(
            client: task.client, session: task.session, run: Self.run, task: task.number, baseVersion: base.version,
            sampleCount: 100, parameters: parameters,
            promptIDs: task.plan.sends(Parameters.prompts) ? state.promptIDs : [],
            metrics: [Metric(name: "loss", value: random.nextUniform())])
    }

    /// A run whose aggregator waits for what the script does not do.
    private struct ScriptEnded: Error {}

    private static func state(pool: Int, _ random: inout SeededRandom) -> PromptState {
        func tensor(_ shape: [Int]) -> Tensor {
            Tensor(shape: shape, values: (0..<shape.reduce(1, *)).map { _ in Float(random.nextNormal()) })
        }
        return PromptState(
            parameters: Parameters([
                (Parameters.prompts, tensor([pool, width])), (Parameters.headWeight, tensor([classes, width])),
                (Parameters.headBias, tensor([classes])),
            ]), promptIDs: (0..<pool).map { PromptID($0) })
    }
}
