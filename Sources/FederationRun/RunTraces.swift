import Federation
import Foundation
import PromptAggregation
import RunLog

/// What a run leaves in its folder beside its log. All of it is written after the records that it follows from are on the
/// disk, so where the log ends before it, records are gone on which clients rely.
struct RunTraces {
    private let folder: RunFolder

    init(in folder: RunFolder) { self.folder = folder }

    /// - Throws: `RunFolderError` where a folder without a log is not for a new run.
    func requireNone() throws {
        let snapshots = (try? FileManager.default.contentsOfDirectory(atPath: folder.snapshotsFolder)) ?? []
        let traces =
            (FileManager.default.fileExists(atPath: folder.prompts) ? [folder.prompts] : [])
            + (snapshots.isEmpty ? [] : [folder.snapshotsFolder])
            + [folder.metrics, folder.evaluations].filter(hasRows)
        guard traces.isEmpty else {
            throw RunFolderError(
                "\(folder.path): expected the log of the run that left \(traces.joined(separator: " and ")), found none;"
                    + " bring \(folder.segment(1)) and those behind it back, or choose another folder for a new run")
        }
    }

    /// - Throws: `RunFolderError` where the log of a run ends before what the folder holds of the same run.
    func requireNone(beyond recovery: RunRecovery) throws {
        let run = recovery.log.run
        let version = recovery.aggregator.version
        var traces: [(file: String, version: Version)] = []
        if let prompts = try? PromptsFile(path: folder.prompts), prompts.label.runID == "\(run)" {
            traces.append((folder.prompts, prompts.prompts.version))
        }
        for case .success(let snapshot) in try SnapshotShelf(folder.snapshots).read().map(\.mark)
        where snapshot.run == run {
            traces.append((folder.snapshotsFolder, snapshot.version))
        }
        let beyond = traces.filter { $0.version > version }
        guard let newest = beyond.max(by: { $0.version < $1.version }) else { return }
        let files = beyond.map(\.file).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        throw RunFolderError(
            "\(folder.path): the log ends at version \(version), and \(newest.file) holds version \(newest.version) of the"
                + " same run: records that clients rely on are missing. Bring the newest files of the log back; to"
                + " continue without them, remove \(files.joined(separator: " and "))")
    }

    /// Whether a table has more than its heading.
    private func hasRows(_ table: String) -> Bool {
        guard let text = try? String(contentsOfFile: table, encoding: .utf8) else { return false }
        return text.split(separator: "\n").count > 1
    }
}
