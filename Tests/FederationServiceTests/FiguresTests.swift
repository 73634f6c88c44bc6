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
import TestSupport
import Testing
import ZeroMQTransport

/// The files for observers, which may lie on a disk that takes its time.
@Suite struct FiguresTests {
    private static let updates: UInt64 = 3

    @Test func aStalledWriterOfFiguresHoldsUpNoAcknowledgement() async throws {
        try await inTemporaryFolder { path in
            let folder = RunFolder(path: path + "/run")
            let gate = DispatchSemaphore(value: 0)
            let files = FiguresQueue { Issue.record("cannot write: \($0)") }
            files.append { gate.wait() }
            let service = try AggregatorService(
                configuration: Self.configuration(), folder: folder,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, progress: nil, health: nil,
                stays: false, watch: nil, figureFiles: files, atEnd: { _ in })
            async let running: Void = service.run()
            let acknowledged: UInt64
            do {
                acknowledged = try await Self.onThread { try Self.takePart(in: folder) }
            } catch {
                gate.signal()
                throw error
            }
            #expect(acknowledged == Self.updates)
            #expect(try Self.rows(folder.metrics) == 0 && !FileManager.default.fileExists(atPath: folder.prompts))
            gate.signal()
            try await running
            #expect(try Self.rows(folder.metrics) == Int(Self.updates))
            let metadata = try Data(contentsOf: URL(fileURLWithPath: folder.prompts)).prefix(2000)
            let header = String(decoding: metadata, as: UTF8.self)
            #expect(header.contains("\"version\":\"\(Self.updates)\""), "\(header)")
        }
    }

    @Test(.timeLimit(.minutes(1))) func anAggregatorWhoseTaskIsCancelledClosesItsLog() async throws {
        try await inTemporaryFolder { path in
            let folder = RunFolder(path: path + "/run")
            let service = try AggregatorService(
                configuration: Self.configuration(), folder: folder,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, progress: nil)
            let running = Task { try await service.run() }
            while try folder.rendezvous() == nil { try await Task.sleep(for: .milliseconds(20)) }
            running.cancel()
            try await running.value
            // Another may continue it: the log is in order, and no process holds it.
            let next = try AggregatorService(
                configuration: Self.configuration(), folder: folder,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, progress: nil)
            let again = Task { try await next.run() }
            again.cancel()
            try await again.value
            #expect(try Replay(path: folder.log).aggregator != nil)
        }
    }

    @Test func theNewestOfASlotIsWrittenAlone() {
        let gate = DispatchSemaphore(value: 0)
        let files = FiguresQueue { _ in }
        let written = Written()
        files.append { gate.wait() }
        for number in 1...3 {
            files.replace(.prompts) { written.add("prompts \(number)") }
            files.append { written.add("row \(number)") }
        }
        gate.signal()
        files.finish()
        #expect(written.words == ["prompts 3", "row 1", "row 2", "row 3"])
    }

    private static func configuration() throws -> RunConfiguration {
        try RunConfiguration.load(
            base: """
                endpoints: {updates: 'tcp://127.0.0.1:*', prompts: 'tcp://127.0.0.1:*'}
                run: {updates: \(updates)}
                federation: {mode: buffered, buffer_size: 1, clients_to_start: 1}
                strategy: {name: fedbuff}
                prompts: {pool: 3}
                evaluation: {interval_seconds: 0}
                data: {clients: 1}
                """, files: [], environment: [:], assignments: [])
    }

    private static func rows(_ table: String) throws -> Int {
        try String(contentsOfFile: table, encoding: .utf8).split(separator: "\n").count - 1
    }

    private static func onThread<Outcome: Sendable>(
        _ body: @escaping @Sendable () throws -> Outcome
    ) async throws -> Outcome {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
        }
    }

    /// A client that answers every task with the state that it was given.
    /// - Returns: how many of its updates were acknowledged.
    private static func takePart(in folder: RunFolder) throws -> UInt64 {
        let deadline = ContinuousClock.now + .seconds(60)
        var endpoints: RunConfiguration.Endpoints?
        while endpoints == nil {
            guard .now < deadline else { throw POSIXError(.ETIMEDOUT) }
            if case .open(let found, _) = try folder.rendezvous() { endpoints = found }
        }
        let client = ClientID("client-00")
        let context = try Context()
        let push = try Socket<Push>(context, options: WorkerLinks.options)
        let subscriber = try Socket<Sub>(context, options: WorkerLinks.options)
        try subscriber.subscribe(Topic.client(client).bytes)
        try subscriber.subscribe(Topic.all.bytes)
        try push.connect(endpoints!.updates)
        try subscriber.connect(endpoints!.prompts)
        func send(_ message: ClientMessage) throws {
            while try !push.send(ClientCodec.encode(message)) {}
        }
        let hello = ClientMessage.Hello(client: client, session: 1, sampleCount: 100)
        var newest: AggregatorMessage.GlobalPrompts?
        var task: AggregatorMessage.Task?
        var acknowledged: UInt64 = 0
        while true {
            guard .now < deadline else { throw POSIXError(.ETIMEDOUT) }
            guard let arrived = try subscriber.receive(within: .milliseconds(300)) else {
                try send(.hello(hello))
                continue
            }
            let envelope = try arrived.payload.withUnsafeBytes { bytes throws(WireError) in
                try AggregatorCodec.decode(bytes)
            }
            switch envelope.message {
            case .prompts(let prompts): newest = prompts.completed(by: newest) ?? newest
            case .welcome: try send(.fetch(.init(client: client, session: 1, holding: -1)))
            case .task(let order): task = order
            case .ack:
                acknowledged += 1
                guard acknowledged >= updates else { break }
                try send(.goodbye(.init(client: client, session: 1)))
                return acknowledged
            default: break
            }
            guard let order = task, let base = newest, base.version >= order.version else { continue }
            task = nil
            try send(
                .update(
                    .init(
                        client: client, session: 1, run: envelope.origin.run, task: order.number,
                        baseVersion: base.version, sampleCount: 100, parameters: base.state.parameters,
                        promptIDs: base.state.promptIDs,
                        metrics: [])))
        }
    }
}

/// What a queue has done, in order.
private final class Written: @unchecked Sendable {
    private let lock = NSLock()
    private var lines: [String] = []
    var words: [String] { lock.withLock { lines } }
    func add(_ line: String) { lock.withLock { lines.append(line) } }
}
