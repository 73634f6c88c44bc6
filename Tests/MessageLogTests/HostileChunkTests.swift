import MessageLog
import Testing

/// Chunks whose checksum is right and whose content is not.
@Suite struct HostileChunkTests {
    /// Appends a chunk around the given inner records to an empty log and reads it.
    private func read(_ records: [UInt8], head change: (inout [UInt8]) -> Void = { _ in }) throws -> LogError? {
        let scratch = try Scratch()
        let path = scratch.path("a.mcap")
        _ = try LogWriter(path: path, mode: .create)
        var head: [UInt8] = [RecordKind.chunk.rawValue]
        head += little(UInt64(records.count + 40))
        head += little(UInt64(0)) + little(UInt64(0))
        head += little(UInt64(records.count))
        head += little(checksum(records))
        head += little(UInt32(0))
        head += little(UInt64(records.count))
        change(&head)
        try writeFile(path, readFile(path) + head + records)
        do throws(LogError) {
            _ = try readLog(path)
            return nil
        } catch {
            return error
        }
    }

    /// CRC32, bit by bit, as the standard defines it.
    private func checksum(_ bytes: [UInt8]) -> UInt32 {
        var register = UInt32.max
        for byte in bytes {
            register ^= UInt32(byte)
            for _ in 0..<8 { register = register & 1 == 1 ? register >> 1 ^ 0xEDB8_8320 : register >> 1 }
        }
        return ~register
    }

    private func little(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    private func record(_ kind: RecordKind, _ content: [UInt8]) -> [UInt8] {
        [kind.rawValue] + little(UInt64(content.count)) + content
    }

    private func text(_ string: String) -> [UInt8] { little(UInt32(string.utf8.count)) + Array(string.utf8) }

    private func message(channel: UInt16, sequence: UInt32) -> [UInt8] {
        record(.message, little(channel) + little(sequence) + little(UInt64(0)) + little(UInt64(0)))
    }

    private func channel(_ id: UInt16, schema: UInt16 = 0, metadata: [UInt8] = []) -> [UInt8] {
        let pairs = little(UInt32(metadata.count)) + metadata
        return record(.channel, little(id) + little(schema) + text("t") + text("protobuf") + pairs)
    }

    @Test func aWellFormedChunkIsRead() throws {
        // Its index is missing, so the log counts as torn, which is no error.
        #expect(try read(channel(1) + message(channel: 1, sequence: 1)) == nil)
    }

    @Test func malformedRecordsAreNamed() throws {
        func expect(_ fragment: String, _ records: [UInt8], _ place: SourceLocation = #_sourceLocation) throws {
            let error = try #require(try read(records), sourceLocation: place)
            #expect(error.description.contains(fragment), "\(error)", sourceLocation: place)
        }
        try expect("ends within a record's head", [5, 1, 0])
        try expect("a record of \(UInt64.max) bytes", [5] + little(UInt64.max))
        try expect("a record of 1 bytes has only 0 left", [5] + little(UInt64(1)))
        try expect("too few for its head", record(.message, [1, 0]))
        try expect("channel 1 was never declared", message(channel: 1, sequence: 1))
        try expect("channel 0 was never declared", channel(1) + message(channel: 0, sequence: 1))
        try expect("expected the sequence number 1, found 2", channel(1) + message(channel: 1, sequence: 2))
        try expect("schema 3 was never declared", channel(1, schema: 3))
        try expect("its id 2 is not the next one", channel(2))
        try expect("its id 1 is not the next one", channel(1) + channel(1))
        try expect("no records that begin with the byte 6", record(.chunk, []))
        try expect("no records that begin with the byte 0", record(.header, []).map { _ in 0 })
        try expect("(channel) of chunk 0", channel(1, metadata: [1, 2, 3]))
        try expect("(channel) of chunk 0", channel(1, metadata: text("a") + text("b") + text("a") + text("c")))
        try expect("(channel) of chunk 0", record(.channel, []))
        try expect("(schema) of chunk 0", record(.schema, little(UInt16(1)) + little(UInt32.max)))
        try expect("(schema) of chunk 0", record(.schema, little(UInt16(1)) + little(UInt32(1)) + [0xFF]))
    }

    @Test func contradictingHeadsAreNoChunks() throws {
        let records = channel(1) + message(channel: 1, sequence: 1)
        #expect(try read(records) { $0[9] = 1 }?.description.contains("its times") == true)
        // Nothing whole follows, so these count as torn.
        #expect(try read(records) { $0.replaceSubrange(1..<9, with: [UInt8](repeating: 0xFF, count: 8)) } == nil)
        #expect(try read(records) { $0.replaceSubrange(25..<33, with: [UInt8](repeating: 0xFF, count: 8)) } == nil)
        #expect(try read([]) == nil)
    }
}
