import ArgumentParser
import Console
import FederationRun
import Lab
import RunLog
import Text

struct WhatIfCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whatif",
        abstract: "Shows how far a run would have moved without a client, from its log.",
        discussion: """
            Aggregates the recorded updates again without those of a client, and compares what comes out with the recorded \
            state: pool, prompts, head, and accuracy where the run's images and encoder are at hand. Without --without: a \
            line for each client that sent updates.

            This is an open loop: the other clients' updates stay as they were sent.

            impromptu whatif runs/first
            impromptu whatif runs/first --without clinic-3
            """)

    @Argument(help: ArgumentHelp("A run folder, or one file of its log.", valueName: "run"))
    var path: String

    @Option(
        name: .customLong("without"),
        help: ArgumentHelp("Leaves this client out; repeatable, for several at once.", valueName: "client"))
    var absent: [String] = []

    @Option(help: "Stops after this version.")
    var until: Int?

    @Option(help: "The images to report accuracy on: test or validation.")
    var split: RunEvaluation.Split = .validation

    @Flag(help: "Evaluates nothing; needs neither data nor encoder.")
    var noAccuracy = false

    @Option(help: "Threads of the evaluation; they change no bit.")
    var threads = 2

    @Flag(help: "Prints JSON.")
    var json = false

    func validate() throws {
        if let until, until < 0 { throw ValidationError("--until: expected a version from 0, found \(until)") }
        guard (1...256).contains(threads) else {
            throw ValidationError("--threads: expected 1 to 256, found \(threads)")
        }
    }

    func run() throws {
        let methods: WhatIfMethods =
            absent.isEmpty ? try .leavingOutEach(of: path) : try .leavingOut(absent, of: path)
        let comparison = try WhatIf(
            log: path, methods: methods, until: until, split: noAccuracy ? nil : split, needsImages: false,
            threads: threads)
        if json { return try printJSON(comparison) }
        try StandardOutput.write("version \(comparison.version) of \(comparison.log)\n")
        try StandardOutput.write(comparison.lines.joined(separator: "\n"))
    }
}
