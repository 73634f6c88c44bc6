import ArgumentParser
import Dashboard
import FederationRuntime
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

struct AggregateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "aggregate",
        abstract: "Runs the aggregator of a federation.",
        discussion: """
            Binds the configured endpoints, gives tasks to the clients that say hello, and makes a version whenever the \
            mode says so. Everything goes into the run folder: run.mcap (the log), config.yaml, endpoints.yaml, \
            prompts.safetensors, metrics.csv, evaluations.csv, report.svg. Started again on the folder of an interrupted \
            run, it goes on where the log ends. Ctrl-C and SIGTERM stop it cleanly.

            --dashboard serves a page that shows the run as it goes on, with /metrics for Prometheus, /healthz and /readyz.
            """)

    @OptionGroup var options: ConfigurationOptions

    @Option(name: .customLong("run"), help: "The run folder; runs/<time> unless given.")
    var folder: String?

    @OptionGroup var dashboard: DashboardOptions

    @Flag(help: "Prints all keys with the values in force, and ends.")
    var printConfig = false

    @Flag(help: "Shows no progress.")
    var quiet = false

    func run() async throws {
        let configuration = try options.load()
        if printConfig { return print(configuration.yaml, terminator: "") }
        let folder = RunFolder(path: folder ?? RunFolder.newPath(named: "run"))
        let watch = RunWatch()
        let logger = Logger.forCommand("aggregate", keptIn: watch.lines)
        let dashboard = try dashboard.address.map { try Dashboard(address: $0, watch: watch, logger: logger) }
        // Recovery may take its time, so the dashboard is there before it.
        let serving = Task { await dashboard?.run() }
        defer { serving.cancel() }
        let service = try AggregatorService(
            configuration: configuration, folder: folder, logger: logger, progress: quiet ? nil : ProgressLine(),
            watch: dashboard == nil ? nil : watch)
        try await runUntilSignalled(service, logger: logger)
    }
}

struct WorkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work",
        abstract: "Runs a worker, which hosts some of a federation's clients.",
        discussion: """
            Takes the aggregator's configuration file; --config runs/first/endpoints.yaml behind it fills in endpoints \
            that were bound to a free port. The clients of data.clients are dealt out: worker 0 of 4 gets clients 0, 4, \
            8 and so on. The worker ends with the run; Ctrl-C and SIGTERM stop it cleanly.
            """)

    @OptionGroup var options: ConfigurationOptions

    @Option(help: "Which worker this is, from 0.")
    var index = 0

    @Option(help: "How many workers there are.")
    var of = 1

    @Option(help: ArgumentHelp("The name of its key in security.keys; worker-<index> unless given.", valueName: "name"))
    var key: String?

    func validate() throws {
        guard of >= 1, (0..<of).contains(index) else {
            throw ValidationError("--index: expected 0 to \(max(0, of - 1)) for --of \(of), found \(index)")
        }
    }

    func run() async throws {
        let configuration = try options.load()
        let clients = Array(stride(from: index, to: configuration.data.clients, by: of))
        guard !clients.isEmpty else {
            throw ConfigurationError(
                "--of \(of): worker \(index) has none of the \(configuration.data.clients) clients")
        }
        let logger = Logger.forCommand("work")
        let service = try WorkerService(
            configuration: configuration, clients: clients, key: key ?? "worker-\(index)", logger: logger)
        try await runUntilSignalled(service, logger: logger)
    }
}

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Runs a whole federation on this machine: an aggregator, four workers, twenty clients.",
        discussion: """
            Fashion-MNIST is divided over twenty clients by Dirichlet(0.1); each dawdles with a heavy-tailed delay. They \
            tune the prompts of one frozen vision transformer together with asynchronous PFPT, over sockets, as processes \
            of their own. Kill a worker or the aggregator while it runs: each is started again, and nothing is lost. At \
            the end the log is replayed and every published digest compared.
            """)

    @Option(name: .customLong("run"), help: "The run folder; runs/demo-<time> unless given.")
    var folder: String?

    @Option(help: "Worker processes.")
    var workers = 4

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Changes a key of the demo's configuration.", valueName: "section.key=value"))
    var assignments: [String] = []

    @OptionGroup var dashboard: DashboardOptions

    @Flag(help: "Prints the outcome as JSON.")
    var json = false

    func validate() throws {
        guard (1...64).contains(workers) else { throw ValidationError("--workers: expected 1 to 64, found \(workers)") }
    }

    func run() async throws {
        let configuration = try RunConfiguration.load(base: RunConfiguration.demo, files: [], assignments: assignments)
        guard workers <= configuration.data.clients else {
            throw ConfigurationError(
                "--workers \(workers): expected at most one for each of the \(configuration.data.clients) clients")
        }
        let json = json
        let demo = Demo(
            configuration: configuration, folder: RunFolder(path: folder ?? RunFolder.newPath(named: "demo")),
            workers: workers, aggregatorArguments: try dashboard.arguments
        ) { outcome in
            if json { try printJSON(outcome) } else { print(outcome.lines.joined(separator: "\n")) }
        }
        try await runUntilSignalled(demo, logger: .forCommand("demo"))
    }
}

/// Runs a service until it ends by itself, or Ctrl-C or SIGTERM asks it to stop.
private func runUntilSignalled(_ service: some Service, logger: Logger) async throws {
    var quiet = logger
    quiet.logLevel = .critical
    let group = ServiceGroup(
        configuration: .init(
            services: [
                .init(
                    service: service, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .cancelGroup)
            ], gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet))
    try await group.run()
}

extension Logger {
    /// Logs to standard error, and to where the last lines are kept.
    fileprivate static func forCommand(_ name: String, keptIn lines: RecentLines? = nil) -> Logger {
        Logger(label: name) {
            let handler =
                JournalLogHandler.isWanted()
                ? JournalLogHandler() as any LogHandler : StreamLogHandler.standardError(label: $0)
            return lines.map { MultiplexLogHandler([handler, $0.handler()]) } ?? handler
        }
    }
}
