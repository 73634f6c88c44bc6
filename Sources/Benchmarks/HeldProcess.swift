import Foundation

/// A process of this program that plays its part until its standard input ends.
struct HeldProcess {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    /// What it says once it is at work.
    static let ready = "ready"

    init(_ command: [String]) throws {
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    /// Returns once it is at work.
    func waitUntilReady() throws {
        let word = output.fileHandleForReading.availableData
        guard String(decoding: word, as: UTF8.self).contains(Self.ready) else {
            throw BenchmarkError("a process that plays clients ended early")
        }
    }

    func end() {
        input.fileHandleForWriting.closeFile()
        process.waitUntilExit()
    }
}
