import Files
import RunLog

/// Where an experiment keeps its runs and tables. One process at a time works on it.
final class ExperimentFolder: Sendable {
    let path: String
    private let lock: FileLock

    /// Makes the folder unless it is there, and keeps other processes from it.
    /// - Throws: `RunFolderError`.
    init(path: String) throws {
        self.path = path
        try RunFolder(path: path).create()
        do {
            guard let lock = try FileLock(path + "/lock", mode: 0o644) else {
                throw RunFolderError("\(path): another process works on this experiment")
            }
            self.lock = lock
        } catch let error as FileError {
            throw RunFolderError("\(error)")
        }
    }

    func run(_ name: String) -> RunFolder { RunFolder(path: "\(path)/runs/\(name)") }

    var runs: String { path + "/runs.csv" }
    var versions: String { path + "/versions.csv" }
    var summary: String { path + "/summary.md" }
    var summaryData: String { ExperimentSummary.path(in: path) }

    func write(_ text: String, to file: String) throws { try RunFolder(path: path).write(text, to: file) }
}
