import Datasets
import Files
import Lab
import PromptTuning
import RunLog
import RunSettings
import Text

/// What comes after a run: predictions for a few images, a page that reports the run, and what to type next.
public struct SecondAct: Encodable, Sendable {
    /// An image, its class, and the predicted one.
    public struct Row: Encodable, Sendable {
        package var image: String
        package var label: String
        package var predicted: String
        package var probability: Double
    }
    package var rows: [Row] = []
    /// The page of the predictions and of the run.
    package var sheet: String
    package var report: String

    private let folder: String
    private let manifest: String
    private enum CodingKeys: String, CodingKey { case rows, sheet, report }

    /// Classifies images of the test split with the run's newest prompts, as `impromptu predict` does, and reports the run beside
    /// synchronous rounds, where it was compared with them.
    /// - Throws: what is wrong with images, prompts, encoder or logs; `FileError` where the run's folder cannot be written.
    init(_ configuration: RunConfiguration, in run: RunFolder, comparison: DemoComparison?) throws {
        folder = run.path
        manifest = try SampleImages(of: configuration.data, in: run.path + "/images").manifest
        sheet = run.path + "/predictions.html"
        report = run.path + "/report.html"

        let tuned = try TunedModel(run.path)
        let predictor = try Predictor(tuned, threads: 2)
        let classes = predictor.classes
        var page = ContactSheet(model: run.path, classes: classes)
        let inputs = try PredictionInputs([manifest], classes: ClassList(tuned.model.classes))
        try predictor.predict(inputs) { item, outcome in
            switch outcome {
            case .unreadable(let error): throw error
            case .predicted(let prediction):
                let predicted = prediction.predicted
                try page.add(prediction)
                rows.append(
                    Row(
                        // The manifest names the class of each.
                        image: item.path, label: classes[prediction.label!], predicted: classes[predicted],
                        probability: prediction.probabilities[predicted]))
            }
        }
        try AtomicFile.replace(sheet, with: page.html.utf8)

        // A report names a method by its strategy, so those without prompts or federation would be taken for others.
        let rounds = comparison?.rows.compactMap(\.method).filter { $0 == .fedAvg }.map { run.compared($0).path } ?? []
        let document = try Report(paths: [run.path] + rounds, targets: [], version: nil)
        try AtomicFile.replace(report, with: document.html.utf8)
    }

    var lines: [String] {
        var table = TextTable(["impromptu predict: test image", "class", "predicted", "probability", ""])
        for row in rows {
            table.add([
                row.image, row.label, row.predicted, percent(row.probability),
                row.label == row.predicted ? "" : "wrong",
            ])
        }
        let program = Child.typed
        return table.lines + [
            "", "They are the first ten of the test split, in the order that data.seed drew.", "",
            "the images with their classes   \(sheet)", "the run, with charts            \(report)", "",
            "What to try next:",
            "  \(program) predict \(folder) \(manifest) --labels",
            "      makes these predictions again; give it a folder of images to classify yours",
            "  \(program) inspect \(folder)",
            "      what each client contributed; with --client or --model-version more of one",
            "  docs/four-hospitals.md",
            "      a federation over folders of images, a site at a time, with keys",
        ]
    }
}
