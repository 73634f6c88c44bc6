import Federation
import MessageLog
import PromptAggregation
import PromptWire
import RunLog
import RunSettings

/// An aggregator on a disk in memory that is fed whatever bytes somebody thinks of. The judge is its own log: replayed,
/// it must give the very run that was.
///
/// A script's first byte draws the federation, as for a simulation under faults; then come steps, each a byte that
/// chooses one and the bytes that it takes. Any bytes are a script.
package struct FrameTrial {
    /// What a script has the aggregator do that it must not.
    package struct Violation: Error, CustomStringConvertible {
        package let description: String
    }

    /// How the script went.
    package struct Tally: Hashable, Sendable {
        package var frames = 0
        /// Frames that were refused by name.
        package var malformed = 0
        package var accepted = 0
        package var recoveries = 0
        package var version: Version = 0
    }

    package private(set) var tally = Tally()
    private let scenario: FaultScenario
    private let disk = SimulatedDisk(fuse: Fuse(), ignoresSync: false)
    private var pipeline: CommitPipeline
    private var script: ByteSource
    private var now = Timestamp(nanoseconds: 1_000_000_000)
    private var epoch: UInt64 = 1
    /// What the clients of the script heard last.
    private var tasks: [ClientID: AggregatorMessage.Task] = [:]

    /// Runs a script to its end.
    /// - Throws: `Violation`; `LogError` or `ReplayError` where the log cannot be read back, which is one as well.
    package static func run(_ script: UnsafeRawBufferPointer) throws -> Tally {
        var trial = try FrameTrial(script)
        while let step = trial.script.next() { try trial.take(step) }
        try trial.settle()
        try trial.judge()
        return trial.tally
    }

    private init(_ bytes: UnsafeRawBufferPointer) throws {
        script = ByteSource(bytes)
        scenario = try FaultScenario(seed: UInt64(script.byte()))
        let configuration = scenario.configuration
        pipeline = CommitPipeline(
            LoggedAggregator(
                aggregator: try Aggregator(
                    configuration: configuration.federation, run: scenario.run,
                    strategy: configuration.makeStrategy(initial: scenario.initial)),
                log: RunLogWriter(creating: disk, header: Self.header(of: scenario), at: now)))
        try pipeline.start(epoch: 1, at: now)
        try settle()
    }

    private static func header(of scenario: FaultScenario) -> RunHeader {
        RunHeader(
            configurationYAML: scenario.briefYAML, seed: scenario.configuration.federation.seed,
            program: .running, run: scenario.run, initial: .init(version: 0, state: scenario.initial))
    }

    // MARK: Logs of somebody else's making

    package struct Record: Hashable, Sendable {
        package var channel: PromptWire.LogChannel
        package var time: UInt64
        package var bytes: [UInt8]

        package init(channel: PromptWire.LogChannel, time: UInt64, bytes: [UInt8]) {
            self.channel = channel
            self.time = time
            self.bytes = bytes
        }
    }

    /// Replays a log in which those records follow the header of the federation that a seed draws.
    /// - Throws: `ReplayError` where they are not of a run.
    package static func replay(_ records: [Record], seed: UInt8) throws {
        let scenario = try FaultScenario(seed: UInt64(seed))
        let disk = SimulatedDisk(fuse: Fuse(), ignoresSync: false)
        let log = try disk.openSegment(1, .create, marks: [])
        let all = [Record(channel: .header, time: 0, bytes: LogCodec.encode(header(of: scenario)))] + records
        for record in all {
            let channel = try log.addChannel(topic: record.channel.rawValue, schema: .none)
            try log.append(channel: channel, logTime: record.time, data: record.bytes)
        }
        try log.close()
        _ = try Replay(RunLogReader(LogSegments(of: disk)))
    }

    // MARK: Steps

    private mutating func take(_ step: UInt8) throws {
        switch step % 10 {
        case 0: try receive(script.bytes(Int(script.byte())))
        case 1: try receive(ClientCodec.encode(.hello(hello())))
        case 2: try receive(ClientCodec.encode(.heartbeat(heartbeat())))
        case 3: try receive(ClientCodec.encode(.goodbye(.init(client: client(), session: session()))))
        case 4: now = now + .milliseconds(Int64(script.byte()) * 40)
        case 5: try fire()
        case 6: try settle()
        case 7: try recover()
        default: try receive(ClientCodec.encode(.update(update())))
        }
    }

    private mutating func receive(_ bytes: [UInt8]) throws {
        tally.frames += 1
        let before = pipeline.engine.malformed
        do {
            if let answer = try pipeline.receive(bytes.span.bytes, at: now) {
                try publish(answer.message, on: .client(answer.client))
            }
        } catch let error as WireError {
            tally.malformed += 1
            guard pipeline.engine.malformed == before + 1, !error.field.isEmpty, !error.problem.isEmpty else {
                throw Violation(description: "a malformed frame was not counted and named: \(error)")
            }
        }
    }

    private mutating func fire() throws {
        guard let time = pipeline.nextDeadline else { return }
        now = max(now, time)
        try pipeline.tick(at: now)
    }

    /// The process dies, and another takes the run up from the disk.
    private mutating func recover() throws {
        try settle()
        let before = pipeline.aggregator.snapshot()
        let recovery = try RunRecovery(from: disk)
        guard recovery.aggregator.snapshot() == before else {
            throw Violation(description: "recovery gives another state")
        }
        epoch += 1
        guard recovery.epoch + 1 == epoch else { throw Violation(description: "recovery lost count of the starts") }
        pipeline = CommitPipeline(LoggedAggregator(aggregator: recovery.aggregator, log: recovery.log))
        try pipeline.start(epoch: epoch, at: now)
        tally.recoveries += 1
        try settle()
    }

    // MARK: What the aggregator does

    private mutating func settle() throws {
        try pipeline.aggregate(at: now)
        if let unsound = pipeline.aggregator.checkInvariants().first { throw Violation(description: unsound) }
        for effect in try pipeline.commit() { try carryOut(effect) }
    }

    /// Clients must be able to read what is published, and to compute with it.
    private func check(_ message: AggregatorMessage, _ bytes: [UInt8]) throws {
        do {
            guard try AggregatorCodec.decode(bytes).message == message else {
                throw Violation(description: "published one thing, which reads as another: \(message)")
            }
        } catch let error as WireError {
            throw Violation(description: "published what cannot be read: \(error)")
        }
        guard case .prompts(let prompts) = message else { return }
        for entry in prompts.changed.parameters.entries where entry.tensor.firstNonFinite != nil {
            throw Violation(description: "version \(prompts.version) has \(entry.name) that are not finite")
        }
    }

    private mutating func judge() throws {
        let replay = try Replay(RunLogReader(LogSegments(of: disk))) { step in
            guard case .checked(let publication) = step, !publication.isEqual else { return }
            throw Violation(description: "version \(publication.version) replays to another digest")
        }
        guard replay.aggregator?.snapshot() == pipeline.aggregator.snapshot() else {
            throw Violation(description: "the replay ends in another state")
        }
        tally.accepted = pipeline.aggregator.counts.accepted
        tally.version = pipeline.aggregator.version
    }

    // MARK: Messages

    private mutating func client() -> ClientID { ClientID("client-0\(script.byte() % 5)") }
    private mutating func session() -> UInt64 { UInt64(script.byte() % 4) }

    /// Mostly near the current version, now and then anything.
    private mutating func version() -> Version {
        let byte = script.byte()
        return byte < 200 ? max(-1, pipeline.aggregator.version - Int(byte % 4)) : Int(byte) << Int(byte % 33)
    }

    private mutating func hello() -> ClientMessage.Hello {
        .init(
            client: client(), session: session(), sampleCount: Int(script.byte()))
    }

    private mutating func heartbeat() -> ClientMessage.Heartbeat {
        let activities = ClientMessage.Heartbeat.Activity.allCases
        return .init(
            client: client(), session: session(), activity: activities[Int(script.byte()) % activities.count],
            task: UInt64(script.byte()), outstanding: Int(script.byte()))
    }

    /// Shaped as the current state wants it, unless the script says otherwise.
    private mutating func update() -> ClientMessage.Update {
        let client = client()
        let state = pipeline.aggregator.current.state
        let plan = tasks[client]?.plan ?? pipeline.aggregator.configuration.plan
        var parameters = Parameters()
        var ids = plan.sends(Parameters.prompts) ? state.promptIDs : []
        let drop = Int(script.byte())
        if drop < 100, !ids.isEmpty { ids.remove(at: drop % ids.count) }
        for entry in state.parameters.entries where plan.sends(entry.name) {
            var tensor = entry.tensor
            if entry.name == Parameters.prompts {
                tensor = Tensor(
                    shape: [ids.count, state.width],
                    values: ids.flatMap { id in
                        let row = state.promptIDs.firstIndex(of: id)!
                        return Array(tensor.values[row * state.width..<(row + 1) * state.width])
                    })
            }
            for place in tensor.values.indices { disturb(&tensor.values[place]) }
            parameters[entry.name] = tensor
        }
        if script.byte() == 255 {
            parameters[Parameters.headBias] = Tensor(shape: [1], values: [0])
        }
        return .init(
            client: client, session: session(), run: scenario.run, task: task(of: client), baseVersion: version(),
            sampleCount: Int(script.byte()) - 2,
            parameters: parameters, promptIDs: ids, metrics: [])
    }

    /// Mostly the task that the client was given last, now and then any.
    private mutating func task(of client: ClientID) -> UInt64 {
        let byte = script.byte()
        return byte < 200 ? tasks[client]?.number ?? UInt64(byte) : UInt64(byte)
    }

    /// Moves a value by a little; a byte of 250 and more makes it any number at all.
    private mutating func disturb(_ value: inout Float) {
        guard let byte = script.next() else { return }
        if byte < 250 {
            value += (Float(byte) - 125) / 500
        } else {
            value = Float(bitPattern: script.bytes(4).reduce(0) { $0 << 8 | UInt32($1) })
        }
    }
}

extension FrameTrial: EffectCarrier {
    package mutating func publish(_ message: AggregatorMessage, packed: [UInt8]? = nil, on topic: Topic) throws {
        if case .task(let task) = message { tasks[task.client] = task }
        try check(message, AggregatorCodec.encode(message, from: Origin(run: scenario.run, epoch: epoch)))
    }

    package func note(_ version: EncodedVersion) {}
    package func note(_ judgement: Judgement) {}
    package func note(_ failed: FailedTask) {}
    package func note(_ evaluation: ClientMessage.Evaluation) {}
    package func noteFenced(_ client: ClientID, session: UInt64) {}
    package func note(_ flush: Flush) {}
    package func note(_ presence: Presence, of client: ClientID) {}
    package func noteRest() {}
    package func noteFinish() {}
}
