import Foundation
import MessageLog
import PromptWire
import RunLog
import TestSupport
import Testing

/// What a log's signatures show: each change of a signed log is found, with the record from which on it is another.
@Suite struct LogVerificationTests {
    private static let key = LogKey(seed: [UInt8](repeating: 3, count: 32))!

    @Test func aSignedLogIsWhole() throws {
        try withTemporaryFolder { folder in
            let log = try ScriptedRun.write(to: folder, key: Self.key).segment(1)
            let found = try LogVerification(log: log, trusted: [Self.key.publicKey])
            #expect(found.problem == nil && found.isClosed)
            #expect(found.signedRecords == found.records && found.records > 30)
            #expect(found.checkpoints > 6, "each version has one")
            let other = LogKey(seed: [UInt8](repeating: 4, count: 32))!.publicKey
            let denied = try LogVerification(log: log, trusted: [other])
            #expect(denied.problem?.contains("names the key") == true && denied.signedRecords == 0)
            #expect(try LogVerification(log: log, trusted: [other, Self.key.publicKey]).problem == nil)
        }
    }

    @Test func anUnfinishedLogIsSignedUpToItsLastCheckpoint() throws {
        try withTemporaryFolder { folder in
            let log = try ScriptedRun.write(to: folder, key: Self.key, starts: 2, closes: false).segment(1)
            let found = try LogVerification(log: log, trusted: [Self.key.publicKey])
            #expect(found.problem == nil && !found.isClosed)
            #expect(found.signedRecords > 20 && found.signedRecords <= found.records)
            // Cut off wherever it may be, it is signed up to the last checkpoint that it still has.
            let bytes = try Data(contentsOf: URL(filePath: log))
            var left = found.records
            for length in stride(from: bytes.count - 1, to: bytes.count / 2, by: -997) {
                try bytes.prefix(length).write(to: URL(filePath: log))
                let cut = try LogVerification(log: log, trusted: [Self.key.publicKey])
                #expect(cut.problem == nil && !cut.isClosed)
                #expect(cut.signedRecords <= cut.records && cut.records <= left)
                left = cut.records
            }
            #expect(left < found.records)
        }
    }

    @Test func anEmptiedLogIsNotWhatWasWritten() throws {
        try withTemporaryFolder { folder in
            let log = try ScriptedRun.write(to: folder, key: Self.key).segment(1)
            let magic = try Data(contentsOf: URL(filePath: log)).prefix(8)
            for bytes in [Data(), magic] {
                try bytes.write(to: URL(filePath: log))
                #expect(try LogVerification(log: log).problem?.contains("the log was emptied") == true)
            }
        }
    }

    @Test func aLogWithoutAKeyIsChained() throws {
        try withTemporaryFolder { folder in
            let log = try ScriptedRun.write(to: folder).segment(1)
            let found = try LogVerification(log: log)
            #expect(found.problem == nil && found.isClosed && found.keys.isEmpty)
            #expect(try LogVerification(log: log, trusted: [Self.key.publicKey]).problem?.contains("no key") == true)
        }
    }

    /// All checksums of the file are made again, so only the chain can show it.
    @Test(arguments: LogForgery.allCases) func everyChangeIsFound(_ forgery: LogForgery) throws {
        try withTemporaryFolder { folder in
            let log = try ScriptedRun.write(to: folder, key: Self.key).segment(1)
            let records = try LogForgery.records(of: log)
            var places = 0
            for place in forgery.places(in: records) {
                let changed = folder + "/changed.mcap"
                try forgery.write(records, changedAt: place, to: changed)
                let found = try LogVerification(log: changed, trusted: [Self.key.publicKey])
                #expect(found.problem != nil, "\(forgery) at record \(place)")
                #expect(found.signedRecords <= place, "\(forgery) at record \(place) of \(records.count)")
                try FileManager.default.removeItem(atPath: changed)
                places += 1
            }
            #expect(places > 20)
        }
    }

    @Test func anotherKeyCannotTakeOverInTheMiddle() throws {
        try withTemporaryFolder { folder in
            let log = try ScriptedRun.write(to: folder, key: Self.key, closes: false).segment(1)
            let thief = LogKey(seed: [UInt8](repeating: 9, count: 32))!
            let before = try LogVerification(log: log).signedRecords
            let recovery = try RunRecovery(folder: RunFolder(path: folder))
            var engine = LoggedAggregator(aggregator: recovery.aggregator, log: recovery.log, key: thief)
            try engine.start(epoch: recovery.epoch + 1, at: recovery.lastTime)
            try engine.close()
            for trusted in [[], [Self.key.publicKey]] {
                let found = try LogVerification(log: log, trusted: trusted)
                #expect(found.problem?.contains("names the key") == true)
                #expect(found.signedRecords == before)
            }
            #expect(try LogVerification(log: log, trusted: [Self.key.publicKey, thief.publicKey]).problem == nil)
        }
    }

