import MessageLog
import Testing

/// A closed log that was compressed holds the same to every reader, and no byte of it can change unseen.
@Suite struct CompressionTests {
    /// A log, and the same compressed.
    private func logs(_ scratch: Scratch) throws -> (entries: [Entry], compressed: String) {
        var script = try LogScript(scratch.path("a.mcap"))
        for chunk in 0..<4 {
            for message in 0..<3 {
                let data = [UInt8](repeating: UInt8(chunk * 16 + message), count: 500)
                try script.append(message == 1 ? "events" : "updates", data, logTime: UInt64(100 * chunk + message))
            }
            try script.commit()
        }
        try script.writer.close()
        let target = scratch.path("b.mcap")
        try LogCompressor.write(FileMap(path: scratch.path("a.mcap")), to: LogFile.create(target))
        return (script.entries, target)
    }

    @Test func aCompressedLogHoldsTheSame() throws {
        let scratch = try Scratch()
        let (entries, compressed) = try logs(scratch)
        let (found, end) = try readLog(compressed)
        #expect(found == entries && end == .closed)
        #expect(try readFile(compressed).count * 2 < readFile(scratch.path("a.mcap")).count)
        #expect(try LogCompressor.isCompressed(FileMap(path: compressed)))
        #expect(try !LogCompressor.isCompressed(FileMap(path: scratch.path("a.mcap"))))
        try LogCompressor.write(FileMap(path: compressed), to: LogFile.create(scratch.path("c.mcap")))
        #expect(try readFile(scratch.path("c.mcap")) == readFile(compressed))
    }

    @Test func aCompressedLogIsContinued() throws {
        let scratch = try Scratch()
        let (entries, compressed) = try logs(scratch)
        var script = try LogScript(compressed, mode: .continue)
        try script.append("updates", [1, 2, 3], logTime: 1000)
        try script.writer.close()
        let (found, end) = try readLog(compressed)
        #expect(found == entries + [Entry(topic: "updates", logTime: 1000, data: [1, 2, 3])] && end == .closed)
    }

    @Test func aLogThatWasNotClosedIsNotCompressed() throws {
        let scratch = try Scratch()
        _ = try LogScript.small(scratch.path("a.mcap"), close: false)
        let error = #expect(throws: LogError.self) {
            try LogCompressor.write(FileMap(path: scratch.path("a.mcap")), to: LogFile.create(scratch.path("b.mcap")))
        }
        #expect("\(error!)".contains("expected a log that was closed"))
    }

    @Test func everyFlippedByteIsFound() throws {
        let scratch = try Scratch()
        let (_, compressed) = try logs(scratch)
        let bytes = try readFile(compressed)
        for offset in bytes.indices {
            var changed = bytes
            changed[offset] ^= [0x01, 0x80, 0xFF][offset % 3]
            try writeFile(compressed, changed)
            #expect(throws: LogError.self, "byte \(offset)") { try readLog(compressed) }
        }
    }

    @Test func cutAnywhereItGivesItsFirstMessages() throws {
        let scratch = try Scratch()
        let (entries, compressed) = try logs(scratch)
        let bytes = try readFile(compressed)
        var counts: Set<Int> = []
        for length in bytes.indices {
            try writeFile(compressed, Array(bytes[..<length]))
            let (found, end) = try readLog(compressed)
            #expect(found.elementsEqual(entries.prefix(found.count)) && end != .closed, "cut at \(length)")
            counts.insert(found.count)
        }
        #expect(counts == [0, 3, 6, 9, 12])
    }
}
