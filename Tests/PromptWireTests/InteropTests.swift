import Federation
import Foundation
import PromptAggregation
import PromptWire
import Testing

/// Our bytes against those of Google's protobuf in Python.
@Suite(
    .enabled(
        if: ProcessInfo.processInfo.environment["IMPROMPTU_PYTHON"] != nil,
        "IMPROMPTU_PYTHON names no Python with protobuf, numpy and pyzmq; 'Deploy/setup --test' makes one in .venv"))
struct InteropTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "impromptu-wire-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder.appending(path: "in"), withIntermediateDirectories: true)
    }

    @Test func pythonReadsAndWritesTheSameBytes() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let written = try writeMessages()
        try runPython("wire.py")
        for (name, bytes) in written { #expect(try read("out/\(name)") == bytes) }
        try checkMadeByPython()
    }

    @Test func theClientOfTheDocumentationKeepsToTheExchange() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try runPython("documented_client.py")
    }

    private func writeMessages() throws -> [(String, [UInt8])] {
        var messages = RandomMessages(seed: 42)
        var files: [(String, [UInt8])] = []
        let program = Program(build: "1.0", kernels: "portable", algorithm: 1)
        for turn in 0..<200 {
            let prompts = messages.globalPrompts()
            let header = RunHeader(
                configurationYAML: "seed: 1\n# größer\n", seed: messages.random.next(), program: program, run: 3,
                initial: prompts, model: messages.model())
            let publication = Publication(
                version: prompts.version, digest: [UInt8](repeating: 7, count: 32), pool: 3, contributions: 2,
                updates: turn)
            files += [
                ("ClientEnvelope-\(turn).bin", ClientCodec.encode(messages.clientMessage())),
                (
                    "AggregatorEnvelope-\(turn).bin",
                    AggregatorCodec.encode(
                        messages.aggregatorMessage(), from: Origin(run: messages.random.next(), epoch: 1))
                ),
                ("GlobalPrompts-\(turn).bin", AggregatorCodec.globalPromptsPayload(prompts)),
                ("RunHeader-\(turn).bin", LogCodec.encode(header)),
                ("Publication-\(turn).bin", LogCodec.encode(publication)),
                ("Tick-\(turn).bin", LogCodec.encode(Tick(heard: [turn..<turn + 2, 300..<900]))),
                ("FlushAggregated-\(turn).bin", LogCodec.encode(FlushAggregated(version: turn))),
                ("DrainRequested-\(turn).bin", LogCodec.encode(DrainRequested(patienceMilliseconds: turn))),
                (
                    "EpochStarted-\(turn).bin",
                    LogCodec.encode(EpochStarted(epoch: UInt64(turn) + 1, program: program))
                ),
            ]
        }
        for (name, bytes) in files { try Data(bytes).write(to: folder.appending(path: "in/\(name)")) }
        try Data(LogCodec.schema).write(to: folder.appending(path: "schema.bin"))
        return files
    }

    private func runPython(_ name: String) throws {
        let python = try #require(ProcessInfo.processInfo.environment["IMPROMPTU_PYTHON"])
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Interop/\(name)")
        let process = Process()
        process.executableURL = URL(filePath: python)
        process.arguments = [script.path(), folder.path()]
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(name) failed: \(said)")
    }

    private func read(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: folder.appending(path: name))) }

    /// What `made` in wire.py builds.
    private func checkMadeByPython() throws {
        let client = ClientID("client-1")
        let session = UInt64.max
        let update = Parameters([
            (Parameters.headBias, Tensor(shape: [3], values: [1, 2, 3])),
            (Parameters.prompts, Tensor(shape: [2, 3], values: [0, 0.25, 0.5, 0.75, 1, 1.25])),
        ])
        let model = ModelSpecification(fields: [.init("classes[0]", "Käse"), .init("encoder", "00ff")], digest: "0a")
        try check("hello", .hello(.init(client: client, session: session, sampleCount: 500, model: model)))
        try check(
            "update",
            .update(
                .init(
                    client: client, session: session, run: 1 << 63, task: 17, baseVersion: 9, sampleCount: 500,
                    parameters: update, promptIDs: [8, 1 << 40], metrics: [Metric(name: "loss", value: 0.1)])))
        try check(
            "half-update",
            .update(
                .init(
                    client: client, session: session, run: 1, task: 1, baseVersion: 0, sampleCount: 1,
                    parameters: Parameters([(Parameters.prompts, Tensor(shape: [1, 2], values: [0.5, -65504]))]),
                    promptIDs: [8], metrics: [], precision: .float16)))
        try check(
            "failure", .failure(.init(client: client, session: session, task: 17, reason: "kein Bild – nirgends")))
        try check("fetch", .fetch(.init(client: client, session: session, holding: -1)))
        try check(
            "heartbeat",
            .heartbeat(.init(client: client, session: session, activity: .training, task: 17, outstanding: 1)))
        try check("goodbye", .goodbye(.init(client: client, session: session)))

        try check(
            "welcome",
            .welcome(
                .init(
                    client: client, session: session, version: 10, heartbeatMilliseconds: 2_000, precision: .float16,
                    modelDigest: "0a")))
        try check(
            "task",
            .task(.init(client: client, session: session, number: 18, version: 10, seed: 123_456_789, plan: plan)))
        try check(
            "prompts",
            .prompts(
                .init(
                    version: 10,
                    changed: PromptState(
                        parameters: Parameters([(Parameters.prompts, Tensor(zeros: [0, 4]))]), promptIDs: []),
                    unchanged: [.init(name: Parameters.headBias, since: 4)])))
        try check("ack", .ack(.init(client: client, task: 17)))
        try check(
            "reject",
            .reject(.init(client: client, run: 1 << 63, task: 4, code: .tooStale, reason: "zu alt – erwartet 5")))
        try check(
            "refuse", .refuse(.init(client: client, session: session, code: .fenced, reason: "ein anderer ist da")))
        try check("say_hello", .sayHello(.init(client: client, session: session)))
        try check("malformed", .malformed(.init(client: client, reason: "update.task: expected at least 1, found 0")))
        try check(
            "beacon",
            .beacon(
                .init(
                    phase: .finished, version: 10, updates: 100, lateUpdates: 40, clientsAlive: 3, inFlight: 2,
                    buffered: 1, pool: 12, metrics: [Metric(name: "accuracy", value: 0.75)])))
    }

    private static let origin = Origin(run: 1 << 63, epoch: 7)

    private var plan: TrainingPlan {
        var plan = TrainingPlan()
        plan.epochs = 2
        plan.maximumSteps = 50
        plan.batchSize = 8
        plan.optimizer = .sgd
        plan.promptLearningRate = 0.01
        plan.headLearningRate = 0.02
        plan.momentum = 0.8
        plan.secondMomentDecay = 0.99
        plan.weightDecay = 1e-4
        plan.gradientClip = 1
        plan.promptsPerBatch = 4
        plan.similarityWeight = 0.5
        plan.proximalWeight = 1e-3
        plan.logitAdjustment = 1
        plan.classBalance = 0.75
        plan.headDropout = 0.5
        plan.personal = .head
        plan.controlVariates = true
        plan.classMeans = true
        plan.generatorRate = 0.25
        plan.firstBlock = 6
        return plan
    }

    private func check(_ name: String, _ expected: ClientMessage) throws {
        let bytes = try read("made/\(name).bin")
        #expect(try ClientCodec.decode(bytes) == expected)
        #expect(ClientCodec.encode(expected) == bytes)
    }

    private func check(_ name: String, _ expected: AggregatorMessage) throws {
        let bytes = try read("made/\(name).bin")
        #expect(try AggregatorCodec.decode(bytes) == AggregatorEnvelope(origin: Self.origin, message: expected))
        #expect(AggregatorCodec.encode(expected, from: Self.origin) == bytes)
    }
}
