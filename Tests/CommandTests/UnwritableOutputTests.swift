import Foundation
import Testing

/// Standard output and standard error that cannot be written.
@Suite struct UnwritableOutputTests {
    /// Runs a line of shell, in which "$0" is the program; returns its exit code and what came on standard error.
    private func shell(_ line: String, _ arguments: [String] = []) throws -> (code: Int32, errors: String) {
        let process = Process()
        let errors = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", line, Program.path] + arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = errors
        try process.run()
        let bytes = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: bytes, as: UTF8.self))
    }

    @Test(arguments: ["config show", "--help", "work --help", "--version"])
    func resultsThatCannotBeWrittenAreAnErrorInOneLine(arguments: String) throws {
        for target in [">/dev/full", ">&-"] {
            let (code, errors) = try shell("\"$0\" \(arguments) \(target)")
            #expect(code == 1, "\(arguments) \(target)")
            #expect(errors.hasPrefix("impromptu: cannot write the results: "))
            #expect(errors.split(separator: "\n").count == 1)
        }
    }

    @Test func aReaderThatGoesEndsTheCommandQuietly() throws {
        let (code, errors) = try shell("\"$0\" config show | true; exit ${PIPESTATUS[0]}")
        #expect(code == 141 || code == 0)
        #expect(errors.isEmpty)
    }

    @Test(arguments: ["2>/dev/full", "2>&-", "2> >(exec true)"])
    func anErrorThatCannotBeWrittenKeepsItsExitCode(target: String) throws {
        #expect(try shell("\"$0\" aggregate --set nothing.known=1 \(target)").code == 2)
    }
}
