import Federation
import MessageLog
import PromptAggregation
import PromptWire
import RunLog
import TestSupport
import Testing

/// Heartbeats that change nothing but a lease: gathered, and one record a sweep.
@Suite struct SignsOfLifeTests {
    private static let idle = ["federation.clients_to_start=1000", "federation.lease_seconds=10"]

    @Test func aSweepIsOneRecordAndReplaysToTheSameState() throws {
        try withTemporaryFolder { folder in
            var run = try Crowd(in: folder, Self.idle, clients: 100)
            var sweeps = 0
            while run.now < CommitPipelineTests.now + .seconds(60) {
                // The upper half falls silent for good in the middle of the time.
                let heard = run.now < CommitPipelineTests.now + .seconds(30) ? 100 : 50
                for client in 0..<heard { #expect(try !run.isRecorded(.heartbeat(run.heartbeat(of: client)))) }
                for _ in 0..<2 {
                    try run.tickWhenDue()
                    sweeps += 1
                }
            }
            #expect(run.pipeline.aggregator.counts.clientsAlive == 50)
            try run.end()
            let log = RunFolder(path: folder)
            let replay = try Replay(path: log.path)
            #expect(replay.aggregator?.snapshot() == run.pipeline.aggregator.snapshot())
            let ticks = try Self.ticks(in: log)
            #expect(ticks.count == sweeps)
            #expect(ticks.contains([0..<100]) && ticks.contains([0..<50]) && ticks.contains([]))
        }
    }

    /// Other clients' events come so densely that no deadline passes without one.
    @Test func whoWasHeardIsNotLostAmongTheEventsOfOthers() throws {
        try withTemporaryFolder { folder in
            var run = try Crowd(in: folder, Self.idle + ["federation.beacon_seconds=3600"], clients: 3)
            for step in 1...600 {
                run.now = run.now + .milliseconds(100)
                if step % 20 == 0 { #expect(try !run.isRecorded(.heartbeat(run.heartbeat(of: 0)))) }
                #expect(try run.isRecorded(.fetch(.init(client: Crowd.name(1), session: 1, holding: -1))))
            }
            #expect(run.pipeline.aggregator.counts.clientsAlive == 2, "only the silent one is lost")
            try run.end()
            let ticks = try Self.ticks(in: RunFolder(path: folder))
            #expect((14...17).contains(ticks.count) && ticks.allSatisfy { $0 == [0..<1] }, "\(ticks)")
        }
    }

    @Test func aCrashTakesThemAndNothingElse() throws {
        try withTemporaryFolder { folder in
            var run: Crowd? = try Crowd(in: folder, Self.idle, clients: 5)
            let state = run!.pipeline.aggregator.snapshot()
            run!.now = run!.now + .seconds(1)
            for client in 0..<5 { #expect(try !run!.isRecorded(.heartbeat(run!.heartbeat(of: client)))) }
            run = nil
            let recovery = try RunRecovery(from: RunFolder(path: folder))
            #expect(recovery.aggregator.snapshot() == state)
        }
    }

    @Test func whoLeftBeforeTheSweepStaysAway() throws {
        try withTemporaryFolder { folder in
            var run = try Crowd(in: folder, Self.idle, clients: 2)
            for client in 0..<2 { #expect(try !run.isRecorded(.heartbeat(run.heartbeat(of: client)))) }
            #expect(try run.isRecorded(.goodbye(.init(client: Crowd.name(1), session: 1))))
            try run.tickWhenDue()
            #expect(run.pipeline.aggregator.counts.clientsAlive == 1)
            try run.end()
            #expect(try Self.ticks(in: RunFolder(path: folder)) == [[0..<2]])
        }
    }

    @Test func heartbeatsThatDoMoreAreRecorded() throws {
        try withTemporaryFolder { folder in
            var run = try Crowd(in: folder, ["federation.clients_to_start=1"], clients: 1)
            let task = try #require(run.tasks.first).number
            func heartbeat(
                _ activity: ClientMessage.Heartbeat.Activity, _ task: UInt64, session: UInt64 = 1, outstanding: Int = 0
            ) -> ClientMessage {
                .heartbeat(
                    .init(
                        client: Crowd.name(0), session: session, activity: activity, task: task,
                        outstanding: outstanding))
            }
            #expect(try !run.isRecorded(heartbeat(.training, task)), "trains what it was asked to")
            #expect(try !run.isRecorded(heartbeat(.idle, task, outstanding: 1)), "its update is on its way")
            #expect(try run.isRecorded(heartbeat(.idle, task - 1)), "the task was lost")
            #expect(try run.isRecorded(heartbeat(.training, task, session: 2)), "another session")
            let stranger = ClientMessage.Heartbeat(
                client: ClientID("stranger"), session: 1, activity: .idle, task: 0, outstanding: 0)
            #expect(try run.isRecorded(.presence(.init(heartbeats: [run.heartbeat(of: 0), stranger]))), "a stranger")
            #expect(try !run.isRecorded(heartbeat(.training, task)))
            run.now = run.now + .seconds(-1)
            #expect(try run.isRecorded(heartbeat(.training, task)), "the clock was set back")
            #expect(try run.isRecorded(heartbeat(.idle, task)), "the task came to nothing")
        }
    }

    private static func ticks(in log: RunFolder) throws -> [[Range<Int>]] {
        var reader = try LogReader(path: log.segment(1))
        var ticks: [[Range<Int>]] = []
        while let message = try reader.next() {
            let channel = try #require(RunChannel(rawValue: message.topic))
            let record = try message.data.withUnsafeBytes { try LogCodec.decode($0, on: channel) }
            if case .tick(let tick) = record { ticks.append(tick.heard) }
            if case .received(.heartbeat) = record { Issue.record("a heartbeat of its own") }
        }
        return ticks
    }
}

/// Clients of one aggregator that only live.
private struct Crowd {
    var pipeline: CommitPipeline
    var now = CommitPipelineTests.now
    private(set) var tasks: [AggregatorMessage.Task] = []

    init(in folder: String, _ assignments: [String], clients: Int) throws {
        pipeline = try CommitPipelineTests.begun(in: folder, assignments)
        for client in 0..<clients {
            let hello = ClientMessage.Hello(client: Self.name(client), session: 1, sampleCount: 10)
            _ = try pipeline.receive(ClientCodec.encode(.hello(hello)).span.bytes, at: now)
        }
        for effect in try pipeline.commit() {
            if case .publish(_, .task(let task)) = effect.effect { tasks.append(task) }
        }
    }

    static func name(_ client: Int) -> ClientID { ClientID("client-\(client)") }

    func heartbeat(of client: Int) -> ClientMessage.Heartbeat {
        .init(client: Self.name(client), session: 1, activity: .idle, task: 0, outstanding: 0)
    }

    /// Whether a message makes a record of its own.
    mutating func isRecorded(_ message: ClientMessage) throws -> Bool {
        _ = try pipeline.commit()
        _ = try pipeline.receive(ClientCodec.encode(message).span.bytes, at: now)
        return pipeline.engine.bufferedBytes > 0
    }

    mutating func tickWhenDue() throws {
        now = try #require(pipeline.nextDeadline)
        try pipeline.tick(at: now)
        _ = try pipeline.commit()
    }

    mutating func end() throws {
        _ = try pipeline.commit()
        try pipeline.close()
    }
}
