import Foundation
import Glibc
import RunLog

/// Where an experiment keeps its runs and tables. One process at a time works on it.
final class ExperimentFolder: Sendable {
    let path: String
    private let lock: CInt

    /// Makes the folder unless it is there, and keeps other processes from it.
    /// - Throws: `RunFolderError`.
    init(path: String) throws {
        self.path = path
        try RunFolder(path: path).create()
        let file = path + "/lock"
        lock = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard lock >= 0 else { throw RunFolderError("\(file): cannot open: \(String(cString: strerror(errno)))") }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            close(lock)
            throw RunFolderError("\(path): another process works on this experiment")
        }
    }

    deinit { close(lock) }

    func run(_ name: String) -> RunFolder { RunFolder(path: "\(path)/runs/\(name)") }

    var runs: String { path + "/runs.csv" }
    var versions: String { path + "/versions.csv" }
    var summary: String { path + "/summary.md" }

    func write(_ text: String, to file: String) throws { try RunFolder(path: path).write(text, to: file) }
}
