import Foundation

/// A process of the built program or of Python; what it writes is kept in a file.
package final class LiveProcess {
    /// The program that was built along with the tests.
    package static let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appending(path: "impromptu").path

    private let process = Process()
    private let log: String

    /// - Parameters:
    ///   - log: the file that gets its output, behind what an earlier process wrote there.
    ///   - environment: above this process's own.
    ///   - directory: where it runs; this process's own unless given.
    ///   - results: what standard output goes to in place of the log.
    package init(
        _ executable: String, _ arguments: [String], log: String, environment: [String: String] = [:],
        directory: String? = nil, results: String? = nil
    ) throws {
        self.log = log
        if !FileManager.default.fileExists(atPath: log) { try Data().write(to: URL(fileURLWithPath: log)) }
        let output = try Self.writing(to: log)
        output.seekToEndOfFile()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
        process.standardOutput = try results.map(Self.writing) ?? output
        process.standardError = output
        try process.run()
    }

    private static func writing(to path: String) throws -> FileHandle {
        guard let handle = FileHandle(forWritingAtPath: path) else { throw Missed(description: "cannot write \(path)") }
        return handle
    }

    deinit { if process.isRunning { signal(SIGKILL) } }

    package var isRunning: Bool { process.isRunning }
    package var output: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    package func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Kills it as a crash does, and waits until it is gone.
    package func crash() async throws {
        signal(SIGKILL)
        _ = try await exitCode()
    }

    /// Waits for the end of the process. One that does not end is killed, and the test fails.
    package func exitCode(within seconds: Int = 240) async throws -> Int32 {
        do {
            try await eventually(within: seconds, "the end of the process; it wrote: \(output.suffix(2000))") {
                !process.isRunning
            }
        } catch {
            signal(SIGKILL)
            throw error
        }
        return process.terminationStatus
    }
}

/// What a test waited for in vain.
package struct Missed: Error, CustomStringConvertible {
    package let description: String
    package init(description: String) { self.description = description }
}

/// Looks again and again whether something has come about.
package func eventually(
    within seconds: Int = 240, _ what: @autoclosure () -> String, _ condition: () throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try !condition() {
        guard .now < deadline else { throw Missed(description: "\(seconds) s passed without \(what())") }
        try await Task.sleep(for: .milliseconds(20))
    }
}
