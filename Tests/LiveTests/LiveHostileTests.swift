import Federation
import FederationService
import Foundation
import Lab
import PromptAggregation
import PromptWire
import RunLog
import TestSupport
import Testing
import ZeroMQTransport

/// What a live aggregator says to who sends what it cannot use, and what becomes of the others meanwhile.
@Suite(.serialized, .timeLimit(.minutes(10))) struct LiveHostileTests {
    fileprivate static let guest = ClientID("guest")

    /// A listed key's connection to a live aggregator.
    private struct Guest: ~Copyable {
        let push: Socket<Push>
        let subscriber: Socket<Sub>

        init(_ federation: LiveFederation) throws {
            let keys = KeyFolder(path: federation.path + "/keys")
            var options = SocketOptions()
            options.security = try keys.clientSide(name: "guest")
            options.linger = .zero
            let context = try Context()
            let push = try Socket<Push>(context, options: options)
            let subscriber = try Socket<Sub>(context, options: options)
            try subscriber.subscribe(Topic.client(LiveHostileTests.guest).bytes)
            try subscriber.connect(try federation.endpoint("prompts"))
            try push.connect(try federation.endpoint("updates"))
            self.push = push
            self.subscriber = subscriber
        }

        /// Sends a message again and again until it is answered by a `Malformed`, and returns its reason.
        func complaint(about message: [UInt8]) throws -> String? {
            for _ in 0..<60 {
                _ = try push.send(message)
                while let answer = try subscriber.receive(within: .milliseconds(500)) {
                    let envelope = try AggregatorCodec.decode(answer.payload.bytes)
                    if case .malformed(let malformed) = envelope.message { return malformed.reason }
                }
            }
            return nil
        }
    }

    private func withGuest(_ body: (LiveFederation, LiveProcess, borrowing Guest) async throws -> Void) async throws {
        try await withLiveFederation(["run.updates=0"], keys: true) { federation in
            let keys = KeyFolder(path: federation.path + "/keys")
            _ = try keys.makeAggregator()
            try keys.make(name: "guest", clients: ["guest"])
            try keys.make(name: "worker-0", clients: ["client-00", "client-02"])
            let aggregator = try await federation.startBoundAggregator()
            try await body(federation, aggregator, try Guest(federation))
            aggregator.signal(SIGTERM)
            #expect(try await aggregator.exitCode() == 0, "\(aggregator.output.suffix(2000))")
        }
    }

    @Test func whoeverSendsTooLargeAMessageIsTold() async throws {
        try await withGuest { _, aggregator, guest in
            var parameters = Parameters()
            parameters[Parameters.prompts] = Tensor(shape: [2_000_000], values: [Float](repeating: 0, count: 2_000_000))
            let message = ClientCodec.encode(
                .update(
                    .init(
                        client: Self.guest, session: 1, run: 1, task: 1, baseVersion: 0, sampleCount: 1,
                        parameters: parameters, promptIDs: [], metrics: [])))
            let answer = try guest.complaint(about: message)
            let reason = try #require(answer)
            #expect(reason.hasPrefix("message: expected at most ") && reason.hasSuffix("found \(message.count)"))
            try await eventually("a line about the guest") { aggregator.output.contains("client=guest") }
        }
    }

    @Test func anotherProtocolIsNamedToItsSender() async throws {
        try await withGuest { _, aggregator, guest in
            var message = ClientCodec.encode(.hello(.init(client: Self.guest, session: 1, sampleCount: 1)))
            message[1] = 3
            let reason = try guest.complaint(about: message)
            #expect(reason == "protocol: expected 2, found 3")
            // The line is written beside the answer.
            try await eventually("a line about the protocol: \(aggregator.output)") {
                aggregator.output.contains("protocol: expected 2, found 3")
            }
        }
    }

    @Test func aSecondFrameIsNamed() async throws {
        try await withGuest { _, aggregator, guest in
            for _ in 0..<60 where !aggregator.output.contains("expected one frame, found 2") {
                _ = try guest.push.send(frames: [[1, 2], [3]])
                try await Task.sleep(for: .milliseconds(200))
            }
            #expect(aggregator.output.contains("message: expected one frame, found 2"), "\(aggregator.output)")
        }
    }

    @Test(
        arguments: [
            [0xA5, 0xA5, 0xA5],
            ClientCodec.encode(.hello(.init(client: LiveHostileTests.guest, session: 1, sampleCount: 1))),
            ClientCodec.encode(
                .heartbeat(.init(client: LiveHostileTests.guest, session: 1, activity: .idle, task: 0, outstanding: 0))),
        ])
    func whoeverFloodsIsCutOffAndOthersAreServed(message: [UInt8]) async throws {
        try await withGuest { federation, aggregator, guest in
            let worker = try federation.startWorker(0)
            try await federation.updates(reach: 1)
            let end = ContinuousClock.now + .seconds(60)
            while !aggregator.output.contains("cut off who sends too much"), .now < end {
                for _ in 0..<100 { _ = try guest.push.send(message) }
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(aggregator.output.contains("cut off who sends too much"), "\(aggregator.output)")
            #expect(aggregator.output.contains("key=guest"), "\(aggregator.output)")
            let before = try RunInspection(log: federation.run.log).updatesAccepted
            try await federation.updates(reach: before + 4)
            worker.signal(SIGTERM)
            _ = try await worker.exitCode()
        }
    }
}
