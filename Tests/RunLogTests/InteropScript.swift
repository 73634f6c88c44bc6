import Foundation
import TestSupport
import Testing

/// Runs a script of Tests/Interop in Python.
/// - Returns: how it ended and what it printed.
func runInPython(_ script: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let process = Process()
    process.executableURL = URL(filePath: try #require(python))
    process.arguments = [folder.appending(path: "Interop/\(script)").path] + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
}
