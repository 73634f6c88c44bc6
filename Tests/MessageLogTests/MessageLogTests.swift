import Glibc
import MessageLog
import Testing

@Suite struct MessageLogTests {
    @Test func readsBackWhatWasCommitted() throws {
        let scratch = try Scratch()
        let script = try LogScript.small(scratch.path("a.mcap"), close: false)
        let (entries, end) = try readLog(scratch.path("a.mcap"))
        #expect(entries == script.entries)
        #expect(end == .open)
        #expect(script.writer.messageCount == 9)
    }

    @Test func tellsWhereMessagesLie() throws {
        let scratch = try Scratch()
        _ = try LogScript.small(scratch.path("a.mcap"), close: true)
        let bytes = try readFile(scratch.path("a.mcap"))
        var reader = try LogReader(path: scratch.path("a.mcap"))
        var sequence: UInt32 = 0
        while let message = try reader.next() {
            sequence += 1
            #expect(message.sequence == sequence)
            #expect(message.chunk == Int(sequence - 1) / 3)
            #expect(message.publishTime == message.logTime)
            let start = Int(message.offset)
            #expect(bytes[start] == RecordKind.message.rawValue)
            #expect(Array(bytes[start + 31..<start + 31 + message.data.count]) == message.data.bytes)
        }
        #expect(reader.end == .closed)
        #expect(reader.chunkCount == 3)
        #expect(reader.schemas.map(\.name) == ["test.updates", "test.events"])
        #expect(reader.channels.map(\.topic) == ["updates", "events"])
        #expect(reader.channels[0].metadata == ["a": "1", "b": "2"])
    }

    @Test func aMessageInPiecesIsAsInOne() throws {
        let scratch = try Scratch()
        let data = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        let files = try [false, true].map { isInPieces in
            let path = scratch.path("\(isInPieces).mcap")
            let log = try LogWriter(path: path, mode: .create)
            let channel = try log.addChannel(
                topic: "a", schema: log.addSchema(name: "b", encoding: "protobuf", data: [1]))
            if isInPieces {
                try log.append(channel: channel, logTime: 5, byteCount: data.count) { take in
                    for piece in [data[..<1], data[1..<1], data[1...]] { piece.withUnsafeBytes(take) }
                }
            } else {
                try log.append(channel: channel, logTime: 5, data: data)
            }
            try log.append(channel: channel, logTime: 6, data: [9])
            try log.close()
            return try readFile(path)
        }
        #expect(files[0] == files[1])
    }

    /// A reader gives the memory of what it has read back; who kept a message reads the same bytes from the file again.
    @Test func messagesOfALongLogCanBeReadAgain() throws {
        let scratch = try Scratch()
        let log = try LogWriter(path: scratch.path("a.mcap"), mode: .create)
        let channel = try log.addChannel(
            topic: "a", schema: log.addSchema(name: "b", encoding: "protobuf", data: [1]))
        func data(_ place: Int) -> [UInt8] { [UInt8](repeating: UInt8(place), count: 1_000_001) }
        for place in 0..<50 {
            try log.append(channel: channel, logTime: UInt64(place), data: data(place))
            try log.commit()
        }
        try log.close()
        var reader = try LogReader(path: scratch.path("a.mcap"))
        var messages: [LogMessage] = []
        while let message = try reader.next() { messages.append(message) }
        for message in messages { message.data.giveBack() }
        #expect(messages.map(\.data.bytes) == (0..<50).map(data))
    }

