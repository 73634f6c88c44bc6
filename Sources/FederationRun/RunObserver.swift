import Federation
import Foundation
import PromptAggregation
import PromptTuning
import PromptWire
import RunLog

/// Keeps a run's figures up to date: rows in the run folder's tables, the newest prompts, the beacon's metrics. Nothing
/// of it goes back into the federation.
package struct RunObserver {
    private let folder: RunFolder
    private let files: FiguresQueue?
    package private(set) var history: RunHistory
    private let metrics: CSVFile
    private let evaluations: CSVFile
    private var lastPromptsWrite: ContinuousClock.Instant?

    /// The newest prompts are written at most this often during the run.
    private static let promptsInterval: Duration = .seconds(5)

    /// - Parameters:
    ///   - history: what a recovered run has behind it; the tables are written from it.
    ///   - files: writes the files; nil for whoever waits until each is written.
    package init(folder: RunFolder, history: RunHistory, files: FiguresQueue? = nil) throws {
        self.folder = folder
        self.files = files
        self.history = history
        metrics = try Self.table(
            folder.metrics, RunHistory.VersionRow.header, history.versions.map { ($0.version, $0.csv) }, of: history)
        evaluations = try Self.table(
            folder.evaluations, RunHistory.EvaluationRow.header, history.evaluations.map { ($0.version, $0.csv) },
            of: history)
    }

    /// A table with the rows of a history. Where that keeps but a part of its rows, those that the file has of earlier
    /// versions stay.
    private static func table(
        _ path: String, _ header: String, _ rows: [(version: Version, csv: String)], of history: RunHistory
    ) throws -> CSVFile {
        guard history.isThinned, FileManager.default.fileExists(atPath: path) else {
            return try CSVFile(path: path, header: header, rows: rows.map(\.csv))
        }
        let newest = rows.suffix(RunHistory.newestRows)
        let first = newest.first?.version ?? .max
        return try CSVFile(
            continuing: path, upTo: { row in row.prefix { $0 != "," }.isVersion(below: first) }, rows: newest.map(\.csv)
        )
    }

    package mutating func begin(at time: Timestamp) { history.begin(at: time) }

    package mutating func add(_ flush: Flush) throws { try append(history.add(flush).csv, to: metrics) }

    package mutating func add(_ evaluation: ClientMessage.Evaluation) { history.add(evaluation) }

    private func append(_ row: String, to table: CSVFile) throws {
        guard let files else { return try table.append(row) }
        files.append { try table.append(row) }
    }

    package mutating func add(_ validation: Validation, at time: Timestamp) throws {
        try append(history.add(validation, at: time).csv, to: evaluations)
    }

    /// The beacon's metrics beyond the core's own figures, ascending by name.
    package func beaconMetrics(at time: Timestamp, isDraining: Bool) -> [Metric] {
        var result: [Metric] = []
        if let last = history.evaluations.last {
            result.append(Metric(name: "accuracy", value: last.accuracy))
            result.append(Metric(name: "accuracy.version", value: Double(last.version)))
        }
        if let last = history.federatedEvaluations.last {
            result.append(Metric(name: "clients.accuracy", value: last.accuracy))
            result.append(Metric(name: "clients.accuracy.version", value: Double(last.version)))
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
    package mutating func keep(_ prompts: @autoclosure () -> PromptsFile, always: Bool = false) throws {
        let now = ContinuousClock.now
        if !always, let lastPromptsWrite, now - lastPromptsWrite < Self.promptsInterval { return }
        lastPromptsWrite = now
        let prompts = prompts()
        guard let files else { return try prompts.write(to: folder.prompts) }
        files.replace(.prompts) { [folder] in try prompts.write(to: folder.prompts) }
    }
}

extension Substring {
    fileprivate func isVersion(below bound: Version) -> Bool { Version(self).map { $0 < bound } ?? false }
}

extension Validation {
    package init(version: Version, _ evaluation: Evaluation) {
        self.init(
            version: version, accuracy: evaluation.accuracy, balancedAccuracy: evaluation.balancedAccuracy,
            loss: evaluation.loss, maskedAccuracy: evaluation.maskedAccuracy)
    }
}
