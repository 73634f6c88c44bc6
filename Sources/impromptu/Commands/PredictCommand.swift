import ArgumentParser
import Console
import Datasets
import Lab
import PromptAggregation
import RunSettings

struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Classifies images with tuned prompts.",
        discussion: """
            Inputs are image files, folders of images, manifests (path,label.csv as docs/data.md has them, the label may be \
            missing), or '-' for a path in each line of standard input. With --labels, folders are laid out by class and \
            manifests name the classes; the accuracy of all and of each class and a confusion matrix follow.

            Each image picks its own prompts, so its result does not depend on other images, unless the run's \
            evaluation.selection or --selection says batch. An image that cannot be read is one line on standard error, and \
            the exit code is 1 then.

            impromptu predict runs/first scan.png
            impromptu predict runs/first:17 images --top 3 --format csv
            impromptu predict prompts.safetensors --encoder weights test --labels
            """)

    @Argument(help: ArgumentHelp("A prompts file, a bundle, a run folder, or RUN:VERSION.", valueName: "model"))
    var model: String

    @Argument(help: ArgumentHelp("Image files, folders, manifests, or '-'.", valueName: "inputs"))
    var inputs: [String]

    @Option(
        help: ArgumentHelp(
            "The encoder's folder; the one that the run's configuration names, or the bundled one, unless given.",
            valueName: "path"))
    var encoder: String?

    @Option(help: "Classes of each image that are shown, the most probable first.")
    var top = 1

    @Option(help: "table, csv, or json for lines of JSON with logits.")
    var format: PredictionFormat = .table

    @Flag(help: "Takes the true classes from folders and manifests, and compares.")
    var labels = false

    @Option(help: "Only the images of this split of folders and manifests: train or test.")
    var split: KnownDataset.Split?

    @Option(help: "How prompts are picked: instance or batch; as the run does unless given.")
    var selection: PromptSelectionRule?

    @Option(help: "Threads; they change no bit.")
    var threads = 2

    func validate() throws {
        guard !inputs.isEmpty else { throw ValidationError("expected images to classify, found none") }
        guard top >= 1 else { throw ValidationError("--top: expected at least 1, found \(top)") }
        guard threads >= 1 else { throw ValidationError("--threads: expected at least 1, found \(threads)") }
    }

    func run() throws {
        let tuned = try TunedModel(model)
        let items = try PredictionInputs(
            inputs, classes: labels ? ClassList(tuned.model.classes) : nil, split: split)
        for folder in items.emptyFolders { StandardError.write("impromptu: \(folder): no images in it\n") }
        let predictor = try Predictor(tuned, encoder: encoder, threads: threads, selection: selection)
        var output = PredictionOutput(format, classes: predictor.classes, top: top, hasLabels: labels)
        var summary = PredictionSummary(classes: predictor.classes)
        var progress = PredictionProgress(count: items.items.count)
        var unreadable = 0
        try output.begin()
        try predictor.predict(items) { _, outcome in
            progress.step()
            switch outcome {
            case .predicted(let prediction):
                summary.add(prediction)
                try output.add(prediction)
            case .unreadable(let error):
                unreadable += 1
                progress.note("impromptu: \(error)")
            }
        }
        progress.end()
        try output.end(labels ? summary : nil)
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
    private let start = ContinuousClock.now
    private var done = 0
    private var line = ProgressLine()

    init(count: Int) { self.count = count }

    /// Another image is done. They come in batches, so a glance at each few is enough.
    mutating func step() {
        done += 1
        let elapsed = ContinuousClock.now - start
        guard done % 16 == 0, elapsed > .seconds(2) else { return }
        line.show("\(done) of \(count) images, \(Int(Double(done) / (elapsed / .seconds(1)))) a second")
    }

    mutating func note(_ text: String) { line.note(text) }
    mutating func end() { line.end() }
}