    @Test func aMessageWhosePiecesAreNotItsBytesIsRefused() throws {
        let scratch = try Scratch()
        let log = try LogWriter(path: scratch.path("a.mcap"), mode: .create)
        let channel = try log.addChannel(
            topic: "a", schema: log.addSchema(name: "b", encoding: "protobuf", data: [1]))
        let error = #expect(throws: LogError.self) {
            try log.append(channel: channel, logTime: 5, byteCount: 3) { take in [1, 2].withUnsafeBytes(take) }
        }
        #expect("\(error!)".contains("expected 3 bytes in pieces, found 16"))
        #expect(throws: LogError.self) { try log.commit() }
    }

    @Test func nothingReachesTheFileBeforeACommit() throws {
        let scratch = try Scratch()
        var script = try LogScript(scratch.path("a.mcap"))
        let before = script.writer.committedLength
        try script.append("updates", [1, 2, 3], logTime: 1)
        #expect(script.writer.bufferedBytes > 0)
        #expect(script.writer.committedLength == before)
        #expect(try readLog(scratch.path("a.mcap")).entries.isEmpty)
        try script.commit()
        #expect(script.writer.bufferedBytes == 0)
        #expect(try readLog(scratch.path("a.mcap")).entries == script.entries)
        let length = script.writer.committedLength
        try script.commit()
        #expect(script.writer.committedLength == length, "an empty commit writes nothing")
    }

    @Test(arguments: UInt64(1)...20)
    func randomLogsComeBack(seed: UInt64) throws {
        let scratch = try Scratch()
        var random = SplitMix(state: seed)
        var script = try LogScript(scratch.path("a.mcap"))
        var closedAt = 0
        for _ in 0..<random.below(30) {
            for _ in 0..<random.below(12) {
                let size = random.below(4) == 0 ? random.below(70_000) : random.below(40)
                let data = (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                try script.append("t\(random.below(5))", data, logTime: random.next())
            }
            try script.commit()
            if random.below(6) == 0 {
                try script.writer.close()
                closedAt += 1
                let entries = script.entries
                let continued = try LogScript(scratch.path("a.mcap"), mode: .continue)
                #expect(continued.writer.previousEnd == .closed)
                #expect(continued.writer.messageCount == UInt64(entries.count))
                script = continued
                script.entries = entries
            }
        }
        #expect(try readLog(scratch.path("a.mcap")).entries == script.entries)
        try script.writer.close()
        let (entries, end) = try readLog(scratch.path("a.mcap"))
        #expect(entries == script.entries)
        #expect(end == .closed)
    }

    /// A log that was closed, continued and closed again is the same, byte for byte, as one that was written in one go.
    @Test func continuingLeavesNoTrace() throws {
        let scratch = try Scratch()
        let whole = try LogScript.small(scratch.path("whole.mcap"), close: true)
        var parts = try LogScript(scratch.path("parts.mcap"))
        for (index, entry) in whole.entries.enumerated() {
            try parts.append(entry.topic, entry.data, logTime: entry.logTime)
            guard index % 3 == 2 else { continue }
            try parts.commit()
            try parts.writer.close()
            if index < 8 { parts = try LogScript(scratch.path("parts.mcap"), mode: .createOrContinue) }
        }
        #expect(try readFile(scratch.path("parts.mcap")) == readFile(scratch.path("whole.mcap")))
    }

    @Test func anEmptyLogIsWhole() throws {
        let scratch = try Scratch()
        let writer = try LogWriter(path: scratch.path("a.mcap"), mode: .createOrContinue)
        #expect(writer.previousEnd == nil)
        #expect(try readLog(scratch.path("a.mcap")).end == .open)
        try writer.close()
        #expect(try readLog(scratch.path("a.mcap")).end == .closed)
    }

    @Test func declarationsAloneAreKept() throws {
        let scratch = try Scratch()
        do {
            let writer = try LogWriter(path: scratch.path("a.mcap"), mode: .create)
            let schema = try writer.addSchema(name: "s", encoding: "protobuf", data: [])
            _ = try writer.addChannel(topic: "t", schema: schema)
            try writer.commit()
        }
        var reader = try LogReader(path: scratch.path("a.mcap"))
        #expect(try reader.next() == nil)
        #expect(reader.channels.map(\.topic) == ["t"])
        let writer = try LogWriter(path: scratch.path("a.mcap"), mode: .continue)
        let length = writer.committedLength
        let schema = try writer.addSchema(name: "s", encoding: "protobuf", data: [])
        _ = try writer.addChannel(topic: "t", schema: schema)
        try writer.commit()
        #expect(writer.committedLength == length, "known declarations are not repeated")
    }
}

/// The splitmix64 generator.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
