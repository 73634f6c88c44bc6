import MessageLog
import Testing

/// A log of more chunks than one piece of its closing section lists.
@Suite struct LongLogTests {
    private static let chunks = 2500

    /// Chunks with messages on some of four topics and times that step back now and then; every hundredth one only declares.
    private func write(_ path: String) throws -> LogScript {
        var random = SplitMix(state: 7)
        var script = try LogScript(path)
        for chunk in 0..<Self.chunks {
            if chunk % 100 == 50 {
                _ = try script.writer.addSchema(name: "test.\(chunk)", encoding: "protobuf", data: [])
            } else {
                for _ in 0...random.below(4) {
                    let time = random.below(20) == 0 ? random.next() : UInt64(1000 * chunk + random.below(2000))
                    try script.append("topic\(random.below(4))", [UInt8(chunk & 0xFF)], logTime: time)
                }
            }
            try script.commit()
        }
        return script
    }

    /// What the summary lists is worked out here from the records before it.
    @Test(arguments: [false, true]) func theSummaryListsEveryChunk(compressed: Bool) throws {
        let scratch = try Scratch()
        let script = try write(scratch.path("a.mcap"))
        try script.writer.close()
        if compressed {
            try LogCompressor.write(
                FileMap(path: scratch.path("a.mcap")), to: LogFile.create(scratch.path("b.mcap")))
        }
        let path = scratch.path(compressed ? "b.mcap" : "a.mcap")
        let (entries, end) = try readLog(path)
        #expect(entries == script.entries && end == .closed)
        let bytes = try readFile(path)
        let records = TopRecord.all(in: bytes)
        let listed = records.filter { $0.kind == .chunkIndex }.map { Array(bytes[$0.content]) }
        let expected = records.indices.filter { records[$0].kind == .chunk }.map { place in
            let indexes = records[(place + 1)...].prefix { $0.kind == .messageIndex }
            return chunkIndex(of: records[place], followedBy: Array(indexes), in: bytes)
        }
        #expect(expected.count == Self.chunks)
        #expect(listed == expected)

        let offset = try #require(
            records.first {
                $0.kind == .summaryOffset && bytes[$0.content.lowerBound] == RecordKind.chunkIndex.rawValue
            })
        let group = records.filter { $0.kind == .chunkIndex }
        #expect(integer(bytes, offset.content.lowerBound + 1) == UInt64(group.first!.start))
        #expect(integer(bytes, offset.content.lowerBound + 9) == UInt64(group.last!.end - group.first!.start))
        #expect(records.count { $0.kind == .summaryOffset } == 4)
    }

    /// The content of a chunk index record: times, position, size, positions of the message indexes, sizes.
    private func chunkIndex(of chunk: TopRecord, followedBy indexes: [TopRecord], in bytes: [UInt8]) -> [UInt8] {
        let head = chunk.content.lowerBound
        var content = Array(bytes[head..<head + 16])
        content += little(UInt64(chunk.start), 8) + little(UInt64(chunk.end - chunk.start), 8)
        content += little(UInt64(10 * indexes.count), 4)
        for index in indexes {
            content += bytes[index.content.lowerBound..<index.content.lowerBound + 2] + little(UInt64(index.start), 8)
        }
        content += little(UInt64((indexes.last?.end ?? chunk.end) - chunk.end), 8)
        let nameSize = Int(bytes[head + 28])
        content += bytes[head + 28..<head + 32 + nameSize + 8]
        return content + bytes[head + 16..<head + 24]
    }

    /// Cut or flipped anywhere behind the chunks, and the report names the record.
    @Test func whatIsTornOrFlippedInTheClosingSectionIsFound() throws {
        let scratch = try Scratch()
        let script = try write(scratch.path("a.mcap"))
        try script.writer.close()
        let bytes = try readFile(scratch.path("a.mcap"))
        let records = TopRecord.all(in: bytes)
        let dataEnd = try #require(records.first { $0.kind == .dataEnd }).start
        var random = SplitMix(state: 3)
        let path = scratch.path("changed.mcap")
        let places = (0..<60).map { _ in dataEnd + 1 + random.below(bytes.count - dataEnd - 1) }
        for place in places + [dataEnd + 1, bytes.count - 1] {
            try writeFile(path, Array(bytes[..<place]))
            #expect(
                try readLog(path).end == .tornTail(atOffset: UInt64(dataEnd), droppedBytes: UInt64(place - dataEnd)))

            var flipped = bytes
            flipped[place] ^= 0x20
            try writeFile(path, flipped)
            let error = #expect(throws: LogError.self) { try readLog(path) }
            guard case .damaged(_, let damage) = error else {
                Issue.record("byte \(place): \(String(describing: error))")
                continue
            }
            let number = records.firstIndex { place < $0.end }
            #expect(damage.offset == UInt64(place) && damage.record == number ?? records.count)
            #expect(damage.kind == number.map { records[$0].kind } ?? .trailingMagic)
        }
        try writeFile(path, Array(bytes[..<places[0]]))
        try LogWriter(path: path, mode: .continue).close()
        #expect(try readFile(path) == bytes)
    }
}

/// A record at the top level of a file.
private struct TopRecord {
    var kind: RecordKind
    var start: Int
    var content: Range<Int>
    var end: Int { content.upperBound }

    static func all(in bytes: [UInt8]) -> [TopRecord] {
        var records: [TopRecord] = []
        var start = 8
        while start < bytes.count - 8, let kind = RecordKind(rawValue: bytes[start]) {
            let content = start + 9..<start + 9 + Int(integer(bytes, start + 1))
            records.append(TopRecord(kind: kind, start: start, content: content))
            start = content.upperBound
        }
        return records
    }
}

private func integer(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
    (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << (8 * $1) }
}

private func little(_ value: UInt64, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}
