import ArgumentParser
import Console
import Dispatch
import Foundation
import Lab
import Text

struct ExperimentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "experiment",
        abstract: "Runs a grid of simulations from a file, and makes their tables.",
        discussion: """
            The file says what all runs have in common, axes whose points set some keys (strategies, partitions, data \
            sets, delays), and seeds; docs/experiments.md describes it. Each run has a folder of its own below the \
            experiment's. A run that is finished is not run again, so the same command goes on where Ctrl-C, a crash or \
            a new seed in the file left it. It leaves runs.csv (a row a run), versions.csv (a row a version) and \
            summary.md (mean and standard deviation over seeds, paired tests).
            """)

    @Argument(help: ArgumentHelp("The experiment file.", valueName: "file"))
    var file: String

    @Option(help: "The experiment's folder; runs/<the file's name> unless given.")
    var to: String?

    @Option(help: "Runs at a time; as many as there are cores unless given.")
    var jobs: Int?

    @Option(
        help: ArgumentHelp(
            "Makes only the runs of these points; repeatable for further axes.", valueName: "axis=point,point"))
    var only: [String] = []

    @Flag(help: "Shows no progress.")
    var quiet = false

    func validate() throws {
        if let jobs, jobs < 1 { throw ValidationError("--jobs: expected at least 1") }
    }

    func run() async throws {
        let experiment = try Experiment(file: file)
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let jobs = jobs ?? cores
        let folder = to ?? "runs/\(experiment.name)"
        let display = ProgressDisplay(quiet: quiet)
        let runner = try ExperimentRunner(
            experiment, folder: folder, jobs: jobs, threads: max(1, cores / jobs),
            only: try experiment.selection(only)
        ) { display.show($0) }
        let signals = StopSignals { runner.stop() }
        defer { withExtendedLifetime(signals) {} }
        let outcome = try await runner.run()
        display.end()
        try StandardOutput.write(outcome.lines.joined(separator: "\n"))
        try StandardOutput.write(
            "\n\(outcome.reported) of \(outcome.expected) runs are in \(folder)/runs.csv, versions.csv and summary.md"
                + " (\(outcome.made) made now, \(outcome.found) found finished)")
        guard outcome.failures.isEmpty else {
            throw RunsMissing(
                description: "\(outcome.failures.count) runs failed:\n"
                    + outcome.failures.map { "  \($0.run): \($0.reason)" }.joined(separator: "\n"))
        }
        if outcome.wasStopped { throw RunsMissing(description: "stopped; the same command goes on") }
    }
}

private struct RunsMissing: Error, CustomStringConvertible {
    var description: String
}

/// Tells of each run that ends.
private final class ProgressDisplay: @unchecked Sendable {
    private let lock = NSLock()
    private let quiet: Bool
    private var line = ProgressLine()

    init(quiet: Bool) { self.quiet = quiet }

    func show(_ progress: ExperimentRunner.Progress) {
        guard !quiet else { return }
        lock.withLock {
            let left = progress.remaining.map { ", \(words($0)) left" } ?? ""
            line.show(
                "\(progress.done) of \(progress.total) runs\(left); \(progress.name): test accuracy"
                    + " \(decimal(progress.accuracy * 100, 1)) %")
        }
    }

    func end() { lock.withLock { line.end() } }

    private func words(_ duration: Duration) -> String {
        let minutes = duration / .seconds(60)
        if minutes < 1.5 { return "\(decimal(minutes * 60, 0)) s" }
        return minutes < 90 ? "\(decimal(minutes, 0)) min" : "\(decimal(minutes / 60, 1)) h"
    }
}
