import ArgumentParser
import Console
import FaultSimulation
import FederationRun
import Foundation
import Lab
import RunLog
import RunSettings
import Text

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Runs a federation in virtual time, with the real learner.",
        discussion: """
            Uses the production core, codec and log, and clients that really tune. Only the clocks are virtual, so it \
            compares methods by time without waiting. It starts from the demo's configuration; --config and --set \
            override it. The same seed gives the same log.

            With --faults: many small federations with a stub learner, on a network that loses, delays, repeats and \
            cuts, with processes that die at any point and disks that tear what was not synced. Each seed draws its \
            own mode, strategy and faults, and is checked against the invariants of docs/ARCHITECTURE.md.
            """)

    @OptionGroup var options: ConfigurationOptions

    @Option(name: .customLong("run"), help: "The run folder; by default runs/simulation-<time>.")
    var folder: String?

    @OptionGroup var start: WarmStartOptions

    @Option(help: "Threads of the tuning; they do not change the outcome.")
    var threads = 2

    @Flag(help: "Prints the evaluations as JSON.")
    var json = false

    @Flag(help: "Tests the protocol under faults instead.")
    var faults = false

    @Option(help: "With --faults: how many seeds.")
    var seeds = 500

    @Option(help: "With --faults: the first seed.")
    var firstSeed: UInt64 = 1

    func validate() throws {
        guard seeds >= 1, threads >= 1 else { throw ValidationError("--seeds and --threads: expected at least 1") }
        if faults, start.from != nil { throw ValidationError("--faults: expected no --from beside it") }
    }

    func run() async throws {
        if faults { return try await sweep() }
        let configuration = try RunConfiguration.load(
            base: RunConfiguration.demo, files: options.config, assignments: options.assignments)
        let folder = RunFolder(path: folder ?? RunFolder.newPath(named: "simulation"))
        var progress = ProgressLine()
        var simulation = try Simulation(
            configuration: configuration, folder: folder, threads: threads, earlier: try start.prompts()
        ) {
            progress.show($0, seconds: $1)
        }
        _ = try simulation.run()
        progress.end()
        let rows = simulation.history.evaluations
        if json { return try printJSON(rows) }
        var table = TextTable(["virtual time", "updates", "version", "validation accuracy", "balanced", "loss"])
        for row in rows {
            table.add([
                decimal(row.seconds, 1) + " s", "\(row.updates)", "\(row.version)",
                percent(row.accuracy),
                percent(row.balancedAccuracy), decimal(row.loss, 3),
            ])
        }
        try StandardOutput.write((table.lines + ["", "the run is in \(folder.path)"]).joined(separator: "\n"))
    }

    private func sweep() async throws {
        let start = ContinuousClock.now
        let last = firstSeed.addingReportingOverflow(UInt64(seeds - 1))
        guard !last.overflow else { throw ValidationError("--first-seed: too large for \(seeds) seeds") }
        let sweep = await FaultSweep(seeds: firstSeed...last.partialValue, threads: threads) { _, failure in
            if let failure { StandardError.write("seed \(failure.seed) broke an invariant\n") }
        }
        for failure in sweep.failures {
            try StandardOutput.write("seed \(failure.seed) (\(failure.scenario)):")
            for violation in failure.violations.prefix(5) { try StandardOutput.write("  \(violation)") }
        }
        try StandardOutput.write(
            "\(sweep.seeds) seeds in \(decimal((ContinuousClock.now - start) / .seconds(1), 1)) s, with")
        for line in sweep.tally.lines { try StandardOutput.write("  \(line)") }
        guard let failure = sweep.failures.first else { return try StandardOutput.write("every invariant held") }
        throw FaultsFound(
            description: "\(sweep.failures.count) of \(sweep.seeds) seeds broke an invariant; to see the first alone:"
                + " impromptu simulate --faults --seeds 1 --first-seed \(failure.seed)")
    }
}

private struct FaultsFound: Error, CustomStringConvertible {
    var description: String
}
