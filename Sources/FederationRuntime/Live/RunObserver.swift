import Federation
import Foundation
import PromptAggregation
import PromptTuning

/// Keeps a run's figures while it goes on: rows in the run folder's tables, the newest prompts, the beacon's metrics.
/// Nothing of it goes back into the federation.
struct RunObserver {
    private let folder: RunFolder
    private(set) var history: RunHistory
    private let metrics: CSVFile
    private let evaluations: CSVFile
    private var lastPromptsWrite: ContinuousClock.Instant?

    /// The newest prompts are written at most this often while the run goes on.
    private static let promptsInterval: Duration = .seconds(5)

    /// - Parameter history: what a recovered run has behind it; the tables are written anew from it.
    init(folder: RunFolder, history: RunHistory) throws {
        self.folder = folder
        self.history = history
        metrics = try CSVFile(
            path: folder.metrics, header: RunHistory.VersionRow.header, rows: history.versions.map(\.csv))
        let earlier = Self.evaluations(in: folder)
        self.history.evaluations = earlier
        evaluations = try CSVFile(
            path: folder.evaluations, header: RunHistory.EvaluationRow.header, rows: earlier.map(\.csv))
    }

    mutating func begin(at time: Timestamp) { history.begin(at: time) }

    mutating func add(_ flush: Flush) throws { try metrics.append(history.add(flush).csv) }

    mutating func add(_ outcome: Evaluator.Outcome, at time: Timestamp) throws {
        let row = row(outcome, at: time)
        history.evaluations.append(row)
        try evaluations.append(row.csv)
    }

    /// A row of an evaluation.
    func row(_ outcome: Evaluator.Outcome, at time: Timestamp) -> RunHistory.EvaluationRow {
        RunHistory.EvaluationRow(
            version: outcome.version, seconds: history.seconds(at: time),
            updates: history.updates(at: outcome.version), outcome.evaluation)
    }

    /// What the beacon tells beyond the core's own figures, ascending by name.
    func beaconMetrics(at time: Timestamp, isDraining: Bool) -> [Metric] {
        var result: [Metric] = []
        if let last = history.evaluations.last {
            result.append(Metric(name: "accuracy", value: last.accuracy))
            result.append(Metric(name: "accuracy.version", value: Double(last.version)))
        }
        if isDraining { result.append(Metric(name: "draining", value: 1)) }
        if let flush = history.versions.last {
            result.append(
                Metric(name: "flush.age_seconds", value: history.seconds(at: time) - flush.seconds))
            if let loss = flush.loss { result.append(Metric(name: "loss", value: loss)) }
            result.append(Metric(name: "staleness.mean", value: flush.meanStaleness))
        }
        return result
    }

    /// Writes the newest prompts unless that was done a moment ago.
    mutating func keep(_ prompts: @autoclosure () -> PromptsFile, always: Bool = false) throws {
        let now = ContinuousClock.now
        if !always, let lastPromptsWrite, now - lastPromptsWrite < Self.promptsInterval { return }
        lastPromptsWrite = now
        try prompts().write(to: folder.prompts)
    }

    func writeReport(heading: String, classes: Int) throws {
        try folder.write(
            RunReport.svg(heading: heading, history: history, chance: 1 / Double(max(1, classes))), to: folder.report)
    }

    /// The evaluations that an earlier incarnation wrote; a row that was cut short is left out.
    static func evaluations(in folder: RunFolder) -> [RunHistory.EvaluationRow] {
        guard let text = try? String(contentsOfFile: folder.evaluations, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").dropFirst().compactMap(RunHistory.EvaluationRow.init(csv:))
    }
}

/// A table that grows row by row.
struct CSVFile {
    private let file: FileHandle

    /// Writes the file anew with these rows.
    init(path: String, header: String, rows: [String]) throws {
        let text = ([header] + rows).joined(separator: "\n") + "\n"
        guard FileManager.default.createFile(atPath: path, contents: Data(text.utf8)),
            let file = FileHandle(forWritingAtPath: path)
        else { throw RunFolderError("\(path): cannot write") }
        self.file = file
        file.seekToEndOfFile()
    }

    func append(_ row: String) throws { try file.write(contentsOf: Data((row + "\n").utf8)) }
}
