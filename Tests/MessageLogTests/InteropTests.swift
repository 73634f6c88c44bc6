import Foundation
import MessageLog
import Testing

/// The Python that has the package `mcap`, if one is named.
private let python = ProcessInfo.processInfo.environment["IMPROMPTU_PYTHON"]

/// Reads logs with the reference implementation of the format.
@Suite(.enabled(if: python != nil, "IMPROMPTU_PYTHON names no Python with the package mcap"))
struct InteropTests {
    @Test func pythonReadsAFinishedLog() throws {
        let scratch = try Scratch()
        _ = try LogScript.small(scratch.path("a.mcap"), close: true)
        let expected = "messages 9\ntopics events,updates\n"
        #expect(try readInPython("seek", scratch.path("a.mcap")).hasPrefix("summary 9 3\n" + expected))
        #expect(try readInPython("stream", scratch.path("a.mcap")).hasPrefix(expected))
    }

    @Test func pythonSeeksInALogOfThousandsOfChunks() throws {
        let scratch = try Scratch()
        var script = try LogScript(scratch.path("a.mcap"))
        for chunk in 0..<2000 {
            try script.append(chunk % 3 == 0 ? "events" : "updates", [UInt8(chunk & 0xFF)], logTime: UInt64(chunk))
            try script.commit()
        }
        try script.writer.close()
        let found = try readInPython("seek", scratch.path("a.mcap"))
        #expect(found.hasPrefix("summary 2000 2000\nmessages 2000\ntopics events,updates\n"))
        #expect(try found.hasSuffix(readInPython("stream", scratch.path("a.mcap"))))
    }

    @Test func pythonReadsTheWholeChunksOfATornLog() throws {
        let scratch = try Scratch()
        let script = try LogScript.small(scratch.path("a.mcap"), close: false)
        let bytes = try readFile(scratch.path("a.mcap"))
        try writeFile(scratch.path("a.mcap"), Array(bytes[..<(Int(script.commits[2].length) + 80)]))
        let output = try readInPython("stream", scratch.path("a.mcap"))
        #expect(output.hasPrefix("end "), "\(output)")
        #expect(output.contains("messages 6\ntopics events,updates\n"), "\(output)")
    }

    private func readInPython(_ mode: String, _ path: String) throws -> String {
        let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Interop/read_log.py").path
        let process = Process()
        process.executableURL = URL(filePath: try #require(python))
        process.arguments = [script, mode, path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: data, as: UTF8.self)
    }
}
