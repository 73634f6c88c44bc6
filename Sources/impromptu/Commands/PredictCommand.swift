import ArgumentParser
import Console
import Datasets
import Files
import Lab
import PromptAggregation
import RunSettings

struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Classifies images or texts with tuned prompts.",
        discussion: """
            Inputs are image files, folders of images, manifests (CSV files with path and label as docs/data.md describes; \
            the label may be missing), or '-' for a path in each line of standard input. For a model of texts they are \
            tables with text and label (.csv, .tsv or .jsonl), files .txt with a text on each line, or '-' for a text in \
            each line of standard input. With --labels, folders are laid out by class, and manifests and tables name the \
            classes; the output ends with the accuracy, that of each class, and a confusion matrix.

            Each image picks its own prompts, so its result does not depend on other images, unless the run's \
            evaluation.selection or --selection says batch. For each image that cannot be read there is a line on standard \
            error, and the exit code is 1. JSON has a line for each image, with logits.

            impromptu predict runs/first scan.png
            impromptu predict runs/first:17 images --top 3 --output csv
            impromptu predict prompts.safetensors --encoder weights test --labels
            impromptu predict runs/first images --sheet predictions.html
            """)

    @Argument(
        help: ArgumentHelp("A prompts file, a bundle, a run folder, or RUN:VERSION.", valueName: "model"),
        completion: .file())
    var model: String

    @Argument(
        help: ArgumentHelp("Image files, folders, manifests, tables of texts, or '-'.", valueName: "inputs"),
        completion: .file())
    var inputs: [String]

    @Option(
        help: ArgumentHelp(
            "The encoder's folder; by default that of the run's configuration, else the bundled encoder.",
            valueName: "folder"), completion: .directory)
    var encoder: String?

    @Option(
        help: ArgumentHelp(
            "How many classes to show for each image, the most probable first.", valueName: "number"))
    var top = 1

    @OptionGroup var output: OutputOptions

    @Flag(help: "Compares with the true classes that folders, manifests or tables name.")
    var labels = false

    @Option(
        help: ArgumentHelp(
            "Only this split of folders, manifests or tables: train or test.", valueName: "split"))
    var split: KnownDataset.Split?

    @Option(
        help: ArgumentHelp(
            "How prompts are picked: instance or batch; by default as in the run's configuration.", valueName: "rule"))
    var selection: PromptSelectionRule?

    @Option(
        help: ArgumentHelp(
            "Also writes a page with the images or texts and their classes, the first \(ContactSheet.mostEntries) of them.",
            valueName: "file"), completion: .file())
    var sheet: String?

    @OptionGroup var threads: ThreadOptions

    @OptionGroup var quiet: QuietOption

    func validate() throws {
        guard !inputs.isEmpty else { throw ValidationError("expected images or texts to classify, found none") }
        guard top >= 1 else { throw ValidationError("--top: expected at least 1, found \(top)") }
    }

    func run() throws {
        let tuned = try TunedModel(model)
        let classes = labels ? try ClassList(tuned.model.classes) : nil
        let readsTexts = tuned.model.text != nil
        let examples = readsTexts ? "texts" : "images"
        let items =
            try readsTexts
            ? PredictionInputs(texts: inputs, classes: classes, split: split)
            : PredictionInputs(inputs, classes: classes, split: split)
        for folder in items.emptyFolders { StandardError.write("impromptu: \(folder): no images in it\n") }
        let predictor = try Predictor(tuned, encoder: encoder, threads: threads.count, selection: selection)
        var results = PredictionOutput(
            output.format, of: readsTexts ? "text" : "path", classes: predictor.classes, top: top, hasLabels: labels)
        var summary = PredictionSummary(classes: predictor.classes, examples: examples)
        var progress = PredictionProgress(count: items.items.count, of: examples, isShown: !quiet.isQuiet)
        var page = ContactSheet(model: model, classes: predictor.classes)
        var unreadable = 0
        try results.begin()
        try predictor.predict(items) { _, outcome in
            progress.step()
            switch outcome {
            case .predicted(let prediction):
                summary.add(prediction)
                try results.add(prediction)
                if sheet != nil { try page.add(prediction) }
            case .unreadable(let error):
                unreadable += 1
                progress.note("impromptu: \(error)")
            }
        }
        progress.end()
        try results.end(labels ? summary : nil)
        if let sheet { try AtomicFile.replace(sheet, with: page.html.utf8) }
        if unreadable > 0 { throw UnreadableInputs(count: unreadable, of: items.items.count) }
    }
}

extension KnownDataset.Split: ExpressibleByArgument {}
extension PromptSelectionRule: ExpressibleByArgument {}

private struct UnreadableInputs: Error, CustomStringConvertible {
    let count: Int
    let of: Int
    var description: String { "\(count) of \(of) images cannot be read" }
}

/// Shows how far a long prediction is, from its third second on.
private struct PredictionProgress {
    private let count: Int
    private let examples: String
    private let start = ContinuousClock.now
    private var done = 0
    private var line = ProgressLine()
    private let isShown: Bool

    init(count: Int, of examples: String, isShown: Bool) {
        self.count = count
        self.examples = examples
        self.isShown = isShown
    }

    /// Another image is done. They come in batches, so a glance at each few is enough.
    mutating func step() {
        done += 1
        let elapsed = ContinuousClock.now - start
        guard isShown, done % 16 == 0, elapsed > .seconds(2) else { return }
        line.show("\(done) of \(count) \(examples), \(Int(Double(done) / (elapsed / .seconds(1)))) a second")
    }

    mutating func note(_ text: String) { line.note(text) }
    mutating func end() { line.end() }
}
