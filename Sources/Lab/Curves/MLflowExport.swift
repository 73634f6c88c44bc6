import Federation
import Foundation
import RunLog

/// A run for MLflow, in the layout of its file store: `<experiment>/<run>/{meta.yaml, metrics, params, tags}`.
public struct MLflowExport {
    private let curves: ExportedCurves
    private let store: String

    /// The experiment that runs are put into; its number is that of no other.
    private static let experiment = "impromptu"
    private static let experimentID = "701463880217395264"
    /// What MLflow takes for the value of a parameter.
    private static let longestParameter = 6000
    /// `RunStatus`.
    private static let (running, finished) = (1, 3)

    /// Writes a run into a store, in place of what an earlier export of it left.
    /// - Returns: the path of the run's folder.
    /// - Throws: `RunFolderError`.
    public static func write(_ curves: ExportedCurves, to store: String) throws -> String {
        try MLflowExport(curves: curves, store: store).write()
    }

    private var begin: Int64 { Self.milliseconds(curves.begin) }
    private static func milliseconds(_ time: Timestamp) -> Int64 { time.nanoseconds / 1_000_000 }

    private func write() throws -> String {
        let experiment = RunFolder(path: try experimentFolder())
        let id = String(curves.id.prefix(32))
        let run = RunFolder(path: "\(experiment.path)/\(id)")
        try? FileManager.default.removeItem(atPath: run.path)
        for part in ["artifacts", "metrics", "params", "tags"] { try RunFolder(path: "\(run.path)/\(part)").create() }
        for (key, value) in curves.parameters {
            try run.write(String(value.prefix(Self.longestParameter)), to: "\(run.path)/params/\(key)")
        }
        for (name, points) in curves.curves {
            let lines = points.map { "\(Self.milliseconds($0.time)) \($0.value) \($0.version)\n" }
            let file = "\(run.path)/metrics/\(name)"
            try RunFolder(path: (file as NSString).deletingLastPathComponent).create()
            try run.write(lines.joined(), to: file)
        }
        let tags = [
            "mlflow.runName": curves.name, "mlflow.source.name": "impromptu", "mlflow.source.type": "PROJECT",
            "mlflow.user": NSUserName(), "impromptu.run_id": curves.id,
        ]
        for (key, value) in tags { try run.write(value, to: "\(run.path)/tags/\(key)") }
        // Last: MLflow sees a run once this is there.
        try run.write(meta(of: id, in: experiment), to: "\(run.path)/meta.yaml")
        return run.path
    }

    /// The experiment of this name that the store has, or a new one.
    private func experimentFolder() throws -> String {
        let present = (try? FileManager.default.contentsOfDirectory(atPath: store)) ?? []
        for id in present.sorted() {
            let text = (try? String(contentsOfFile: "\(store)/\(id)/meta.yaml", encoding: .utf8)) ?? ""
            if text.split(separator: "\n").contains("name: \(Self.experiment)") { return "\(store)/\(id)" }
        }
        let folder = RunFolder(path: "\(store)/\(Self.experimentID)")
        try folder.create()
        let meta = """
            artifact_location: \(Self.quoted(Self.location(of: folder.path)))
            creation_time: \(begin)
            experiment_id: '\(Self.experimentID)'
            last_update_time: \(begin)
            lifecycle_stage: active
            name: \(Self.experiment)

            """
        try folder.write(meta, to: "\(folder.path)/meta.yaml")
        return folder.path
    }

    private func meta(of id: String, in experiment: RunFolder) -> String {
        """
        artifact_uri: \(Self.quoted(Self.location(of: "\(experiment.path)/\(id)/artifacts")))
        end_time: \(curves.finished ? "\(Self.milliseconds(curves.end))" : "null")
        entry_point_name: ''
        experiment_id: '\((experiment.path as NSString).lastPathComponent)'
        lifecycle_stage: active
        run_id: '\(id)'
        run_name: \(Self.quoted(curves.name))
        run_uuid: '\(id)'
        source_name: ''
        source_type: 4
        source_version: ''
        start_time: \(begin)
        status: \(curves.finished ? Self.finished : Self.running)
        tags: []
        user_id: \(Self.quoted(NSUserName()))

        """
    }

    private static func location(of path: String) -> String {
        URL(fileURLWithPath: path, isDirectory: true).standardizedFileURL.path
    }

    private static func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }
}
