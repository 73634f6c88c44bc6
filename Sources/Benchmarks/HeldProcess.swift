import Console
import Foundation

/// A process of this program that plays its part until its standard input ends.
final class HeldProcess {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var isDismissed = false
    private static let ready = "ready"

    /// Has this process, which is held, say that it is at work.
    /// - Parameter words: what it says besides, without spaces.
    static func sayReady(_ words: String...) throws {
        try StandardOutput.write(([ready] + words).joined(separator: " "))
        try StandardOutput.flush()
    }

    /// - Parameter yields: whether it leaves the processor to all others, as one on another machine does.
    init(_ command: [String], yields: Bool = false) throws {
        process.executableURL = URL(fileURLWithPath: yields ? "/usr/bin/nice" : command[0])
        process.arguments = yields ? ["-n", "19"] + command : Array(command.dropFirst())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    /// Returns once it is at work.
    /// - Returns: what it says behind `ready`, word by word.
    @discardableResult func waitUntilReady() throws -> [String] {
        let words = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
            .split(whereSeparator: \.isWhitespace)
        guard words.first.map(String.init) == Self.ready else {
            throw BenchmarkError("a process that plays its part in the benchmark ended early")
        }
        return words.dropFirst().map { String($0) }
    }

    /// Has it leave; returns at once.
    func dismiss() {
        guard !isDismissed else { return }
        isDismissed = true
        input.fileHandleForWriting.closeFile()
    }

    func end() {
        dismiss()
        process.waitUntilExit()
    }
}
