import ArgumentParser
import Console
import Dashboard
import FederationRun
import FederationService
import Foundation
import Lab
import Logging
import RunLog
import RunSettings
import ServiceLifecycle
import UnixSignals

struct AggregateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "aggregate",
        abstract: "Runs the aggregator of a federation.",
        discussion: """
            Binds the configured endpoints, gives tasks to the clients that say hello, and makes a version whenever the \
            mode says so. Everything goes into the run folder: run-000001.mcap and so on (the log), config.yaml, endpoints.yaml, \
            prompts.safetensors, metrics.csv, evaluations.csv, report.svg. On the folder of an interrupted run it \
            continues where the log ends. Ctrl-C and SIGTERM stop it cleanly; on SIGHUP it reads the list of keys that \
            may connect again (security.keys).

            --dashboard serves a live page of the run, with /metrics for Prometheus, /healthz and /readyz.
            """)

    @OptionGroup var options: ConfigurationOptions

    @OptionGroup var classes: ClassOptions

    @Argument(
        help: ArgumentHelp("The run folder; by default runs/run-<time>.", valueName: "run"), completion: .directory)
    var folder: String?

    @OptionGroup var start: WarmStartOptions

    @OptionGroup var dashboard: DashboardOptions

    @Flag(help: "Keeps running after the run ends, so that late workers learn of it.")
    var keepRunning = false

    @Flag(
        help: """
            Continues an interrupted run even if this program computes other versions from its log than were logged. The \
            log records this.
            """)
    var acceptFork = false

    @OptionGroup var quiet: QuietOption

    @OptionGroup var service: ServiceOptions

    func run() async throws {
        let configuration = try options.load(classes.assignments, of: folder.map(RunFolder.init(path:)))
        // From the beginning, as the signal would end the process.
        let hangups = await UnixSignalsSequence(trapping: .sighup)
        let folder = RunFolder(path: folder ?? RunFolder.newPath(named: "run"))
        let looked = try dashboard.address.map { (address: $0, watch: RunWatch()) }
        let logger = service.logger("aggregate", keptIn: looked?.watch.lines)
        let names = dashboard.hosts
        let dashboard = try looked.map {
            try Dashboard(address: $0.address, names: names, watch: $0.watch, logger: logger)
        }
        // Recovery may take its time, so the dashboard is there before it.
        let serving = Task { await dashboard?.run() }
        defer { serving.cancel() }
        let aggregator = try AggregatorService(
            configuration: configuration, folder: folder, logger: logger,
            progress: quiet.isQuiet ? nil : ProgressLine(),
            health: service.healthFile, stays: keepRunning, acceptsFork: acceptFork, watch: looked?.watch,
            earlier: try start.prompts()
        ) { figures in
            try RunReport.write(figures.history, heading: figures.heading, classes: figures.classes, to: folder)
        }
        let reloading = Task {
            for await _ in hangups { await aggregator.reloadKeys() }
        }
        defer { reloading.cancel() }
        try await runUntilSignalled(aggregator, logger: logger)
    }
}

struct WorkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work",
        abstract: "Runs a worker, which hosts some of a federation's clients.",
        discussion: """
            It uses the aggregator's configuration file. Given the run folder on a shared file system, it finds the \
            aggregator on any machine; without --config it also uses the configuration in that folder.

            A client with images of its own: --client clinic-3 --data scans. Several in one worker: worker.clients in the \
            configuration, a path for each name. Classes are matched by name. The client trains on all of its images \
            except the share that it holds out (data.held_out).

            With a divided data set the workers share the data.clients clients: worker 0 of 4 hosts clients 0, 4, 8 and \
            so on; a worker without clients ends at once.

            The worker ends with the run. Ctrl-C and SIGTERM stop it cleanly: it finishes its trainings if it can within \
            worker.grace_seconds, keeps unacknowledged updates, and says goodbye. Exit code 75: no aggregator came within \
            --timeout; try again later.

            impromptu work runs/first --index 0 --workers 4
            """)

    @OptionGroup var options: ConfigurationOptions

    @OptionGroup var site: SiteOptions

    @OptionGroup var numbered: WorkerPlaceOptions

    @Flag(
        help: """
            Takes --index and --workers from Slurm's job array, which may begin at any number, and from its job step. If \
            --workers is given, SLURM_ARRAY_TASK_ID counts from 0.
            """)
    var slurm = false

    @Argument(
        help: ArgumentHelp(
            "The run folder of the aggregator or of a relay, to find its addresses, also when it has moved.",
            valueName: "run"), completion: .directory)
    var folder: String?

    @Option(help: .timeout("With a run folder: how long to wait for a silent aggregator (0 for ever)"))
    var timeout = TimeSpan(seconds: 600)

    @Option(
        help: ArgumentHelp(
            "The name of its key in security.keys; by default worker-<index>, with --client the client's name.",
            valueName: "name"))
    var key: String?

    @OptionGroup var service: ServiceOptions

    func validate() throws {
        guard timeout.seconds <= 1e9 else {
            throw ValidationError("--timeout: expected at most 1e9 seconds, found \(timeout)")
        }
        guard slurm else { return try numbered.requireSense() }
        guard numbered.index == nil, numbered.workers ?? 1 >= 1 else {
            throw ValidationError("--slurm: expected no --index beside it")
        }
    }

    func run() async throws {
        let patience: Duration? = timeout.seconds > 0 ? timeout.duration : nil
        let run = folder.map(RunFolder.init(path:))
        let file = options.files.isEmpty ? try await run?.awaitedConfiguration(within: patience) : nil
        let configuration = try site.load(options, above: file.map { [$0] } ?? [])
        let place = slurm ? try WorkerPlace(of: numbered.workers) : numbered.place
        let logger = service.logger("work")
        let clients = try dealt(configuration, to: place)
        guard !clients.isEmpty || !configuration.worker.clients.isEmpty else {
            return logger.info(
                "nothing to do: worker \(place.index) of \(place.of) has none of the \(configuration.data.clients) clients"
            )
        }
        let worker = try WorkerService(
            configuration: configuration, clients: clients, key: key ?? configuration.worker.key ?? place.key,
            meeting: run.map { ($0, patience) }, logger: logger, health: service.healthFile)
        try await runUntilSignalled(worker, logger: logger)
    }
}

