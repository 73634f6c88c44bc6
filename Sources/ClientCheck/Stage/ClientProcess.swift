import Foundation

/// A process of the client on trial, run by a shell that it replaces.
final class ClientProcess {
    private let process = Process()

    /// - Parameter command: a line for /bin/sh.
    /// - Throws: `ClientCheckError`.
    init(_ command: String) throws {
        // A shell's background job ignores interrupts, and would pass that on; standard output is for the checker's results.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["--default-signal=INT", "/bin/sh", "-c", "exec \(command) >&2"]
        process.standardInput = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            throw ClientCheckError("cannot start the client: \(error.localizedDescription)")
        }
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    var isRunning: Bool { process.isRunning }

    /// How it ended, nil while it runs.
    var ending: String? {
        guard !process.isRunning else { return nil }
        let how = process.terminationReason == .exit ? "exit code" : "signal"
        return "\(how) \(process.terminationStatus)"
    }

    /// Whether it ended by itself and says that all is well.
    var succeeded: Bool {
        !process.isRunning && process.terminationReason == .exit && process.terminationStatus == 0
    }

    func interrupt() { kill(process.processIdentifier, SIGINT) }

    /// Kills it as a crash does, and waits until it is gone.
    func crash() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
