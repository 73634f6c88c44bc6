import Files
import Foundation
import PromptAggregation
import RunLog
import RunSettings

/// A run as a report shows it: its tables, and the results of its replay if there was one.
struct ReportedRun {
    let folder: String
    /// The name of its folder.
    let name: String
    /// Every key of its configuration, ascending.
    let settings: [RunSetting]
    let configuration: RunConfiguration
    let versions: [RunHistory.VersionRow]
    let evaluations: [RunHistory.EvaluationRow]
    /// nil where only the tables of the run folder were read.
    let logged: LoggedRun?

    var seed: String { settings.first { $0.key == "run.seed" }?.value ?? "" }
    var updates: Int { versions.last?.updates ?? 0 }
    var curves: RunCurves {
        RunCurves(
            versions: versions, evaluations: evaluations, federated: logged?.history.federatedEvaluations ?? [])
    }
    var seconds: Double { curves.seconds }

    /// Replays the log of a run folder.
    /// - Parameters:
    ///   - path: the folder or its log.
    ///   - version: whose matches are shown; nil for the last with any.
    /// - Throws: `LogError` or `ReplayError`.
    init(replaying path: String, version: Version?) throws {
        let logged = try LoggedRun(log: path, version: version)
        try self.init(
            folder: RunFolder(path: RunFolder.folder(ofLog: path)), yaml: logged.configurationYAML,
            versions: logged.history.versions, logged: logged)
    }

    /// Reads the tables of a run folder instead of replaying its log.
    /// - Throws: `ReportError` where there is none; `ConfigurationError`.
    init(tablesOf folder: RunFolder) throws {
        let yaml = try Self.text(of: folder.configuration)
        let rows = try Self.text(of: folder.metrics).split(separator: "\n").dropFirst()
        try self.init(
            folder: folder, yaml: yaml, versions: rows.compactMap(RunHistory.VersionRow.init(csv:)), logged: nil)
    }

    private init(
        folder: RunFolder, yaml: String, versions: [RunHistory.VersionRow], logged: LoggedRun?
    ) throws {
        self.folder = folder.path
        name = URL(fileURLWithPath: folder.path).lastPathComponent
        var layers = ConfigurationLayers()
        try layers.add(yaml: yaml, name: folder.configuration)
        settings = layers.settings.sorted { $0.key < $1.key }.map { RunSetting(key: $0.key, value: $0.value.value) }
        configuration = try RunConfiguration(layers)
        self.versions = versions
        evaluations = logged?.history.evaluations ?? RunHistory.evaluations(in: folder)
        self.logged = logged
    }

    private static func text(of file: String) throws -> String {
        do throws(UnreadableFile) { return String(decoding: try RegularFile.bytes(of: file), as: UTF8.self) } catch {
            throw ReportError("\(error); a report needs a run folder with its log or its tables")
        }
    }
}

/// A key of a run's configuration and its value.
struct RunSetting: Hashable {
    var key: String
    var value: String

    var words: String {
        let name = key.split(separator: ".").last.map(String.init) ?? key
        return "\(name.replacing("_", with: " ")) \(value.isEmpty ? "none" : value)"
    }
}

/// What cannot be reported, and why.
public struct ReportError: Error, CustomStringConvertible, Equatable {
    public let description: String
    public init(_ description: String) { self.description = description }
}