    @Test(.enabled(if: python != nil, "IMPROMPTU_PYTHON names no Python with mcap and mcap-protobuf-support"))
    func aVerifierInPythonAgrees() throws {
        try withTemporaryFolder { folder in
            let log = try ScriptedRun.write(to: folder, key: Self.key, starts: 2).segment(1)
            let publicKey = folder + "/log.public"
            try (Self.key.publicKey.map { String(format: "%02x", $0) }.joined() + "\n").write(
                toFile: publicKey, atomically: true, encoding: .utf8)
            try expectAgreement(on: log, publicKey)
            let records = try LogForgery.records(of: log)
            for forgery in LogForgery.allCases {
                let places = Array(forgery.places(in: records))
                for place in [places[1], places[places.count / 2], places[places.count - 1]] {
                    let changed = folder + "/changed.mcap"
                    try forgery.write(records, changedAt: place, to: changed)
                    try expectAgreement(on: changed, publicKey)
                    try FileManager.default.removeItem(atPath: changed)
                }
            }
            let open = try ScriptedRun.write(to: folder + "/open", key: Self.key, closes: false).segment(1)
            try expectAgreement(on: open, publicKey)
            try expectAgreementOnSegments(in: folder + "/segments", publicKey)
        }
    }

    private func expectAgreementOnSegments(in folder: String, _ publicKey: String) throws {
        let run = try ScriptedRun.write(to: folder, ["run.updates=120"], key: Self.key, segmentBytes: 100_000)
        try expectAgreement(on: run.path, publicKey)
        let file = run.segment(2)
        let records = try LogForgery.records(of: file)
        for forgery in LogForgery.allCases {
            try FileManager.default.removeItem(atPath: file)
            try forgery.write(records, changedAt: forgery.places(in: records)[0], to: file)
            try expectAgreement(on: run.path, publicKey)
        }
        // What is left of a log whose first segments were removed.
        for number in 1...2 { try FileManager.default.removeItem(atPath: run.segment(number)) }
        try expectAgreement(on: run.path, publicKey)
        let segments = try run.segments()
        try FileManager.default.removeItem(atPath: run.segment(segments[segments.count - 1]))
        try expectAgreement(on: run.path, publicKey)
    }
}

/// What Python says of a log is what is said here.
func expectAgreement(on log: String, _ publicKey: String) throws {
    let trusted = LogKey(seed: [UInt8](repeating: 3, count: 32))!.publicKey
    let found = try LogVerification(log: log, trusted: [trusted])
    let said = try runInPython("verify_log.py", [log, publicKey]).output
    let verdict = found.problem != nil ? "changed" : found.isClosed ? "whole" : "unfinished"
    #expect(said.hasPrefix("\(verdict) \(found.signedRecords)"), "\(said) of \(found)")
}

/// A change of a log after which the file is a sound MCAP file all the same.
enum LogForgery: CaseIterable {
    case flip, cut, reorder, replace, insert, retime

    struct Record: Hashable {
        var topic: String
        var time: UInt64
        var data: [UInt8]
    }

    static func records(of log: String) throws -> [Record] {
        var reader = try LogReader(path: log)
        var records: [Record] = []
        while let message = try reader.next() {
            records.append(Record(topic: message.topic, time: message.logTime, data: message.data.bytes))
        }
        return records
    }

    /// The records at which it makes a difference.
    func places(in records: [Record]) -> [Int] {
        switch self {
        case .flip, .retime, .replace: Array(records.indices)
        case .cut, .insert: Array(records.indices.dropFirst())
        case .reorder: records.indices.dropLast().filter { records[$0] != records[$0 + 1] }
        }
    }

    /// Writes the changed log.
    func write(_ original: [Record], changedAt place: Int, to path: String) throws {
        var records = original
        switch self {
        case .flip:
            let byte = records[place].data.count / 2
            if records[place].data.isEmpty { records[place].data = [0] } else { records[place].data[byte] ^= 1 }
        case .cut: records.removeSubrange(place...)
        case .reorder: records.swapAt(place, place + 1)
        case .replace: records[place] = Record(topic: "/tick", time: records[place].time, data: [0x50, 1])
        case .insert: records.insert(records[place - 1], at: place)
        case .retime: records[place].time += 1
        }
        try Self.write(records, to: path)
    }

    static func write(_ records: [Record], to path: String) throws {
        let writer = try LogWriter(path: path, mode: .create, syncs: false)
        for record in records {
            let name = RunChannel(rawValue: record.topic)!.schemaName
            let schema = try writer.addSchema(name: name, encoding: "protobuf", data: LogCodec.schema)
            let channel = try writer.addChannel(topic: record.topic, schema: schema)
            try writer.append(channel: channel, logTime: record.time, data: record.data)
        }
        try writer.close()
    }
}
