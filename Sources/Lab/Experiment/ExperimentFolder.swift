import Files
import Foundation
import RunLog
import Synchronization

/// Where an experiment keeps its runs and tables. One process at a time works on it.
///
/// A run is its configuration's digest: a finished one is found by that, and nothing writes over it.
final class ExperimentFolder: Sendable {
    /// A finished run and the name of its folder.
    typealias Found = (name: String, figures: RunFigures)

    let path: String
    private let lock: FileLock
    /// By the digests of their configurations.
    private let found: Mutex<[String: Found]>

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
        var found: [String: Found] = [:]
        for name in Self.names(in: path) {
            guard let figures = RunFigures.read(RunFolder(path: "\(path)/runs/\(name)")), figures.isComplete else {
                continue
            }
            if found[figures.configuration] == nil { found[figures.configuration] = (name, figures) }
        }
        self.found = Mutex(found)
    }

    private static func names(in path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path + "/runs")) ?? []).sorted()
    }

    func run(_ name: String) -> RunFolder { RunFolder(path: "\(path)/runs/\(name)") }

    /// What is kept of a run, also by an earlier process; nil unless it is finished.
    func finished(_ run: PlannedRun) -> Found? { found.withLock { $0[run.digest] } }

    /// All finished runs, by the names of their folders.
    var allFinished: [Found] { found.withLock { $0.values.sorted { $0.name < $1.name } } }

    /// The folder of a run that is to be made: its own name, and where a finished run of other settings has that, with
    /// the beginning of the digest behind it.
    func folder(for run: PlannedRun) -> RunFolder {
        let isTaken = found.withLock { $0.values.contains { $0.name == run.name } }
        return self.run(isTaken ? "\(run.name)_\(run.digest.prefix(8))" : run.name)
    }

    func note(_ figures: RunFigures, in folder: RunFolder) {
        let name = URL(fileURLWithPath: folder.path).lastPathComponent
        found.withLock { $0[figures.configuration] = (name, figures) }
    }

    /// Removes every run but those of these configurations, finished or not.
    /// - Returns: the names of the removed folders.
    /// - Throws: `RunFolderError`.
    func prune(keeping digests: Set<String>) throws -> [String] {
        let kept = Set(found.withLock { $0.filter { digests.contains($0.key) }.values.map(\.name) })
        let removed = Self.names(in: path).filter { !kept.contains($0) }
        for name in removed {
            do {
                try FileManager.default.removeItem(atPath: run(name).path)
            } catch {
                throw RunFolderError("\(run(name).path): cannot be removed: \(error.localizedDescription)")
            }
        }
        found.withLock { $0 = $0.filter { digests.contains($0.key) } }
        return removed
    }

    var runs: String { path + "/runs.csv" }
    var versions: String { path + "/versions.csv" }
    var summary: String { path + "/summary.md" }
    var picture: String { path + "/curves.svg" }
    var summaryData: String { ExperimentSummary.path(in: path) }

    func write(_ text: String, to file: String) throws { try RunFolder(path: path).write(text, to: file) }
}
