import Federation
import Foundation
import MessageLog
import PromptAggregation
import PromptWire
import RunLog
import TestSupport
import Testing

/// A run's log in other people's tools: the packages `mcap` and `mcap-protobuf-support` decode every record by the schema
/// that the file holds.
@Suite(.enabled(if: python != nil, "IMPROMPTU_PYTHON names no Python with mcap and mcap-protobuf-support"))
struct LogInteropTests {
    @Test func pythonDecodesEveryRecordByTheSchemaInTheFile() throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(folder, ["run.updates=4", "log.segment_bytes=4096"])
            let files = try run.segments().map(run.segment)
            try addRequests(to: try #require(files.last))
            let expected = try files.flatMap(lines)
            #expect(Set(expected.map { $0.split(separator: " ")[1] }).count == RunChannel.allCases.count)
            #expect(expected.contains { $0.contains(" update ") && $0.contains(" prompts ") })
            let read = try files.flatMap(readInPython)
            #expect(read.count == expected.count)
            for (line, expectation) in zip(read, expected) { #expect(line == expectation) }
        }
    }

    /// What another program made of a log is read and verified like the original; lz4 is refused by name.
    @Test(arguments: ["zstd", "zstd-unchecked", "plain", "plain-unchecked", "unchunked"])
    func aRewrittenLogIsRead(kind: String) throws {
        try withTemporaryFolder { folder in
            let key = LogKey(seed: [UInt8](repeating: 3, count: 32))!
            let run = try ScriptedRun.write(to: folder, ["run.updates=120"], key: key, segmentBytes: 100_000)
            func digests() throws -> [Digest] {
                var digests: [Digest] = []
                _ = try Replay(path: run.path) { if case .checked(let found) = $0 { digests.append(found.replayed) } }
                return digests
            }
            let before = try digests()
            for number in try run.segments() { try rewrite(run.segment(number), kind) }
            #expect(try digests() == before && before.count > 10)
            let found = try LogVerification(log: run.path, trusted: [key.publicKey])
            #expect(found.problem == nil && found.isClosed)
            #expect(throws: LogError.self, "it is not continued") { try RunRecovery(folder: run) }
            try rewrite(run.segment(2), "lz4")
            let refused = #expect(throws: LogError.self) { try Replay(path: run.path) }
            #expect("\(refused!)".contains("compressed with lz4"), "\(refused!)")
        }
    }

    private func rewrite(_ file: String, _ kind: String) throws {
        let (status, _) = try runInPython("rewrite_log.py", [kind, file, file + ".new"])
        try #require(status == 0)
        try FileManager.default.removeItem(atPath: file)
        try FileManager.default.moveItem(atPath: file + ".new", toPath: file)
    }

    /// Segments that were compressed, in other people's tools.
    @Test func pythonReadsCompressedSegments() throws {
        try withTemporaryFolder { folder in
            let run = try ScriptedRun.write(to: folder, ["run.updates=120"], segmentBytes: 100_000)
            let files = try run.segments().dropLast().map { run.segment($0) }
            let before = try files.flatMap(lines)
            for number in try run.segments().dropLast() { #expect(try run.compressSegment(number)) }
            #expect(try !run.compressSegment(1), "once is enough")
            #expect(try files.flatMap(lines) == before && files.flatMap(readInPython) == before)
            #expect(try LogVerification(log: run.path).problem == nil)
        }
    }

    private func lines(of log: String) throws -> [String] {
        var reader = try LogReader(path: log)
        var lines: [String] = []
        while let message = try reader.next() {
            let channel = try #require(RunChannel(rawValue: message.topic))
            let record = try message.data.withUnsafeBytes { try LogCodec.decode($0, on: channel) }
            lines.append("\(message.logTime) \(channel.rawValue) \(channel.schemaName) \(words(record))")
        }
        return lines
    }

    private func words(_ record: LogRecord) -> String {
        switch record {
        case .header(let header):
            let initial = AggregatorCodec.globalPromptsPayload(header.initial!)
            return "\(RunHeader.logFormat) \(header.seed) \(header.program.build) \(Digest(of: initial))"
        case .epoch(let start): return "\(start.epoch) \(start.program.build)"
        case .tick: return "tick"
        case .aggregated(let flush): return "\(flush.version)"
        case .drain(let request): return "\(request.patienceMilliseconds)"
        case .setting(let change): return "\(change.key) \(change.value)"
        case .publication(let publication):
            let digest = Digest(bytes: publication.digest)
            return "\(publication.version) \(digest) \(publication.pool) \(publication.contributions)"
                + " \(publication.updates)"
        case .validation(let validation): return "\(validation.version) \(validation.accuracy)"
        case .checkpoint(let checkpoint):
            return "\(checkpoint.records) \(Digest(bytes: checkpoint.chain)) \(checkpoint.end == .closing)"
        case .segment(let segment):
            let chain = Digest(bytes: segment.chain)
            return "\(segment.number) \(segment.records) \(chain) \(Digest(of: segment.snapshot))"
        case .received(.hello(let hello)): return "hello \(hello.client) \(hello.session)"
        case .received(.heartbeat(let heartbeat)): return "heartbeat \(heartbeat.client) \(heartbeat.session)"
        case .received(.failure(let failure)): return "failure \(failure.client) \(failure.session)"
        case .received(.evaluation(let evaluation)):
            return "evaluation \(evaluation.client) \(evaluation.session)"
        case .received(.fetch(let fetch)): return "fetch \(fetch.client) \(fetch.session)"
        case .received(.presence(let presence)):
            return "presence " + presence.heartbeats.map { "\($0.client) \($0.session)" }.joined(separator: " ")
        case .received(.goodbye(let goodbye)): return "goodbye \(goodbye.client) \(goodbye.session)"
        case .received(.update(let update)):
            let numbers = "\(update.task) \(update.baseVersion) \(update.sampleCount)"
            let tensors = update.parameters.entries.map { entry in
                let bytes = entry.tensor.values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) }
                return
                    "\(entry.name) \(entry.tensor.shape.map(String.init).joined(separator: "x")) \(Digest(of: bytes))"
            }
            return
                (["update \(update.client) \(update.session) \(update.run) \(numbers)"]
                + update.promptIDs.map(String.init) + tensors).joined(separator: " ")
        }
    }

    private func readInPython(_ log: String) throws -> [String] {
        let (status, output) = try runInPython("read_run.py", [log])
        #expect(status == 0)
        return output.split(separator: "\n").map(String.init)
    }
}
