import ArgumentParser
import FederationRun
import Lab
import RunLog

struct WhatIfCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whatif",
        abstract: "Aggregates the recorded updates of a run another way: without a client, or with another strategy.",
        discussion: """
            Compares what comes out with the recorded state: pool, prompts, head, and accuracy where the run's images and \
            encoder are at hand. Without options: a line for each client that sent updates, as if that client had not \
            been there.

            --strategy aggregates with another strategy. --set changes a key of the section strategy, a key \
            federation.staleness_…, or federation.buffer_size. With that one a version is made after so many updates; \
            without it, whenever the run made one.

            The updates stay as they were sent. What the clients would have sent had they seen other versions is not known.

            impromptu whatif runs/first
            impromptu whatif runs/first --without clinic-3
            impromptu whatif runs/first --strategy fedavg --strategy fedbuff --strategy pfpt
            impromptu whatif runs/first --set federation.buffer_size=10 --set federation.staleness_weight=constant
            """)

    @Argument(help: .recordedRun, completion: .file())
    var path: String

    @Option(
        name: .customLong("without"),
        help: ArgumentHelp("Leaves this client out; repeatable, for several at once.", valueName: "client"))
    var absent: [String] = []

    @Option(
        name: .customLong("strategy"),
        help: ArgumentHelp("Aggregates with this strategy; repeatable.", valueName: "name"))
    var strategies: [String] = []

    @OptionGroup var settings: SettingOptions

    @Option(help: .version("Stops after this version"))
    var modelVersion: Int?

    @Option(help: ArgumentHelp("The images to report accuracy on: test or validation.", valueName: "split"))
    var split: RunEvaluation.Split = .validation

    @Flag(help: "Evaluates nothing; needs neither data nor encoder.")
    var noAccuracy = false

    @OptionGroup var threads: ThreadOptions

    @OptionGroup var output: OutputOptions

    private var isOfMethods: Bool { !strategies.isEmpty || !settings.assignments.isEmpty }

    func validate() throws {
        if let modelVersion, modelVersion < 0 {
            throw ValidationError("--model-version: expected at least 0, found \(modelVersion)")
        }
        guard absent.isEmpty || !isOfMethods else {
            throw ValidationError("--without: expected neither --strategy nor --set beside it")
        }
    }

    func run() throws {
        let comparison = try WhatIf(
            log: path, methods: methods(of: path), until: modelVersion, split: noAccuracy ? nil : split,
            needsImages: isOfMethods, threads: threads.count)
        try output.show(comparison, rows: [comparison.recorded] + comparison.others) {
            ["version \(comparison.version) of \(comparison.log)", ""] + comparison.lines
        }
    }

    private func methods(of log: String) throws -> WhatIfMethods {
        if isOfMethods { return WhatIfMethods(strategies: strategies, assignments: settings.assignments) }
        return absent.isEmpty ? try .leavingOutEach(of: log) : try .leavingOut(absent, of: log)
    }
}
