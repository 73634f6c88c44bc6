import Federation
import Foundation
import MessageLog
import PromptWire
import RunLog
import TestSupport
import Testing

/// A run's log whose file was cut or changed anywhere is read up to where it is whole, or refused with the position.
@Suite(.serialized) struct LogDamageTests {
    /// From the last byte down to the chunk of the last but one update: whatever a crash leaves, all whole chunks are
    /// read, and the rest is reported as torn.
    @Test func cutAtAnyByteALogGivesAllWholeChunks() throws {
        try withSmallLog { log in
            let whole = try LogLayout(log)
            let start = whole.lastButOneUpdate.start
            var openEnds: Set<Int> = []
            for length in stride(from: whole.size - 1, through: start, by: -1) {
                truncate(log, off_t(length))
                if try isOpen(log, cutAt: length, whole) { openEnds.insert(length) }
            }
            // A log ends well behind each chunk with its index.
            let starts = whole.chunks.map(\.start).filter { $0 >= start }
            #expect(openEnds.isSuperset(of: starts) && openEnds.count == starts.count + 1)
        }
    }

    /// Checks what is read of a log that was cut.
    /// - Returns: whether it ends as one that is still written.
    private func isOpen(_ log: String, cutAt length: Int, _ whole: LogLayout) throws -> Bool {
        let chunks = whole.chunks.prefix { $0.end <= length }
        let (expected, end) = (chunks.last!.lastRecord + 1, chunks.last!.end)
        let scanned = try scan(log)
        #expect(scanned.records == expected, "cut at \(length)")
        if case .tornTail(let offset, let dropped) = scanned.end {
            #expect(Int(offset) >= end && Int(offset + dropped) == length, "cut at \(length)")
        } else {
            #expect(scanned.end == .open, "cut at \(length)")
        }
        // The replay continues to the same position: about each chunk's last byte, and here and there.
        if length < end + 3 || length % 997 == 0 {
            let replay = try Replay(path: log) { step in
                if case .checked(let publication) = step { #expect(publication.isEqual) }
            }
            #expect(replay.records == expected, "cut at \(length)")
        }
        return scanned.end == .open
    }

    /// Every byte of the chunk of an update, in a log that continues behind it.
    @Test func aFlippedByteOfAChunkIsNamed() throws {
        try withSmallLog { log in
            let whole = try LogLayout(log)
            let place = try #require(whole.chunks.firstIndex { $0.holdsUpdate })
            let chunk = whole.chunks[place]
            let bytes = try Data(contentsOf: URL(fileURLWithPath: log))
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: log))
            for offset in chunk.start..<chunk.end {
                try file.seek(toOffset: UInt64(offset))
                try file.write(contentsOf: [bytes[offset] ^ [0x01, 0x80, 0xFF][offset % 3]])
                let error = #expect(throws: LogError.self) {
                    if offset % 97 == 0 { _ = try Replay(path: log) } else { _ = try scan(log) }
                }
                try file.seek(toOffset: UInt64(offset))
                try file.write(contentsOf: [bytes[offset]])
                guard case .damaged(log, let damage) = error else {
                    Issue.record("byte \(offset): \(String(describing: error))")
                    continue
                }
                #expect(damage.chunk == place && (chunk.start..<chunk.end).contains(Int(damage.offset)), "\(damage)")
            }
            #expect(try Data(contentsOf: URL(fileURLWithPath: log)) == bytes)
        }
    }

    /// What no checksum finds: a file whose records were written so. Each record's bytes are changed one after the
    /// other, those of the long ones at many offsets. A tick says nothing that could be wrong.
    @Test(arguments: RunChannel.allCases.filter { ![.tick, .segment].contains($0) }) func aRecordThatTellsNoRunIsNamed(
        channel: RunChannel
    )
        throws
    {
        try withSmallLog { log in
            try addRequests(to: log)
            let records = try LogRecords(log)
            let place = try #require(
                records.all.lastIndex {
                    $0.topic == channel.rawValue && (channel != .received || $0.data.count > 1_000)
                })
            let data = records.all[place].data
            var refused = 0
            for offset in stride(from: 0, to: data.count, by: max(1, data.count / 200)) {
                var changed = records
                changed.all[place].data[offset] ^= [0x01, 0x10, 0x80, 0xFF][offset % 4]
                let copy = log + ".changed"
                try changed.write(to: copy)
                do {
                    _ = try Replay(path: copy)
                } catch {
                    refused += 1
                    let words = "\(error)"
                    #expect(words.contains(copy) && !words.contains("\n"), "byte \(offset): \(words)")
                }
                try FileManager.default.removeItem(atPath: copy)
            }
            #expect(refused > 0)
        }
    }

    /// All records of a log, and how it ends.
    private func scan(_ log: String) throws -> (records: Int, end: LogEnd?) {
        var reader = try LogReader(path: log)
        var records = 0
        while try reader.next() != nil { records += 1 }
        return (records, reader.end)
    }

    /// The log of a small run with small records.
    private func withSmallLog(_ body: (String) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(
                folder, ["run.updates=4", "strategy.name=fedavg", "prompts.feature_whitening=none"])
            try body(run.segment(1))
        }
    }
}

/// Where a log's chunks lie.
private struct LogLayout {
    struct Chunk {
        var start: Int
        var end: Int
        var lastRecord: Int
        var holdsUpdate: Bool
    }

    private(set) var chunks: [Chunk] = []
    let size: Int

    init(_ log: String) throws {
        // A chunk's head: 9 bytes of a record's head and 40 of its own; a message's: 9 and 22.
        var reader = try LogReader(path: log)
        var records = 0
        var previousEnd = 0
        while let message = try reader.next() {
            let end = Int(message.offset) + 31 + message.data.count
            let isUpdate = message.topic == RunChannel.received.rawValue && message.data.count > 1_000
            if message.chunk == chunks.count {
                chunks.append(Chunk(start: previousEnd, end: end, lastRecord: records, holdsUpdate: isUpdate))
            } else {
                chunks[message.chunk].end = end
                chunks[message.chunk].lastRecord = records
                chunks[message.chunk].holdsUpdate = chunks[message.chunk].holdsUpdate || isUpdate
            }
            previousEnd = Int(reader.length)
            records += 1
        }
        size = try Data(contentsOf: URL(fileURLWithPath: log)).count
    }

    var lastButOneUpdate: Chunk { chunks.filter(\.holdsUpdate).dropLast().last! }
}

/// A log's records, to be written again.
private struct LogRecords {
    struct Record {
        var topic: String
        var time: UInt64
        var data: [UInt8]
    }
    var all: [Record] = []

    init(_ log: String) throws {
        var reader = try LogReader(path: log)
        while let message = try reader.next() {
            all.append(Record(topic: message.topic, time: message.logTime, data: message.data.bytes))
        }
    }

    func write(to path: String) throws {
        let log = try LogWriter(path: path, mode: .create)
        for record in all {
            let channel = try log.addChannel(topic: record.topic, schema: .none)
            try log.append(channel: channel, logTime: record.time, data: record.data)
        }
        try log.close()
    }
}
