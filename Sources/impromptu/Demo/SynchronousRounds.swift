import Federation
import Foundation
import Lab
import PromptAggregation
import RunLog
import RunSettings

/// The demo's federation as it goes in synchronous rounds: the same clients, data and delays, for as long as the demo took.
/// In virtual time, as waiting for the slowest of every round would take as long again.
package struct SynchronousRounds {
    package let configuration: RunConfiguration

    /// Strategies that are not for rounds, and what replaces them there.
    private static let counterparts = [
        "pfpt-async": "pfpt", "fedasync": "fedavg", "fedbuff": "fedavg", "ca2fl": "fedavg",
    ]
    /// Rounds whose lengths are drawn to estimate how many there will be.
    private static let draws = 1000

    /// - Parameters:
    ///   - moments: of the run; they show how fast this machine tuned. A cohort has it to itself.
    ///   - seconds: how long the rounds last.
    /// - Returns: nil where the run had rounds itself.
    /// - Throws: `ConfigurationError` where its settings do not suit rounds.
    package init?(like live: RunConfiguration, moments: [RunHistory.EvaluationRow], seconds: Double) throws {
        let cohort: Int
        switch live.federation.mode {
        case .synchronous: return nil
        case .buffered(let buffer): cohort = buffer.size
        case .continuous: cohort = 5
        }
        let name = Self.counterparts[live.strategy.name] ?? live.strategy.name
        let images = live.federation.plan.images(of: live.data.trainingSamples / live.data.clients)
        let tuning = Self.secondsAnUpdate(moments) * Double(cohort)
        let rounds = max(1, Int(seconds / (tuning + Self.slowest(of: cohort, in: live))))
        configuration = try RunConfiguration.load(
            base: live.yaml, files: [], environment: [:],
            assignments: [
                "federation.mode=synchronous", "federation.cohort=\(cohort)", "strategy.name=\(name)",
                "run.updates=0", "run.versions=0", "run.seconds=\(seconds)", "training.schedule_versions=\(rounds)",
                "evaluation.interval_seconds=\(seconds / 10)", "simulation.evaluation_updates=0",
                "simulation.image_seconds=\(tuning / Double(max(1, images)))",
            ])
    }

    /// Seconds from one update to the next while all clients were at work, which they share the machine for.
    private static func secondsAnUpdate(_ moments: [RunHistory.EvaluationRow]) -> Double {
        guard let first = moments.first, let last = moments.last, last.updates > first.updates else { return 0 }
        return (last.seconds - first.seconds) / Double(last.updates - first.updates)
    }

    /// The mean delay of the slowest of a round's clients, in seconds.
    private static func slowest(of cohort: Int, in live: RunConfiguration) -> Double {
        var random = SeededRandom(seed: live.federation.seed, stream: 3000)
        let delays = (0..<draws).map { _ in
            (0..<cohort).map { _ in live.worker.delay.draw(&random) }.max() ?? .zero
        }
        return delays.reduce(.zero, +) / draws / .seconds(1)
    }

    /// Simulates them.
    /// - Parameter folder: gets the run's files.
    /// - Returns: accuracies on the validation split.
    /// - Throws: `CancellationError` where it was asked to stop.
    package func run(in folder: RunFolder, shouldStop: () -> Bool) throws -> [RunHistory.EvaluationRow] {
        var simulation = try Simulation(configuration: configuration, folder: folder, threads: 2) { _, _ in }
        _ = try simulation.run(shouldStop: shouldStop)
        return simulation.history.evaluations
    }
}