extension WorkCommand {
    /// The clients that a worker gets of those among whom a data set is divided.
    /// - Throws: `ConfigurationError` where both kinds of clients, or neither, are asked for.
    private func dealt(_ configuration: RunConfiguration, to place: WorkerPlace) throws -> [Int] {
        guard configuration.worker.clients.isEmpty else {
            guard !numbered.isGiven, !slurm else {
                throw ConfigurationError(
                    "worker.clients: expected no --index, --workers or --slurm beside clients with images of their own")
            }
            return []
        }
        try configuration.requireDivided()
        return place.clients(of: configuration.data.clients)
    }
}

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Runs a whole federation on this machine: an aggregator, four workers, twenty clients.",
        discussion: """
            Fashion-MNIST is divided over twenty clients by Dirichlet(0.3); each waits for a random time with a heavy \
            tail. Together they tune the prompts of one frozen vision transformer with asynchronous PFPT, as separate \
            processes over sockets. Kill a worker or the aggregator while it runs: the demo restarts it, and nothing is \
            lost. At the end the demo replays the log and compares every published digest. Then it simulates other methods on \
            the same clients' data for the same length of time, classifies ten test images, and writes a report.
            """)

    @Argument(
        help: ArgumentHelp("The run folder; by default runs/demo-<time>.", valueName: "run"), completion: .directory)
    var folder: String?

    @Option(help: ArgumentHelp("How many workers there are.", valueName: "number"))
    var workers = 4

    @OptionGroup var options: ConfigurationOptions

    @OptionGroup var dashboard: DashboardOptions

    @Flag(inversion: .prefixedNo, help: "Compares with other methods at the end, or does not.")
    var comparison = true

    @OptionGroup var output: DocumentOptions

    func validate() throws {
        guard (1...64).contains(workers) else { throw ValidationError("--workers: expected 1 to 64, found \(workers)") }
    }

    func run() async throws {
        let configuration = try RunConfiguration.load(
            base: RunConfiguration.demo, files: options.files, assignments: options.settings.assignments)
        guard workers <= configuration.data.clients else {
            throw ConfigurationError(
                "--workers \(workers): expected at most one for each of the \(configuration.data.clients) clients")
        }
        if let page = try dashboard.address { StandardError.write("the run is shown at http://\(page)/\n") }
        let output = output
        let demo = Demo(
            configuration: configuration, folder: RunFolder(path: folder ?? RunFolder.newPath(named: "demo")),
            workers: workers, aggregatorArguments: try dashboard.arguments, compares: comparison
        ) { outcome in
            try output.show(outcome) { outcome.lines }
        }
        try await runUntilSignalled(demo, logger: Logger(label: "demo"))
    }
}

/// Runs a service until it ends by itself, or Ctrl-C or SIGTERM asks it to stop.
func runUntilSignalled(_ service: some Service, logger: Logger) async throws {
    var quiet = logger
    quiet.logLevel = .critical
    let group = ServiceGroup(
        configuration: .init(
            services: [
                .init(
                    service: service, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .cancelGroup)
            ], logger: quiet))
    let signals = StopSignals { Task { await group.triggerGracefulShutdown() } }
    defer { withExtendedLifetime(signals) {} }
    try await group.run()
}
