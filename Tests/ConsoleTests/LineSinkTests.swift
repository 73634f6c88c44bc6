import Console
import Foundation
import Testing

/// Standard error when nobody takes what is written there.
@Suite struct LineSinkTests {
    private func readAll(_ pipe: Pipe) throws -> String {
        try pipe.fileHandleForWriting.close()
        return String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    }

    @Test func linesComeInTheirOrder() throws {
        let pipe = Pipe()
        let sink = LineSink(descriptor: pipe.fileHandleForWriting.fileDescriptor)
        for number in 0..<100 { sink.write("line \(number)\n") }
        sink.flush(within: .seconds(20))
        #expect(try readAll(pipe) == (0..<100).map { "line \($0)\n" }.joined())
        #expect(sink.dropped == 0)
    }

    @Test func aFullDiskDropsAndCounts() throws {
        let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
        let sink = LineSink(descriptor: full.fileDescriptor)
        for number in 0..<7 { sink.write("line \(number)\n") }
        sink.flush(within: .seconds(20))
        #expect(sink.dropped == 7)
    }

    @Test func aClosedDescriptorDropsAndCounts() {
        let sink = LineSink(descriptor: 1_000_000)
        sink.write("one\n")
        sink.flush(within: .seconds(20))
        #expect(sink.dropped == 1)
    }

    @Test func whatWasDroppedIsReportedOnceWritingWorksAgain() throws {
        let pipe = Pipe()
        let descriptor = pipe.fileHandleForWriting.fileDescriptor
        let kept = dup(descriptor)
        let full = open("/dev/full", O_WRONLY)
        #expect(dup2(full, descriptor) == descriptor)
        let sink = LineSink(descriptor: descriptor)
        for _ in 0..<3 { sink.write("lost\n") }
        sink.flush(within: .seconds(20))
        #expect(dup2(kept, descriptor) == descriptor)
        close(kept)
        sink.write("here again\n")
        sink.write("and on\n")
        sink.flush(within: .seconds(20))
        #expect(
            try readAll(pipe) == "impromptu: 3 lines could not be written here and were dropped\nhere again\nand on\n")
        #expect(sink.dropped == 0)
    }

    @Test func aReaderThatStoppedHoldsUpNobodyAndCostsNoMemoryWithoutBound() throws {
        let pipe = Pipe()
        let sink = LineSink(descriptor: pipe.fileHandleForWriting.fileDescriptor)
        let line = String(repeating: "x", count: 999) + "\n"
        // 8 MB: the pipe takes 64 KiB, the queue 1 MiB. Writing returns all the same.
        for _ in 0..<8000 { sink.write(line) }
        #expect(sink.dropped > 6500)
        sink.flush(within: .milliseconds(10))
        let reader = pipe.fileHandleForReading
        var received = 0
        while received < 900_000 { received += reader.availableData.count }
        #expect(received % 1000 == 0 || received > 900_000)
    }
}

/// Results that cannot be written are an error.
@Suite struct ResultWriterTests {
    @Test func aFullDiskIsAnErrorWithItsReason() throws {
        let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
        var writer = ResultWriter(descriptor: full.fileDescriptor)
        try writer.write("a result\n")
        let error = #expect(throws: OutputError.self) { try writer.flush() }
        #expect(error?.description == "standard output: cannot write: No space left on device")
        #expect(error?.isReaderGone == false)
    }

    @Test func aReaderThatWentIsToldApart() throws {
        StandardStreams.prepare()
        let pipe = Pipe()
        try pipe.fileHandleForReading.close()
        var writer = ResultWriter(descriptor: pipe.fileHandleForWriting.fileDescriptor)
        try writer.write("a result\n")
        #expect(#expect(throws: OutputError.self) { try writer.flush() }?.isReaderGone == true)
    }

    @Test func muchIsWrittenWhole() throws {
        let path = NSTemporaryDirectory() + "impromptu-output-" + UUID().uuidString
        defer { unlink(path) }
        FileManager.default.createFile(atPath: path, contents: nil)
        let file = try #require(FileHandle(forWritingAtPath: path))
        var writer = ResultWriter(descriptor: file.fileDescriptor)
        for number in 0..<50_000 { try writer.write("row \(number)\n") }
        try writer.flush()
        #expect(try String(contentsOfFile: path, encoding: .utf8) == (0..<50_000).map { "row \($0)\n" }.joined())
    }
}
