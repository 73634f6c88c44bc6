import Dispatch
import Federation
import FederationRun
import FederationService
import Foundation
import Logging
import PromptAggregation
import PromptWire
import RunLog
import RunSettings
import Synchronization
import TestSupport
import Testing
import ZeroMQTransport

/// A worker's client between a state machine and the world: what it sends, keeps, tunes and ends.
@Suite(.timeLimit(.minutes(1))) struct HostedClientTests {
    private static let id = ClientID("client-1")
    private static let session: UInt64 = 5
    private static let state = PromptState(
        parameters: Parameters([(Parameters.prompts, Tensor(shape: [1, 2], values: [1, -0.5]))]), promptIDs: [7])

    /// A client whose messages are collected, and whose trainings come to what the test says.
    private struct Hosted {
        let loop: PollLoop
        let client: HostedClient
        let sent = Mailbox()

        init(
            outbox: String? = nil, privacy: PrivacyGuard? = nil,
            training: @escaping @Sendable (TrainingOrder) -> Result<TrainingOutcome?, any Error> = { _ in .success(nil)
            },
            startsFrom: @escaping @Sendable (Parameters) -> Void = { _ in }
        ) throws {
            loop = try PollLoop(name: "hosted")
            let folder = try outbox.map {
                try OutboxFolder(path: $0, client: HostedClientTests.id, thread: DispatchQueue(label: "outbox"))
            }
            let delay = try RunConfiguration.load(files: [], assignments: []).worker.delay
            client = HostedClient(
                id: HostedClientTests.id, session: HostedClientTests.session, sampleCount: 10,
                model: ModelSpecification(),
                belongings: .init(outbox: folder, privacy: privacy, delay: delay, delays: SeededRandom(seed: 1)),
                train: { order, personal, finish in
                    startsFrom(personal)
                    finish(training(order))
                    return TuningThread.Cancellation()
                }, loop: loop, logger: Logger(label: "test"))
            client.send = { [sent] _, bytes in sent.add(bytes) }
        }

        /// Has the client take messages in, on the loop's thread.
        func receive(_ messages: AggregatorMessage...) {
            loop.execute { [client] in
                for message in messages {
                    client.receive(AggregatorEnvelope(origin: Origin(run: 1, epoch: 1), message: message))
                }
            }
        }

        func start() { loop.execute { [client] in client.start() } }

        /// Lets go of the client as a crash does, and waits for its loop.
        func end() {
            loop.execute { [client] in client.abandon() }
            loop.stopAndWait()
        }
    }

    /// What a client has sent.
    private final class Mailbox: Sendable {
        private let messages = Mutex<[[UInt8]]>([])

        func add(_ message: [UInt8]) { messages.withLock { $0.append(message) } }

        var updates: [[UInt8]] {
            messages.withLock { $0 }.filter {
                if case .update = try? ClientCodec.decode($0) { true } else { false }
            }
        }

        /// Waits for so many updates; the suite's time limit ends the wait. On a slow machine more are sent again by then.
        func updates(_ count: Int) async throws -> [[UInt8]] {
            while updates.count < count { try await Task.sleep(for: .milliseconds(5)) }
            return Array(updates.prefix(count))
        }
    }

    private static var welcome: AggregatorMessage {
        .welcome(.init(client: id, session: session, version: 0, heartbeatMilliseconds: 60_000))
    }
    private static var task: AggregatorMessage {
        .task(.init(client: id, session: session, number: 3, version: 0, seed: 1, plan: TrainingPlan()))
    }
    private static var prompts: AggregatorMessage { .prompts(.init(version: 0, changed: state)) }

    private static func outcome(of order: TrainingOrder, keeping personal: Parameters = Parameters()) -> TrainingOutcome
    {
        TrainingOutcome(
            result: TrainingResult(
                task: order.task.number, baseVersion: order.base.version, parameters: order.base.state.parameters,
                promptIDs: order.base.state.promptIDs, sampleCount: 10, metrics: []),
            personal: personal)
    }

    /// The message of each file in a client's outbox.
    private func filed(_ folder: String) throws -> [[UInt8]] {
        let path = folder + "/client-1"
        return try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".update") }.sorted()
            .map { Array(try Data(contentsOf: URL(fileURLWithPath: path + "/" + $0)).dropFirst(32)) }
    }

    @Test func whatIsSentAndSentAgainIsWhatLiesOnTheDisk() async throws {
        try await inTemporaryFolder { folder in
            let hosted = try Hosted(outbox: folder) { .success(Self.outcome(of: $0)) }
            hosted.start()
            hosted.receive(Self.welcome, Self.task, Self.prompts)
            let first = try await hosted.sent.updates(1)
            #expect(try filed(folder) == first)
            // A welcome has everything sent again that is not settled.
            hosted.receive(Self.welcome)
            #expect(try await hosted.sent.updates(2) == first + first)
            hosted.end()
        }
    }

    @Test func whatAClientKeepsIsThereAfterACrashBitForBit() async throws {
        try await inTemporaryFolder { folder in
            let kept = Parameters([
                (Parameters.headWeight, Tensor(shape: [1, 3], values: [.pi, -0.0, .leastNonzeroMagnitude]))
            ])
            let seen = Mutex<[Parameters]>([])
            for start in 0..<2 {
                let hosted = try Hosted(
                    outbox: folder, training: { .success(Self.outcome(of: $0, keeping: kept)) },
                    startsFrom: { personal in seen.withLock { $0.append(personal) } })
                hosted.start()
                hosted.receive(Self.welcome, Self.task, Self.prompts)
                // The second start sends the first one's update too.
                _ = try await hosted.sent.updates(start + 1)
                hosted.receive(.ack(.init(client: Self.id, task: 3)))
                hosted.end()
            }
            let starts = seen.withLock { $0 }
            #expect(starts.map(\.entries.count) == [0, 1])
            #expect(
                starts[1].entries[0].tensor.values.map(\.bitPattern) == kept.entries[0].tensor.values.map(\.bitPattern))
        }
    }

    /// Encoding is not unique: a reader skips fields that it does not know, which encoding them again would lose.
    @Test func anEarlierSessionsUpdateIsSentByteForByte() async throws {
        try await inTemporaryFolder { folder in
            let update = ClientMessage.Update(
                client: Self.id, session: 4, run: 1, task: 2, baseVersion: 0, sampleCount: 10,
                parameters: Self.state.parameters, promptIDs: Self.state.promptIDs, metrics: [])
            // Field 1000, a varint.
            let message = ClientCodec.encode(.update(update)) + [0xc0, 0x3e, 0x01]
            do {
                let outbox = try OutboxFolder(path: folder, client: Self.id, thread: DispatchQueue(label: "outbox"))
                outbox.store(update.id, message) { #expect($0 == nil) }
                outbox.finish()
            }
            let hosted = try Hosted(outbox: folder)
            hosted.start()
            hosted.receive(Self.welcome)
            #expect(try await hosted.sent.updates(1) == [message])
            #expect(hosted.client.unsettled == 1)
            hosted.receive(.ack(.init(client: Self.id, task: 2)))
            hosted.end()
            #expect(hosted.client.unsettled == 0)
            #expect(try filed(folder).isEmpty)
        }
    }

    @Test func aTrainingThatFailsIsForgottenAndTheNextTaskIsTaken() async throws {
        let tries = Atomic<Int>(0)
        let hosted = try Hosted { order in
            guard tries.add(1, ordering: .relaxed).oldValue > 0 else { return .failure(PrivacyAccountError("broken")) }
            return .success(Self.outcome(of: order))
        }
        hosted.start()
        hosted.receive(Self.welcome, Self.prompts, Self.task)
        while tries.load(ordering: .relaxed) < 1 { try await Task.sleep(for: .milliseconds(5)) }
        hosted.receive(
            .task(
                .init(
                    client: Self.id, session: Self.session, number: 4, version: 0, seed: 1, plan: TrainingPlan())))
        guard case .update(let update) = try ClientCodec.decode(try await hosted.sent.updates(1)[0]) else {
            Issue.record("no update")
            return
        }
        #expect(update.task == 4)
        hosted.end()
    }

    @Test func aClientThatIsAskedToLeaveEndsAndIsSilentAfterwards() async throws {
        let hosted = try Hosted { _ in
            Issue.record("a client that has left trains")
            return .success(nil)
        }
        let ends = Atomic<Int>(0)
        hosted.client.ended = { ends.add(1, ordering: .relaxed) }
        hosted.start()
        hosted.receive(Self.welcome)
        hosted.loop.execute { [client = hosted.client] in
            client.leave(within: .seconds(5))
            client.leave(within: .seconds(5))
        }
        hosted.receive(Self.prompts, Self.task)
        hosted.end()
        #expect(ends.load(ordering: .relaxed) == 1)
        #expect(hosted.client.end == .stopped)
    }
}
