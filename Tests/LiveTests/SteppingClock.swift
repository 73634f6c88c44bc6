import Foundation
import TestSupport

/// A clock that can be set while processes run: what they read as the time of day moves, their steady clock does not.
/// `Tests/Clock/stepped_clock.c` is put before the system's library for that. (libfaketime moves waits as well, which then
/// fail, and leaves shared memory behind for each process that is killed.)
struct SteppingClock {
    private let library: String
    private let file: String

    /// - Parameter folder: gets the library and the file that the processes read.
    init(in folder: String) async throws {
        library = folder + "/stepped_clock.so"
        file = folder + "/clock"
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Clock/stepped_clock.c").path
        let compiler = try LiveProcess(
            "/usr/bin/env", ["clang", "-shared", "-fPIC", "-O2", "-o", library, source], log: folder + "/clang.log")
        guard try await compiler.exitCode() == 0 else {
            throw Missed(description: "a library out of \(source): \(compiler.output)")
        }
        try withUnsafeBytes(of: 0) { try Data($0).write(to: URL(fileURLWithPath: file)) }
    }

    /// Steps to so many seconds ahead of the true time.
    func set(seconds: Int) throws {
        // In place: the processes have mapped these very bytes.
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: file))
        try withUnsafeBytes(of: seconds) { try handle.write(contentsOf: Data($0)) }
        try handle.close()
    }

    /// What processes need to read this clock.
    var environment: [String: String] { ["LD_PRELOAD": library, "STEPPED_CLOCK": file] }
}
