import Federation
import Foundation
import PromptAggregation
import RunLog
import RunSettings

/// What a run looks like over its versions and its time, for tools that draw curves.
public struct ExportedCurves: Sendable {
    public struct Point: Hashable, Sendable {
        public var version: Version
        /// Since 1970; of a simulated run, by its virtual clock.
        public var time: Timestamp
        public var value: Double
    }

    /// The name of the run's folder.
    public let name: String
    /// SHA-256 of the log's first record in hexadecimal.
    public let id: String
    public let begin: Timestamp
    public let end: Timestamp
    public let finished: Bool
    /// Where the log begins in the middle of its run, and so do the curves; nil where it begins with the run.
    public let beginning: Replay.Beginning?
    /// Every key of the configuration with its value, ascending by key.
    public let parameters: [(key: String, value: String)]
    /// By name, each ascending by version: `accuracy/validation`, `accuracy/client/<client>`, `loss/training` and so on.
    /// Accuracies are shares of 1.
    public private(set) var curves: [String: [Point]] = [:]

    /// Replays a log.
    /// - Throws: `LogError`, `ReplayError`, or `ConfigurationError`.
    public init(log path: String) throws {
        var history = RunHistory(rows: .all)
        var (begin, now) = (Timestamp?.none, Timestamp(nanoseconds: 0))
        var evaluations: [(evaluation: ClientMessage.Evaluation, time: Timestamp)] = []
        var yaml = ""
        let inspection = try RunInspection(log: path) { step in
            history.take(step)
            switch step {
            case .began(let configuration, _): yaml = configuration.yaml
            case .event(let event, _):
                begin = begin ?? history.startedAt ?? event.time
                now = event.time
            case .effect(.evaluated(let evaluation)): evaluations.append((evaluation, now))
            default: break
            }
        }
        let folder = RunFolder(ofLog: path)
        name = URL(fileURLWithPath: folder.path).standardizedFileURL.lastPathComponent
        id = inspection.id
        self.begin = begin ?? now
        end = now
        finished = inspection.finished
        beginning = inspection.beginning
        var layers = ConfigurationLayers()
        try layers.add(yaml: yaml, name: path)
        parameters = layers.settings.map { ($0.key, $0.value.value) }.sorted { $0.key < $1.key }
        addVersions(history)
        addEvaluations(history)
        for (evaluation, time) in evaluations {
            let place = "client/\(evaluation.client)"
            add("accuracy/\(place)", evaluation.version, time, evaluation.accuracy)
            add("loss/\(place)", evaluation.version, time, evaluation.loss)
        }
    }

    private func time(_ seconds: Double) -> Timestamp { begin + .seconds(seconds) }

    private mutating func add(_ curve: String, _ version: Version, _ time: Timestamp, _ value: Double?) {
        guard let value else { return }
        curves[curve, default: []].append(Point(version: version, time: time, value: value))
    }

    private mutating func addVersions(_ history: RunHistory) {
        for row in history.versions {
            func add(_ curve: String, _ value: Double?) { self.add(curve, row.version, time(row.seconds), value) }
            add("loss/training", row.loss)
            add("updates/total", Double(row.updates))
            add("updates/of_version", Double(row.contributions))
            add("staleness/mean", row.meanStaleness)
            add("staleness/maximum", Double(row.maximumStaleness))
            add("pool/prompts", Double(row.pool))
            add("pool/births", Double(row.births))
            add("pool/deaths", Double(row.deaths))
            add("objective/before", row.objectiveBefore)
            add("objective/after", row.objectiveAfter)
        }
    }

    private mutating func addEvaluations(_ history: RunHistory) {
        for row in history.evaluations {
            func add(_ curve: String, _ value: Double) { self.add(curve, row.version, time(row.seconds), value) }
            add("accuracy/validation", row.accuracy)
            add("balanced_accuracy/validation", row.balancedAccuracy)
            add("masked_accuracy/validation", row.maskedAccuracy)
            add("loss/validation", row.loss)
        }
        for row in history.federatedEvaluations {
            add("accuracy/held_out", row.version, time(row.seconds), row.accuracy)
            add("loss/held_out", row.version, time(row.seconds), row.loss)
        }
    }
}
