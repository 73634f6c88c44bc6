import Foundation
import PromptAggregation
import RunLog
import RunSettings
import Text

/// What an experiment keeps of a finished run, beside the tables in the run's folder.
struct RunFigures: Codable, Sendable {
    /// Which run of an experiment it is, so that its row can be written when the file says something else.
    struct Cell: Codable, Sendable {
        struct Point: Codable, Sendable {
            var axis: String
            var point: String
        }
        var points: [Point]
        var seed: UInt64
        /// The value of the tuned key.
        var tuned: String?
        /// Whether it only served the choice of that value.
        var isTuning: Bool
        /// The digest of its settings without the seeds: runs that share it differ in these alone.
        var settings: String
    }

    /// Of the effective configuration (`digest(of:)`): what makes it this run.
    var configuration: String
    /// nil where an earlier build wrote it.
    var cell: Cell?
    var build: String
    /// On the validation and the test split, of the same versions, ascending.
    var validation: [RunHistory.EvaluationRow]
    var test: [RunHistory.EvaluationRow]
    /// Of the last version at each client (`Simulation.clientAccuracies`); nil where it has none, or an earlier build wrote
    /// the file.
    var clientAccuracies: [Double]?
    var versions: Int
    var updates: Int
    /// In virtual time.
    var seconds: Double
    var pool: Int
    var meanStaleness: Double
    var bytesUp: Int
    var bytesDown: Int
    var wallSeconds: Double
    var processorSeconds: Double

    /// The first 16 digits of the SHA-256 of all keys with their values.
    static func digest(of configuration: RunConfiguration) -> String {
        String("\(Digest(of: [UInt8](configuration.yaml.utf8)))".prefix(16))
    }

    /// Whether a run came to its end and was evaluated.
    var isComplete: Bool { !validation.isEmpty && validation.map(\.version) == test.map(\.version) }

    /// The version with the best validation accuracy; among equals the one with the least loss, then the first.
    var chosen: Int {
        validation.indices.min { a, b in
            let (x, y) = (validation[a], validation[b])
            return (-x.accuracy, x.loss) < (-y.accuracy, y.loss)
        } ?? 0
    }

    /// The version with the least loss on the test split: what the PFPT paper reports, which chooses by test images.
    var leastTestLoss: Int { test.indices.min { test[$0].loss < test[$1].loss } ?? 0 }

    /// The last evaluation on the test split by a virtual time.
    func test(by seconds: Double) -> RunHistory.EvaluationRow { test.last { $0.seconds <= seconds } ?? test[0] }

    /// Of the accuracies at the clients; nil where they are not known.
    var clientMean: Double? { clientAccuracies.map { Spread($0).mean } }
    var clientWorstDecile: Double? { clientAccuracies?.worstDecile }

    /// The first evaluation whose validation accuracy is at least `target`; nil when none is.
    func reaches(_ target: Double) -> RunHistory.EvaluationRow? { validation.first { $0.accuracy >= target } }
}

extension RunFigures {
    static func read(_ folder: RunFolder) -> RunFigures? {
        guard let data = FileManager.default.contents(atPath: file(folder)) else { return nil }
        return try? JSONDecoder().decode(RunFigures.self, from: data)
    }

    /// Written last and in one piece, so that it is there only for a run that is finished.
    func write(to folder: RunFolder) throws { try folder.write(json: self, to: Self.file(folder)) }

    private static func file(_ folder: RunFolder) -> String { folder.path + "/figures.json" }
}

extension RunFigures {
    /// The columns of a run's own figures in runs.csv.
    static func header(targets: [Double]) -> [String] {
        var header: [String] = []
        for which in ["last", "chosen", "least_test_loss"] {
            header += ["version", "test_accuracy", "test_balanced", "test_masked"].map { "\($0)_\(which)" }
        }
        header += [
            "validation_accuracy_last", "validation_accuracy_chosen", "client_mean_last", "client_worst_decile_last",
        ]
        for target in targets { header += ["seconds_to_\(decimal(target, 2))", "updates_to_\(decimal(target, 2))"] }
        header += [
            "bytes_up", "bytes_down", "versions", "updates", "pool_last", "mean_staleness", "virtual_seconds",
            "wall_seconds", "processor_seconds", "configuration", "build",
        ]
        return header
    }

    func columns(targets: [Double]) -> [String] {
        var columns: [String] = []
        for row in [test.count - 1, chosen, leastTestLoss].map({ test[$0] }) {
            columns.append("\(row.version)")
            columns += [row.accuracy, row.balancedAccuracy, row.maskedAccuracy].map { decimal($0, 6) }
        }
        columns += [validation.count - 1, chosen].map { decimal(validation[$0].accuracy, 6) }
        columns += [clientMean, clientWorstDecile].map { $0.map { decimal($0, 6) } ?? "" }
        for target in targets {
            let row = reaches(target)
            columns += [row.map { decimal($0.seconds, 3) } ?? "", row.map { "\($0.updates)" } ?? ""]
        }
        columns += [bytesUp, bytesDown, versions, updates, pool].map { "\($0)" }
        columns += [decimal(meanStaleness, 4)]
        columns += [seconds, wallSeconds, processorSeconds].map { decimal($0, 3) }
        columns += [configuration, build]
        return columns
    }
}
