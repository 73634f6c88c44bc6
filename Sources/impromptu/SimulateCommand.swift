import ArgumentParser
import FederationRuntime

struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Runs a federation in virtual time, with the real learner.",
        discussion: """
            The production core, codec and log, and clients that really tune; only the clocks are virtual, so methods are \
            compared on the clock without waiting for it. Starts from the demo's configuration; --config and --set lie \
            above it. The same seed gives the same log.
            """)

    @OptionGroup var options: ConfigurationOptions

    @Option(name: .customLong("run"), help: "The run folder; runs/simulation-<time> unless given.")
    var folder: String?

    @Option(help: "Threads of the tuning; they change no bit of the outcome.")
    var threads = 2

    @Flag(help: "Prints the evaluations as JSON.")
    var json = false

    private struct Row: Encodable {
        var version: Int
        var seconds: Double
        var updates: Int
        var accuracy: Double
        var balancedAccuracy: Double
        var loss: Double
    }

    func run() throws {
        let configuration = try RunConfiguration.load(
            base: RunConfiguration.demo, files: options.config, assignments: options.assignments)
        let folder = RunFolder(path: folder ?? RunFolder.newPath(named: "simulation"))
        var progress = ProgressLine()
        var simulation = try Simulation(configuration: configuration, folder: folder, threads: threads) {
            progress.show($0, seconds: $1)
        }
        _ = try simulation.run()
        progress.end()
        let rows = simulation.history.evaluations.map {
            Row(
                version: $0.version, seconds: $0.seconds, updates: $0.updates, accuracy: $0.accuracy,
                balancedAccuracy: $0.balancedAccuracy, loss: $0.loss)
        }
        if json { return try printJSON(rows) }
        var table = TextTable(["virtual time", "updates", "version", "validation accuracy", "balanced", "loss"])
        for row in rows {
            table.add([
                decimal(row.seconds, 1) + " s", "\(row.updates)", "\(row.version)",
                decimal(row.accuracy * 100, 1) + " %",
                decimal(row.balancedAccuracy * 100, 1) + " %", decimal(row.loss, 3),
            ])
        }
        print((table.lines + ["", "the run is in \(folder.path)"]).joined(separator: "\n"))
    }
}
