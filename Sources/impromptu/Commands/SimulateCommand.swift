import ArgumentParser
import Console
import FederationRun
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
            compares methods by time without waiting. It reads the configuration as 'aggregate' does. The same seed gives \
            the same log.

            impromptu simulate --config docs/demo.yaml --set strategy.name=fedavg
            """)

    @OptionGroup var options: ConfigurationOptions

    @Argument(
        help: ArgumentHelp("The run folder; by default runs/simulation-<time>.", valueName: "run"),
        completion: .directory)
    var folder: String?

    @OptionGroup var start: WarmStartOptions

    @OptionGroup var threads: ThreadOptions

    @OptionGroup var output: OutputOptions

    @OptionGroup var quiet: QuietOption

    func run() async throws {
        let folder = RunFolder(path: folder ?? RunFolder.newPath(named: "simulation"))
        let isQuiet = quiet.isQuiet
        var progress = ProgressLine()
        var simulation = try Simulation(
            configuration: try options.load(), folder: folder, threads: threads.count, earlier: try start.prompts()
        ) {
            if !isQuiet { progress.show($0, seconds: $1) }
        }
        if let doubt = simulation.classDoubt { StandardError.write("impromptu: classes: \(doubt)\n") }
        if !isQuiet { StandardError.write("impromptu: \(simulation.outlook)\n") }
        _ = try simulation.run()
        progress.end()
        let rows = simulation.history.evaluations
        try output.show(rows) {
            var table = TextTable(["virtual time", "updates", "version", "validation accuracy", "balanced", "loss"])
            for row in rows {
                table.add([
                    decimal(row.seconds, 1) + " s", "\(row.updates)", "\(row.version)",
                    percent(row.accuracy),
                    percent(row.balancedAccuracy), decimal(row.loss, 3),
                ])
            }
            return table.lines + ["", "the run is in \(folder.path)"]
        }
        if let shortfall = simulation.shortfall { throw RunStoppedEarly(description: "\(folder.path): \(shortfall)") }
    }
}

private struct RunStoppedEarly: Error, CustomStringConvertible {
    let description: String
}
