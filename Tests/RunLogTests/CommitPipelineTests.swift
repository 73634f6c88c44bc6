import Federation
import PromptAggregation
import PromptWire
import RunLog
import RunSettings
import TestSupport
import Testing

/// What is stored when, and when its effects come out.
@Suite struct CommitPipelineTests {
    static let now = Timestamp(nanoseconds: 1_000_000_000)

    @Test func oneBatchIsOnItsWayAndItsEffectsComeOutOnce() throws {
        try withTemporaryFolder { folder in
            var pipeline = try Self.begun(in: folder)
            let first = try #require(Self.stored(try pipeline.next(settling: false)))
            try Self.greet(&pipeline)
            #expect(Self.isRest(try pipeline.next(settling: false)), "the rest waits for the first batch")
            #expect(throws: UnsettledLog.self) { try pipeline.close() }
            let waited = Self.waited(try pipeline.next(settling: true))
            #expect(waited === first, "who wants all stored waits for the first batch")
            first.store()
            #expect(try !pipeline.finish(first).isEmpty && !pipeline.isSettled)
            #expect(try pipeline.finish(first).isEmpty, "finished before")
            let second = try #require(Self.stored(try pipeline.next(settling: true)))
            second.store()
            let welcomes = try pipeline.finish(second).filter {
                if case .publish(_, .welcome) = $0.effect { true } else { false }
            }
            #expect(welcomes.count == 1 && pipeline.isSettled)
            #expect(Self.isRest(try pipeline.next(settling: true)))
            try pipeline.close()
        }
    }

    @Test func muchThatWaitsIsWaitedFor() throws {
        try withTemporaryFolder { folder in
            var pipeline = try Self.begun(in: folder, waitingBytes: 1)
            let first = try #require(Self.stored(try pipeline.next(settling: false)))
            #expect(Self.isRest(try pipeline.next(settling: false)))
            try Self.greet(&pipeline)
            #expect(Self.waited(try pipeline.next(settling: false)) === first)
        }
    }

    @Test func aDeadlineIsTakenInWhileABatchIsOnItsWay() throws {
        try withTemporaryFolder { folder in
            var pipeline = try Self.begun(in: folder)
            let first = try #require(Self.stored(try pipeline.next(settling: false)))
            let deadline = try #require(pipeline.nextDeadline)
            try pipeline.tick(at: deadline)
            #expect(pipeline.engine.bufferedBytes > 0)
            #expect(try #require(pipeline.nextDeadline) > deadline)
            first.store()
            _ = try pipeline.finish(first)
            let effects = try pipeline.commit()
            #expect(!effects.isEmpty && pipeline.isSettled)
        }
    }

    @Test func anUpdateOfAStrangerIsAnsweredAndNotKept() throws {
        try withTemporaryFolder { folder in
            var pipeline = try Self.begun(in: folder)
            _ = try pipeline.commit()
            let update = ClientMessage.Update(
                client: ClientID("stranger"), session: 1, run: 1, task: 1, baseVersion: 0, sampleCount: 1,
                parameters: Parameters([(Parameters.prompts, Tensor(shape: [1, 3], values: [1, 2, 3]))]),
                promptIDs: [0], metrics: [])
            let answer = try pipeline.receive(ClientCodec.encode(.update(update)).span.bytes, at: Self.now)
            guard case .reject(let reject)? = answer?.message else {
                Issue.record("no answer")
                return
            }
            #expect(answer?.client == update.client && reject.task == 1)
            #expect(pipeline.engine.bufferedBytes == 0 && pipeline.engine.turnedAway == 1)
        }
    }

