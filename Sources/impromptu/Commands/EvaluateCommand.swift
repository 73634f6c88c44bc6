import ArgumentParser
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

    @Argument(help: .recordedRun, completion: .file())
    var path: String

    @Option(help: .version("The version; by default the last"))
    var modelVersion: Int?

    @Option(help: ArgumentHelp("The images to evaluate: test or validation.", valueName: "split"))
    var split: RunEvaluation.Split = .test

    @Option(
        help: ArgumentHelp(
            "How prompts are picked: instance or batch; by default as in the run's configuration.", valueName: "rule"))
    var selection: PromptSelectionRule?

    @OptionGroup var threads: ThreadOptions

    @OptionGroup var output: OutputOptions

    func run() throws {
        let evaluation = try RunEvaluation(
            log: path, version: modelVersion, split: split, selection: selection,
            threads: threads.count)
        try output.show(evaluation, rows: evaluation.classes) { evaluation.lines }
    }
}

extension RunEvaluation.Split: ExpressibleByArgument {}
