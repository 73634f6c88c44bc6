import Foundation

/// A process of this program that plays its part until its standard input ends.
final class HeldProcess {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var isDismissed = false
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
