import ArgumentParser
import Console
import FederationRun
import Lab
import PromptAggregation
import RunLog

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Tells how well a version of a run classifies held-out images, class by class.",
        discussion: """
            Replays the log up to the version and evaluates it with the data set and the encoder that the run's \
            configuration names: accuracy, balanced accuracy, loss, and each class's own accuracy. Prompts are picked as \
            evaluation.selection says; where the other rule gives other figures, they are shown too (docs/model.md).
            """)

    @Argument(help: ArgumentHelp("A run folder or its run.mcap.", valueName: "run"))
    var path: String

    @Option(help: "The version; the last one unless given.")
    var version: Int?

    @Option(help: "The images: test or validation.")
    var split: RunEvaluation.Split = .test

    @Option(help: "How prompts are picked: instance or batch; as the run's configuration says unless given.")
    var selection: PromptSelectionRule?

    @Option(help: "Threads; they change no bit.")
    var threads = 2

    @Flag(help: "Prints JSON.")
    var json = false

    func run() throws {
        let evaluation = try RunEvaluation(
            log: RunFolder.log(at: path), version: version, split: split, selection: selection, threads: threads)
        if json { return try printJSON(evaluation) }
        try StandardOutput.write(evaluation.lines.joined(separator: "\n"))
    }
}

extension RunEvaluation.Split: ExpressibleByArgument {}
