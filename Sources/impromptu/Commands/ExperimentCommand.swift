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
            The file holds the settings that all runs share, axes whose points set some keys (strategies, partitions, \
            data sets, delays), and seeds; docs/comparing.md describes it. Each run has a folder of its own in the \
            experiment's folder. A finished run is not run again, so the same command continues after Ctrl-C, a crash or \
            a new seed in the file. It writes runs.csv (a row for each run), versions.csv (a row for each version) and \
            summary.md (mean and standard deviation over seeds, paired tests).

            A run is known by its settings. If the file changes, finished runs of the old settings keep their folders \
            and their rows; only --prune removes them.
            """)

    @Argument(help: ArgumentHelp("The experiment file.", valueName: "file"), completion: .file())
    var file: String

    @Argument(
        help: ArgumentHelp("The experiment's folder; by default runs/<the file's name>.", valueName: "folder"),
        completion: .directory)
    var folder: String?

    @Option(help: ArgumentHelp("Runs at a time; by default one for each core.", valueName: "number"))
    var jobs: Int?

    @OptionGroup var threads: ThreadOptions

    @Option(
        help: ArgumentHelp(
            "Makes only the runs of these points of an axis; repeatable, also for further axes.",
            valueName: "axis=point,point"))
    var points: [String] = []

    @Flag(help: "Removes every run whose settings are not those of the file, and makes no run.")
    var prune = false

    @OptionGroup var quiet: QuietOption

    func validate() throws {
        if let jobs, jobs < 1 { throw ValidationError("--jobs: expected at least 1") }
        if prune, !points.isEmpty || jobs != nil {
            throw ValidationError("--prune: expected neither --points nor --jobs with it")
        }
    }

    func run() async throws {
        let experiment = try Experiment(file: file)
        let folder = folder ?? "runs/\(experiment.name)"
        let display = ProgressDisplay(quiet: quiet.isQuiet)
        let runner = try ExperimentRunner(
            experiment, folder: folder, jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount,
            threads: threads.count, only: try experiment.selection(points)
        ) { display.show($0) }
        if prune {
            let removed = try runner.prune()
            for name in removed { try StandardOutput.write("removed \(folder)/runs/\(name)") }
            return try StandardOutput.write("\(removed.count) runs removed; the tables are written again")
        }
        let signals = StopSignals { runner.stop() }
        defer { withExtendedLifetime(signals) {} }
        display.begin(experiment.cells.count * experiment.seeds.count)
        let outcome = try await runner.run()
        display.end()
        try StandardOutput.write(outcome.lines.joined(separator: "\n"))
        try StandardOutput.write(
            "\n\(outcome.reported) of \(outcome.expected) runs are in \(folder)/runs.csv, versions.csv and summary.md"
                + " (\(outcome.made) made now, \(outcome.found) found finished)"
                + (outcome.earlier == 0 ? "" : "; beside them \(outcome.earlier) runs of other settings"))
        guard outcome.failures.isEmpty else {
            throw RunsMissing(
                description: "\(outcome.failures.count) runs failed:\n"
                    + outcome.failures.map { "  \($0.run): \($0.reason)" }.joined(separator: "\n"))
        }
        if outcome.wasStopped { throw RunsMissing(description: "stopped; the same command continues") }
    }
}

private struct RunsMissing: Error, CustomStringConvertible {
    var description: String
}

/// Shows each run that ends.
private final class ProgressDisplay: @unchecked Sendable {
    private let lock = NSLock()
    private let quiet: Bool
    private var line = ProgressLine()

    init(quiet: Bool) { self.quiet = quiet }

    func begin(_ runs: Int) {
        guard !quiet else { return }
        lock.withLock { line.show("\(runs) runs; after the first the time left is known") }
    }

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
