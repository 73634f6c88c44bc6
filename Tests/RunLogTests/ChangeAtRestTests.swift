import Federation
import Foundation
import MessageLog
import PromptWire
import RunLog
import RunSettings
import TestSupport
import Testing

/// Settings that are changed while no aggregator is at work.
@Suite struct ChangeAtRestTests {
    private static let key = LogKey(seed: [UInt8](repeating: 3, count: 32))!

    /// How a file of a log ends, and its records.
    private func end(of file: String) throws -> (end: LogEnd?, records: Int) {
        var reader = try LogReader(path: file)
        var records = 0
        while try reader.next() != nil { records += 1 }
        return (reader.end, records)
    }

    @Test func aClosedLogIsClosedBehindTheChange() throws {
        try withTemporaryFolder { folder in
            let run = try ScriptedRun.write(to: folder, key: Self.key)
            let before = try end(of: run.segment(1))
            let changed = try #require(try run.change([.init(key: "run.updates", value: "20")]))
            #expect(!changed.isFinished && changed.updates == 12)
            let after = try end(of: run.segment(1))
            #expect(after.end == .closed && after.records == before.records + 1)
            let found = try LogVerification(log: run.path, trusted: [Self.key.publicKey])
            #expect(found.problem == nil && !found.isClosed)
            #expect(found.signedRecords == before.records && found.records == after.records)
            let recovery = try RunRecovery(folder: run)
            #expect(recovery.configuration.federation.stop.updates == 20 && !recovery.isOver)
        }
    }

    @Test func theEndIsNotMovedToWhereTheRunHasBeen() throws {
        try withTemporaryFolder { folder in
            let run = try ScriptedRun.write(to: folder, key: Self.key)
            let before = try Data(contentsOf: URL(fileURLWithPath: run.segment(1)))
            #expect(
                throws: ConfigurationError(
                    "run.updates: expected 0, or at least the 12 updates that the run has, found 11")
            ) { try run.change([.init(key: "run.updates", value: "11")], extends: true) }
            let error = #expect(throws: ConfigurationError.self) {
                try run.change([.init(key: "run.versions", value: "1")], extends: true)
            }
            #expect(error?.description.hasPrefix("run.versions: expected 0, or at least the ") == true)
            #expect(try Data(contentsOf: URL(fileURLWithPath: run.segment(1))) == before)
        }
    }

    /// A recovery reads the last segment alone.
    @Test func aLogThatNobodyCanReadIsLeftAsItIs() throws {
        try withTemporaryFolder { folder in
            let run = try ScriptedRun.write(to: folder, ["run.updates=120"], key: Self.key, segmentBytes: 100_000)
            let last = try #require(try run.segments().last)
            #expect(last > 2)
            try FileManager.default.removeItem(atPath: run.segment(1))
            try FileManager.default.copyItem(atPath: run.segment(last), toPath: run.segment(1))
            let before = try Data(contentsOf: URL(fileURLWithPath: run.segment(last)))
            let error = #expect(throws: ReplayError.self) {
                try run.change([.init(key: "run.updates", value: "200")])
            }
            #expect(error?.description.contains(run.segment(1)) == true, "\(String(describing: error))")
            #expect(try Data(contentsOf: URL(fileURLWithPath: run.segment(last))) == before)
        }
    }

    /// Its clients have not heard of the end, so its next start is not to take it for one that has nothing left to say.
    @Test func aLogThatWasCutShortStaysOpen() throws {
        try withTemporaryFolder { folder in
            let run = try ScriptedRun.write(to: folder, key: Self.key, closes: false)
            _ = try run.change([.init(key: "federation.buffer_size", value: "3")])
            #expect(try end(of: run.segment(1)).end == .open)
            #expect(try !RunRecovery(folder: run).isOver)
        }
    }

    @Test(.enabled(if: python != nil, "IMPROMPTU_PYTHON names no Python with mcap and mcap-protobuf-support"))
    func pythonSeeksInTheLogAndVerifiesIt() throws {
        try withTemporaryFolder { folder in
            let run = try ScriptedRun.write(to: folder, key: Self.key)
            _ = try run.change([.init(key: "run.updates", value: "20")])
            let records = try end(of: run.segment(1)).records
            let (status, output) = try runInPython("read_log.py", ["seek", run.segment(1)])
            #expect(status == 0 && output.hasPrefix("summary \(records) "), "\(output)")
            #expect(output.contains("messages \(records)\n") && output.contains("/setting"), "\(output)")
            let publicKey = folder + "/log.public"
            try Self.key.publicKey.map { String(format: "%02x", $0) }.joined()
                .write(toFile: publicKey, atomically: true, encoding: .utf8)
            try expectAgreement(on: run.path, publicKey)
        }
    }
}
