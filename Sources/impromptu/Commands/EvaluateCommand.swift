import ArgumentParser
import Console
import FederationRun
import Lab
import PromptAggregation
import RunLog

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Evaluates a version of a run on held-out images, class by class.",
        discussion: """
            Replays the log up to the version and evaluates it with the data set and the encoder that the run's \
            configuration names: accuracy, balanced accuracy, loss, and the accuracy of each class. Prompts are picked as \
            evaluation.selection says; if the other rule gives other figures, they are shown too (docs/model.md).
            """)

    @Argument(help: ArgumentHelp("A run folder, or one file of its log.", valueName: "run"))
    var path: String

    @Option(help: "The version; by default the last.")
    var version: Int?

    @Option(help: "The images: test or validation.")
    var split: RunEvaluation.Split = .test

    @Option(help: "How prompts are picked: instance or batch; by default as in the run's configuration.")
    var selection: PromptSelectionRule?

    @Option(help: "Threads; they do not change the result.")
    var threads = 2

    @Flag(help: "Prints JSON.")
    var json = false

    func run() throws {
        let evaluation = try RunEvaluation(
            log: path, version: version, split: split, selection: selection, threads: threads)
        if json { return try printJSON(evaluation) }
        try StandardOutput.write(evaluation.lines.joined(separator: "\n"))
    }
}

extension RunEvaluation.Split: ExpressibleByArgument {}
