import Foundation
import RunLog
import Synchronization

/// A process of this program that a demo watches over: started again when it is killed. One that ends by itself, with
/// an error or without, would only do so again.
final class Child: Sendable {
    private struct State {
        var process: Process?
        var starts = 0
        var isWanted = true
        var exitCode: Int32?
        var wasKilled = false

        func runsAgain(_ mostStarts: Int) -> Bool { wasKilled && isWanted && starts < mostStarts }
    }

    /// The file of this program.
    static let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()

    /// This program as somebody has typed it, to be typed again.
    static var typed: String {
        CommandLine.arguments.first.flatMap { $0.contains("/") ? $0 : nil } ?? "impromptu"
    }

    let name: String
    private let arguments: [String]
    private let logPath: String
    private let mostStarts: Int
    private let state = Mutex(State())
    /// Gets each death and restart, in a sentence.
    private let note: @Sendable (String) -> Void

    init(
        name: String, arguments: [String], logPath: String, mostStarts: Int, note: @escaping @Sendable (String) -> Void
    ) {
        self.name = name
        self.arguments = arguments
        self.logPath = logPath
        self.mostStarts = mostStarts
        self.note = note
    }

    /// Starts the process, its output appended to the log.
    func start() throws {
        if !FileManager.default.fileExists(atPath: logPath) {
            _ = FileManager.default.createFile(atPath: logPath, contents: nil)
        }
        guard let log = FileHandle(forWritingAtPath: logPath) else { throw RunFolderError("\(logPath): cannot write") }
        log.seekToEndOfFile()
        let process = Process()
        process.executableURL = Self.program
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = log
        process.standardError = log
        process.terminationHandler = { [weak self] process in self?.ended(process) }
        state.withLock {
            $0.starts += 1
            $0.exitCode = nil
            $0.process = process
        }
        do {
            try process.run()
        } catch {
            throw RunFolderError("cannot start \(name): \(error.localizedDescription)")
        }
    }

    private func ended(_ process: Process) {
        let (restart, starts) = state.withLock { state in
            state.wasKilled = process.terminationReason == .uncaughtSignal
            state.exitCode = process.terminationStatus
            return (state.runsAgain(mostStarts), state.starts)
        }
        guard restart else { return }
        note(
            "\(name) (process \(process.processIdentifier)) was killed by signal \(process.terminationStatus);"
                + " starting it again")
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(500 * starts)) { [self] in
            guard state.withLock({ $0.isWanted }) else { return }
            do { try start() } catch { note("\(error)") }
        }
    }

    /// The process's identifier, nil before the first start.
    var identifier: Int32? { state.withLock { $0.process?.processIdentifier } }

    /// The exit code of the last start if it has ended, nil while it runs or will be started again.
    var exitCode: Int32? {
        state.withLock { state in
            state.runsAgain(mostStarts) ? nil : state.exitCode
        }
    }

    /// Asks the process to stop and starts it no more.
    func stop() {
        state.withLock { state in
            state.isWanted = false
            if let process = state.process, process.isRunning { process.terminate() }
        }
    }

    /// The last line that the process wrote.
    var lastWords: String {
        let text = (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").last.map(String.init) ?? "it left no word in \(logPath)"
    }
}
