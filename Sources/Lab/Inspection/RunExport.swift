import Federation
import Foundation
import PromptAggregation
import RunLog
import RunSettings
import Text

/// A run as files for other tools: CSV of versions, updates, clients and evaluations, safetensors of versions' prompts.
public enum RunExport {
    /// What an export left.
    public struct Written {
        /// The paths of the files.
        public var files: [String]
        /// Where the log begins in the middle of its run, and so do the tables; nil where it begins with the run.
        public var beginning: Replay.Beginning?
    }

    /// Replays a log and writes `versions.csv`, `updates.csv`, `clients.csv`, `prompts-<version>.safetensors`, and
    /// `evaluations.csv` where the run was evaluated.
    ///
    /// - Parameter versions: those whose prompts are written; empty for the last one.
    /// - Throws: `LogError`, `ReplayError`, `RunFolderError`, or `SafetensorsError`.
    public static func write(log path: String, to folder: String, versions wanted: [Version] = []) throws -> Written {
        var history = RunHistory(rows: .all)
        var newest: AggregatorMessage.GlobalPrompts?
        var states: [(prompts: AggregatorMessage.GlobalPrompts, digest: Digest)] = []
        let inspection = try RunInspection(log: path) { step in
            history.take(step)
            switch step {
            case .effect(.publishVersion(let prompts)): newest = prompts
            case .checked(let publication):
                guard publication.isEqual else {
                    throw ReplayError(
                        "\(path): version \(publication.version) does not replay to its recorded digest")
                }
                guard let newest, states.last?.prompts.version != newest.version else { return }
                if wanted.isEmpty { states.removeAll() }
                if wanted.isEmpty || wanted.contains(newest.version) {
                    states.append((newest, publication.recorded))
                }
            default: break
            }
        }
        if let missing = wanted.first(where: { version in !states.contains { $0.prompts.version == version } }) {
            throw ReplayError("\(path): the log ends at version \(inspection.version) and has no \(missing)")
        }
        let target = RunFolder(path: folder)
        try target.create()
        var written: [String] = []
        func table(_ name: String, _ rows: [String]) throws {
            let file = "\(folder)/\(name).csv"
            try target.write(rows.joined(separator: "\n") + "\n", to: file)
            written.append(file)
        }
        try table("versions", versionRows(history, inspection))
        try table("updates", updateRows(inspection))
        try table("clients", clientRows(inspection))
        if !history.evaluations.isEmpty {
            try table("evaluations", [RunHistory.EvaluationRow.header] + history.evaluations.map(\.csv))
        }
        let run = RunFolder(ofLog: path)
        let label = PromptsLabel(model: try ModelDescription(ofRun: run), folder: run, runID: inspection.run.id)
        for state in states {
            let file = "\(folder)/prompts-\(state.prompts.version).safetensors"
            try PromptsFile(label: label, prompts: state.prompts, digest: "\(state.digest)", logOffset: nil)
                .write(to: file)
            written.append(file)
        }
        return Written(files: written, beginning: inspection.beginning)
    }

    /// The columns of a run's metrics.csv, and the digest.
    private static func versionRows(_ history: RunHistory, _ run: RunInspection) -> [String] {
        [RunHistory.VersionRow.header + ",digest"]
            + run.versions.compactMap { version in
                history.versions.first { $0.version == version.version }.map { "\($0.csv),\(version.digest)" }
            }
    }

    private static func updateRows(_ run: RunInspection) -> [String] {
        [
            "seconds,client,session,task,base_version,samples,prompts,bytes,loss,fate,version,staleness,"
                + "staleness_weight,weight,reason"
        ]
            + run.updates.map { update in
                CSV.row([
                    decimal(update.seconds, 3), update.client, "\(update.session)",
                    "\(update.task)", "\(update.baseVersion)", "\(update.samples)", "\(update.prompts)",
                    "\(update.bytes)", text(update.loss), update.fate.rawValue, text(update.version),
                    text(update.staleness), text(update.stalenessWeight), text(update.weight), update.reason ?? "",
                ])
            }
    }

    private static func clientRows(_ run: RunInspection) -> [String] {
        ["client,sessions,messages,bytes,updates_used,late_updates_used,mean_staleness,rejected"]
            + run.clients.map { client in
                CSV.row([
                    client.client, "\(client.sessions)", "\(client.messages)", "\(client.bytes)",
                    "\(client.updatesUsed)", "\(client.lateUpdatesUsed)", decimal(client.meanStaleness, 4),
                    "\(client.rejected)",
                ])
            }
    }

    private static func text(_ value: (some CustomStringConvertible)?) -> String { value.map { "\($0)" } ?? "" }
}