    @Test func whatAClientMayNotSayIsCountedAndNotKept() throws {
        try withTemporaryFolder { folder in
            var pipeline = try Self.begun(in: folder, allowance: Self.allowance)
            for _ in 0..<Int(MessageAllowance.burst) { try Self.greet(&pipeline) }
            _ = try pipeline.commit()
            for _ in 0..<10 { #expect(throws: Excess.self) { try Self.greet(&pipeline) } }
            #expect(pipeline.engine.excessive == 10 && pipeline.engine.bufferedBytes == 0)
        }
    }

    @Test func whatAKeySaysUnderEverNewNamesIsBounded() throws {
        try withTemporaryFolder { folder in
            var pipeline = try Self.begun(in: folder, ["federation.maximum_clients=10"], allowance: Self.allowance)
            var names = 0
            func greet(from key: String) throws {
                names += 1
                try Self.greet(&pipeline, as: "client-\(names)", from: .key(key))
            }
            while true { do { try greet(from: "one") } catch let excess as Excess where excess.isOfParty { break } }
            #expect(names == 1241)
            _ = try pipeline.commit()
            for _ in 0..<10 { #expect(throws: Excess.self) { try greet(from: "one") } }
            #expect(pipeline.engine.bufferedBytes == 0)
            try greet(from: "two")
            #expect(pipeline.engine.bufferedBytes > 0)
        }
    }

    @Test func anUpdateForAnOpenTaskIsTakenWhateverItsClientSaidBefore() throws {
        try withTemporaryFolder { folder in
            var pipeline = try Self.begun(
                in: folder, ["data.clients=1", "federation.clients_to_start=1"],
                allowance: Self.allowance)
            while true { do { try Self.greet(&pipeline) } catch is Excess { break } }
            _ = try pipeline.commit()
            let state = pipeline.aggregator.current.state
            func send(task: UInt64) throws {
                let update = ClientMessage.Update(
                    client: ClientID("client-00"), session: 1, run: 1, task: task, baseVersion: 0, sampleCount: 1,
                    parameters: state.parameters, promptIDs: state.promptIDs, metrics: [])
                _ = try pipeline.receive(ClientCodec.encode(.update(update)).span.bytes, at: Self.now)
            }
            #expect(throws: Excess.self) { try send(task: 2) }
            try send(task: 1)
            #expect(pipeline.aggregator.counts.accepted == 1)
            #expect(throws: Excess.self, "a repetition answers no open task") { try send(task: 1) }
        }
    }

    /// Packing takes long for a large state, so the thread that aggregates does it.
    @Test func whatAFlushPublishesIsPackedWhereItIsAggregated() throws {
        try withTemporaryFolder { folder in
            var pipeline = try Self.begun(
                in: folder,
                [
                    "data.clients=1", "federation.clients_to_start=1", "federation.buffer_size=1",
                    "federation.flush_beside_values=0",
                ])
            try Self.greet(&pipeline)
            _ = try pipeline.commit()
            let state = pipeline.aggregator.current.state
            let update = ClientMessage.Update(
                client: ClientID("client-00"), session: 1, run: 1, task: 1, baseVersion: 0, sampleCount: 1,
                parameters: state.parameters, promptIDs: state.promptIDs, metrics: [])
            _ = try pipeline.receive(ClientCodec.encode(.update(update)).span.bytes, at: Self.now)
            var carrier = Packed()
            for effect in try pipeline.commit() { try carrier.carryOut(effect) }
            #expect(carrier.packed.isEmpty)

            let origin = Origin(run: 1, epoch: 1)
            let work = try #require(pipeline.aggregator.flushWork)
            try pipeline.aggregated(AggregatedFlush(work, from: origin), at: Self.now)
            for effect in try pipeline.commit() { try carrier.carryOut(effect) }
            #expect(carrier.packed.count == 1)
            for (message, bytes) in carrier.packed {
                #expect(try AggregatorCodec.decode(bytes) == AggregatorEnvelope(origin: origin, message: message))
            }
        }
    }

    /// Keeps the messages that come with their bytes.
    private struct Packed: EffectCarrier {
        var packed: [(AggregatorMessage, [UInt8])] = []

        mutating func publish(_ message: AggregatorMessage, packed bytes: [UInt8]?, on topic: Topic) {
            if let bytes { packed.append((message, bytes)) }
        }
        func note(_ version: EncodedVersion) {}
        func note(_ judgement: Judgement) {}
        func note(_ flush: Flush) {}
        func note(_ presence: Presence, of client: ClientID) {}
        func note(_ failed: FailedTask) {}
        func note(_ evaluation: ClientMessage.Evaluation) {}
        func noteFenced(_ client: ClientID, session: UInt64) {}
        func noteRest() {}
        func noteFinish() {}
    }

    // MARK: Runs

    static func begun(
        in folder: String, _ assignments: [String] = ["data.clients=1"], waitingBytes: Int = 1 << 20,
        allowance: MessageAllowance? = nil
    ) throws -> CommitPipeline {
        let configuration = try RunConfiguration.load(
            base: RunConfiguration.demo, files: [], environment: [:], assignments: assignments)
        let initial = PromptState(
            parameters: Parameters([
                (Parameters.prompts, Tensor(shape: [2, 3], values: [1, 2, 3, 4, 5, 6])),
                (Parameters.headWeight, Tensor(shape: [2, 3], values: [1, 0, 0, 0, 1, 0])),
                (Parameters.headBias, Tensor(shape: [2], values: [0, 1])),
            ]), promptIDs: [0, 1])
        let header = RunHeader(
            configurationYAML: configuration.yaml, seed: 1, program: .running, run: 1,
            initial: .init(version: 0, state: initial))
        let core = try Aggregator(
            configuration: configuration.federation, run: 1,
            strategy: configuration.makeStrategy(initial: initial))
        var pipeline = CommitPipeline(
            LoggedAggregator(
                aggregator: core, log: RunLogWriter(creating: RunFolder(path: folder), header: header, at: now),
                allowance: allowance),
            waitingBytes: waitingBytes)
        try pipeline.start(epoch: 1, at: now)
        return pipeline
    }

    private static let allowance = MessageAllowance(heartbeat: .seconds(2), mostClients: 10)

    private static func greet(
        _ pipeline: inout CommitPipeline, as client: String = "client-00", from party: Party? = nil
    ) throws {
        let hello = ClientMessage.Hello(client: ClientID(client), session: 1, sampleCount: 100)
        _ = try pipeline.receive(ClientCodec.encode(.hello(hello)).span.bytes, from: party, at: now)
    }

    private static func isRest(_ step: CommitPipeline.Step) -> Bool {
        if case .rest = step { true } else { false }
    }

    private static func stored(_ step: CommitPipeline.Step) -> LoggedAggregator.Batch? {
        if case .store(let batch) = step { batch } else { nil }
    }

    private static func waited(_ step: CommitPipeline.Step) -> LoggedAggregator.Batch? {
        if case .wait(let batch) = step { batch } else { nil }
    }
}
