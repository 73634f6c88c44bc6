import Glibc
import MessageLog
import Testing

@Suite struct FileTests {
    @Test func creatingOverAFileFails() throws {
        let scratch = try Scratch(onDisk: true)
        let path = scratch.path("a.mcap")
        try writeFile(path, [1])
        #expect(throws: LogError.exists(path: path)) { try LogWriter(path: path, mode: .create) }
        #expect(try readFile(path) == [1])
    }

    @Test func aMissingLogIsReported() throws {
        let scratch = try Scratch(onDisk: true)
        let path = scratch.path("none.mcap")
        #expect(throws: LogError.missing(path: path)) { try LogWriter(path: path, mode: .continue) }
        #expect(throws: LogError.missing(path: path)) { try readLog(path) }
        let nowhere = "\(scratch.directory)/none/a.mcap"
        let error = #expect(throws: LogError.self) { try LogWriter(path: nowhere, mode: .create) }
        #expect(error?.description == "cannot create the log \(nowhere): No such file or directory (errno 2)")
    }

    @Test func aFileIsNoDirectory() throws {
        let scratch = try Scratch(onDisk: true)
        try writeFile(scratch.path("file"), [1])
        let path = scratch.path("file/a.mcap")
        let error = #expect(throws: LogError.self) { try LogWriter(path: path, mode: .createOrContinue) }
        #expect(error?.description == "cannot open the log \(path): Not a directory (errno 20)")
    }

    @Test func whatIsNoFileIsRefused() throws {
        let scratch = try Scratch(onDisk: true)
        let path = scratch.directory
        #expect(throws: LogError.notARegularFile(path: path)) { try readLog(path) }
        #expect(throws: LogError.notARegularFile(path: path)) { try LogWriter(path: path, mode: .continue) }
        #expect(throws: LogError.notARegularFile(path: "/dev/null")) { try readLog("/dev/null") }
        #expect(throws: LogError.notARegularFile(path: "/dev/full")) {
            try LogWriter(path: "/dev/full", mode: .continue)
        }
        mkfifo(scratch.path("pipe"), 0o600)
        #expect(throws: LogError.notARegularFile(path: scratch.path("pipe"))) { try readLog(scratch.path("pipe")) }
    }

    @Test func anotherFileIsNoLog() throws {
        let scratch = try Scratch(onDisk: true)
        let path = scratch.path("a.txt")
        let text = Array("Not a log at all, but long enough to be one.".utf8)
        try writeFile(path, text)
        let detail = "it does not start with the bytes of an MCAP file"
        #expect(throws: LogError.notALog(path: path, detail: detail)) { try readLog(path) }
        #expect(throws: LogError.notALog(path: path, detail: detail)) { try LogWriter(path: path, mode: .continue) }
        #expect(try readFile(path) == text)
    }

    @Test func oneWriterHoldsALog() throws {
        let scratch = try Scratch(onDisk: true)
        let path = scratch.path("a.mcap")
        let first = try LogWriter(path: path, mode: .create)
        #expect(throws: LogError.locked(path: path)) { try LogWriter(path: path, mode: .continue) }
        #expect(try readLog(path).end == .open, "readers need no lock")
        try first.close()
        _ = try LogWriter(path: path, mode: .continue)
    }

    @Test func aClosedWriterTakesNothing() throws {
        let scratch = try Scratch(onDisk: true)
        let path = scratch.path("a.mcap")
        let writer = try LogWriter(path: path, mode: .create)
        let channel = try writer.addChannel(topic: "t", schema: .none)
        try writer.close()
        let closed = LogError.unusable(path: path, reason: "it was closed")
        #expect(throws: closed) { try writer.append(channel: channel, logTime: 0, data: [1]) }
        #expect(throws: closed) { try writer.commit() }
        #expect(throws: closed) { try writer.close() }
    }

    @Test func contradictingDeclarationsAreRefused() throws {
        let scratch = try Scratch(onDisk: true)
        let writer = try LogWriter(path: scratch.path("a.mcap"), mode: .create)
        let other = try LogWriter(path: scratch.path("b.mcap"), mode: .create)
        let schema = try writer.addSchema(name: "s", encoding: "protobuf", data: [1])
        let channel = try writer.addChannel(topic: "t", schema: schema)
        #expect(throws: LogError.self) { try writer.addChannel(topic: "t", schema: .none) }
        #expect(throws: LogError.self) { try other.addChannel(topic: "t", schema: schema) }
        #expect(throws: LogError.self) { try other.append(channel: channel, logTime: 0, data: [1]) }
    }

    @Test func aLogThatIsCutUnderItsWriterTakesNothingMore() throws {
        let scratch = try Scratch(onDisk: true)
        let path = scratch.path("a.mcap")
        var script = try LogScript(LogWriter(LogFile.create(path)))
        try script.append("updates", [1, 2, 3], logTime: 5)
        try script.commit()
        #expect(truncate(path, 40) == 0)
        try script.append("updates", [4], logTime: 6)
        let error = #expect(throws: LogError.self) { try script.commit() }
        #expect(error?.description.contains("found 40: it was changed by another hand") == true)
    }

    /// The kernel's device that is always full stands in for the disk.
    @Test func aFullDiskEndsTheWriter() throws {
        let scratch = try Scratch(onDisk: true)
        let path = scratch.path("a.mcap")
        var entries: [Entry] = []
        do {
            let file = try LogFile.create(path)
            var script = try LogScript(LogWriter(file))
            try script.append("updates", [1, 2, 3], logTime: 5)
            try script.commit()
            entries = script.entries
            let full = open("/dev/full", O_RDWR)
            #expect(dup2(full, file.descriptor) >= 0)
            close(full)
            try script.append("updates", [4], logTime: 6)
            let error = #expect(throws: LogError.self) { try script.commit() }
            #expect(error?.description.contains("No space left on device (errno 28)") == true)
            let later = #expect(throws: LogError.self) { try script.writer.commit() }
            #expect(later?.description.contains("an earlier write failed") == true)
            #expect(throws: LogError.self) { try script.append("updates", [5], logTime: 7) }
            #expect(throws: LogError.self) { try script.writer.close() }
        }
        #expect(try readLog(path).entries == entries)
        _ = try LogWriter(path: path, mode: .continue)
    }
}
