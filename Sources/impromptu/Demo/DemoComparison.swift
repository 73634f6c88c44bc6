import Federation
import FederationRun
import Lab
import PromptAggregation
import PromptTuning
import RunLog
import RunSettings
import Text

/// How other methods do on the data of a demo's clients, simulated in virtual time for as long as the demo took.
public struct DemoComparison: Encodable, Sendable {
    /// One method.
    public struct Row: Encodable, Sendable {
        /// nil for the run itself.
        package var method: ComparedMethod?
        package var updates: Int
        /// On the validation split.
        package var moments: [RunHistory.EvaluationRow]
        /// On the test split; nil where clients keep models of their own.
        package var testAccuracy: Double?

        package init(
            method: ComparedMethod? = nil, updates: Int, moments: [RunHistory.EvaluationRow], testAccuracy: Double?
        ) {
            self.method = method
            self.updates = updates
            self.moments = moments
            self.testAccuracy = testAccuracy
        }
    }
    package var rows: [Row] = []

    private let live: RunConfiguration
    private let pace: DemoPace
    private let seconds: Double
    /// What is computed once of the images of the run's clients serves all methods that have the same clients.
    private let store = MaterialStore(capacity: 2)

    private enum CodingKeys: String, CodingKey { case rows }

    /// - Parameters:
    ///   - live: of the run.
    ///   - moments: its evaluations.
    ///   - seconds: how long it took.
    package init(like live: RunConfiguration, moments: [RunHistory.EvaluationRow], seconds: Double) {
        self.live = live
        pace = DemoPace(of: live, moments: moments)
        self.seconds = seconds
    }

    /// Simulates a method with two threads and adds its row.
    ///
    /// - Parameters:
    ///   - folder: gets the run's files.
    ///   - test: the test split.
    /// - Throws: `ConfigurationError` where the run's settings do not suit the method, `CancellationError` where it was
    ///   asked to stop, or what is wrong with data or tuning.
    package mutating func add(
        _ method: ComparedMethod, in folder: RunFolder, test: TuningDataset, shouldStop: () -> Bool
    ) throws {
        let configuration = try method.configuration(like: live, pace: pace, seconds: seconds)
        let materials = try store.materials(of: configuration)
        var simulation = try Simulation(
            configuration: configuration, folder: folder, threads: 2, materials: materials
        ) { _, _ in }
        let last = try simulation.run(shouldStop: shouldStop)
        let plan = configuration.federation.plan
        var row = Row(
            method: method, updates: simulation.history.updates, moments: simulation.history.evaluations,
            testAccuracy: nil)
        if plan.personal == .nothing {
            row.testAccuracy = try PromptLearner(encoder: materials.encoder, threads: 2).evaluate(
                last.state, on: test, plan: plan, selection: configuration.evaluation.selection
            ).accuracy
        }
        rows.append(row)
    }

    /// A table by the clock, and how much sooner the run was where FedAvg came.
    ///
    /// - Parameters:
    ///   - own: the run itself.
    ///   - examples: what is classified.
    package func lines(beside own: Row, examples: String) -> [String] {
        let marks = (1...4).map { seconds * Double($0) / 4 }
        var table = TextTable(
            ["validation accuracy after"] + marks.map { decimal($0, 0) + " s" } + ["updates", "test accuracy"])
        for row in [own] + rows {
            let name = row.method?.title ?? "this run, \(live.strategy.name)"
            let accuracies = marks.map { mark in
                row.moments.last { $0.seconds <= mark }.map { percent($0.accuracy) } ?? "-"
            }
            table.add([name] + accuracies + ["\(row.updates)", row.testAccuracy.map(percent) ?? "-"])
        }
        let note =
            "The rows below the first are simulated: the same clients' \(examples), delays and machine, in virtual time."
        return table.lines + ["", note] + sooner(own)
    }

    private func sooner(_ own: Row) -> [String] {
        guard let rounds = rows.first(where: { $0.method == .fedAvg }),
            let best = rounds.moments.max(by: { $0.accuracy < $1.accuracy })
        else { return [] }
        let reached = own.moments.first { $0.accuracy >= best.accuracy }
        let own = reached.map { "was there after \(decimal($0.seconds, 0)) s" } ?? "did not come so far"
        return [
            "Synchronous rounds came to \(percent(best.accuracy)) after \(decimal(best.seconds, 0)) s; this run \(own)."
        ]
    }
}
