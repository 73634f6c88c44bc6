import Federation
import Foundation
import PromptAggregation
import PromptTuning
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
        metrics = try CSVFile(
            path: folder.metrics, header: RunHistory.VersionRow.header, rows: history.versions.map(\.csv))
        let earlier = RunHistory.evaluations(in: folder)
        self.history.evaluations = earlier
        evaluations = try CSVFile(
            path: folder.evaluations, header: RunHistory.EvaluationRow.header, rows: earlier.map(\.csv))
    }

    package mutating func begin(at time: Timestamp) { history.begin(at: time) }

    package mutating func add(_ flush: Flush) throws { try append(history.add(flush).csv, to: metrics) }

    package mutating func add(_ evaluation: ClientMessage.Evaluation) { history.add(evaluation) }

    private func append(_ row: String, to table: CSVFile) throws {
        guard let files else { return try table.append(row) }
        files.append { try table.append(row) }
    }

    package mutating func add(_ outcome: Evaluator.Outcome, at time: Timestamp) throws {
        let row = row(outcome, at: time)
        history.evaluations.append(row)
        try append(row.csv, to: evaluations)
    }

    /// A row of an evaluation.
    package func row(_ outcome: Evaluator.Outcome, at time: Timestamp) -> RunHistory.EvaluationRow {
        RunHistory.EvaluationRow(
            version: outcome.version, seconds: history.seconds(at: time),
            updates: history.updates(at: outcome.version), outcome.evaluation)
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

extension RunHistory.EvaluationRow {
    init(version: Version, seconds: Double, updates: Int, _ evaluation: Evaluation) {
        self.init(
            version: version, seconds: seconds, updates: updates, accuracy: evaluation.accuracy,
            balancedAccuracy: evaluation.balancedAccuracy, loss: evaluation.loss,
            maskedAccuracy: evaluation.maskedAccuracy)
    }
}
