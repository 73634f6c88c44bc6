import Datasets
import FederationRun
import Foundation
import FoundationXML
import Lab
import PromptAggregation
import PromptTuning
import RunLog
import RunSettings
import TestSupport
import Testing

/// Predictions of a small run, against `evaluate` and against a program written from docs/model.md.
@Suite(.serialized) struct PredictionTests {
    /// Writes `images` of each class into `folder/train/CLASS` and `folder/test/CLASS`: a bright bar that lies or stands, with
    /// noise, of 40 x 52 pixels, gray or coloured.
    private func writeImages(_ folder: String, images: Int, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for split in ["train", "test"] {
            for (place, name) in ["lying", "standing", "none"].enumerated() {
                let path = "\(folder)/\(split)/\(name)"
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
                for image in 0..<images {
                    let channels = image % 2 == 0 ? 3 : 1
                    let pixels = (0..<40 * 52 * channels).map { value -> UInt8 in
                        let (y, x) = (value / channels / 52, value / channels % 52)
                        let isBar = place == 0 ? (15..<24).contains(y) : place == 1 ? (20..<30).contains(x) : false
                        return UInt8((isBar ? 180.0 : 40) + 60 * random.nextUniform())
                    }
                    try PNGFile.write(pixels, width: 52, height: 40, to: "\(path)/\(image).png")
                }
            }
        }
    }

    private func withRun<R>(_ settings: [String] = [], _ body: (RunFolder, String) throws -> R) throws -> R {
        try withTemporaryFolder { folder in
            let data = folder + "/data"
            try writeImages(data, images: 30, seed: 5)
            let run = try simulateSmallRun(
                folder + "/run",
                [
                    "data.dataset=folder:bars", "data.path=\(data)", "data.training_samples=0",
                    "data.validation_samples=20", "data.test_samples=0", "training.maximum_steps=4",
                    "encoder.image_size=0",
                ] + settings)
            return try body(run, data)
        }
    }

    private func predict(
        _ tuned: TunedModel, _ inputs: [String], labels: Bool = false, selection: PromptSelectionRule? = nil
    ) throws -> (predictions: [Prediction], unreadable: [String], summary: PredictionSummary) {
        let items = try PredictionInputs(inputs, classes: labels ? ClassList(tuned.model.classes) : nil)
        var found: (predictions: [Prediction], unreadable: [String], summary: PredictionSummary) = (
            [], [], PredictionSummary(classes: tuned.model.classes, examples: "images")
        )
        try Predictor(tuned, threads: 2, selection: selection).predict(items) { _, outcome in
            switch outcome {
            case .predicted(let prediction):
                found.predictions.append(prediction)
                found.summary.add(prediction)
            case .unreadable(let error): found.unreadable.append("\(error)")
            }
        }
        return found
    }

    @Test func predictionsEqualEvaluationByInstanceAndByBatch() throws {
        try withRun { run, data in
            let tuned = try TunedModel(run.path)
            for rule in PromptSelectionRule.allCases {
                let evaluation = try RunEvaluation(
                    log: run.log, version: nil, split: .test, selection: rule, threads: 2)
                let summary = try predict(tuned, ["\(data)/test"], labels: true, selection: rule).summary
                #expect(summary.images == 90)
                #expect(summary.evaluation.accuracy == evaluation.accuracy)
                #expect(summary.evaluation.loss == evaluation.loss)
                #expect(summary.evaluation.classHits == evaluation.classes.map(\.hits))
                #expect(summary.confusion.map { $0.reduce(0, +) } == [30, 30, 30])
            }
        }
    }

    @Test func aRunInBFloat16IsEvaluatedAndPredictedInIt() throws {
        try withRun(["encoder.precision=bfloat16"]) { run, data in
            let images = ["\(data)/test"]
            let tuned = try TunedModel(run.path)
            #expect(tuned.model.encoder.precision == .bfloat16)
            let evaluation = try RunEvaluation(
                log: run.log, version: nil, split: .test, selection: .instance, threads: 2)
            let (rounded, _, summary) = try predict(tuned, images, labels: true, selection: .instance)
            #expect(summary.evaluation.loss == evaluation.loss)
            var file = tuned.file
            file.label.model.encoder.precision = .float32
            let path = run.path + "-float32.safetensors"
            try file.write(to: path)
            let plain = try predict(TunedModel(path), images, selection: .instance).predictions
            let pairs = zip(rounded, plain).flatMap { zip($0.logits, $1.logits) }
            #expect(pairs.count == 270)
            let scale = pairs.map { abs($0.1) }.max() ?? 0
            let differences = pairs.map { abs($0.0 - $0.1) / scale }
            #expect(differences.allSatisfy { $0 < 0.05 } && differences.contains { $0 > 1e-4 })
        }
    }

    @Test func aFileABundleARunAndAVersionOfItPredictAlike() throws {
        try withRun { run, data in
            let tuned = try TunedModel(run.path)
            let bundle = run.path + "-bundle"
            #expect(try PromptsBundle.write(tuned, to: bundle).count == 3)
            let images = ["\(data)/test/lying", "\(data)/test/none/3.png"]
            let expected = try predict(tuned, images).predictions
            #expect(expected.count == 31)
            for name in [run.prompts, bundle, "\(run.path):\(tuned.version)"] {
                #expect(try predict(TunedModel(name), images).predictions == expected, "\(name)")
            }
            #expect(try predict(TunedModel("\(run.path):0"), images).predictions != expected)
        }
    }

    @Test func aContactSheetShowsEachImageWithItsClasses() throws {
        try withRun { run, data in
            let (predictions, _, summary) = try predict(TunedModel(run.path), ["\(data)/test"], labels: true)
            var sheet = ContactSheet(model: "a <run>", classes: ["lying", "none", "standing"])
            for prediction in predictions { try sheet.add(prediction) }
            #expect(XMLParser(data: Data(sheet.html.utf8)).parse())
            #expect(sheet.html.contains("90 predictions by a &lt;run&gt;."))
            let right = Int((summary.evaluation.accuracy * 90).rounded())
            #expect(sheet.html.contains("\(right) of 90 with a known class are classified right."))
            #expect(sheet.html.ranges(of: "class=\"wrong\"").count == 90 - right)
            // The page holds the files themselves.
            let first = try Data(contentsOf: URL(fileURLWithPath: predictions[0].path)).base64EncodedString()
            #expect(sheet.html.ranges(of: "<img ").count == 90 && sheet.html.contains("image/png;base64,\(first)\""))

            try FileManager.default.removeItem(atPath: predictions[0].path)
            #expect(throws: DatasetError.self) { try sheet.add(predictions[0]) }
            var long = ContactSheet(model: run.path, classes: ["lying", "none", "standing"])
            for _ in 0...ContactSheet.mostEntries { try long.add(predictions[1]) }
            #expect(long.html.contains("The first \(ContactSheet.mostEntries) are shown."))
        }
    }

    @Test func aFileThatCannotBeReadIsToldAndNotTheEnd() throws {
        try withRun { run, data in
            let broken = data + "/broken.png"
            try Data("no image".utf8).write(to: URL(fileURLWithPath: broken))
            let good = "\(data)/test/none/3.png"
            let tuned = try TunedModel(run.path)
            let (predictions, unreadable, _) = try predict(tuned, [broken, good, data + "/missing.png"])
            #expect(predictions.map(\.path) == [good])
            #expect(unreadable.count == 2)
            #expect(unreadable.allSatisfy { $0.contains(".png: ") })
            #expect(try predict(tuned, [good]).predictions == predictions)
        }
    }

    @Test func manifestsAndStandardInputNameImages() throws {
        try withRun { run, data in
            let manifest = data + "/list.csv"
            try Data("path,label\ntest/lying/1.png,lying\ntest/none/2.png,standing\n".utf8)
                .write(to: URL(fileURLWithPath: manifest))
            let tuned = try TunedModel(run.path)
            let labelled = try predict(tuned, [manifest], labels: true)
            #expect(labelled.predictions.map { $0.label.map { tuned.model.classes[$0] } } == ["lying", "standing"])
            try Data("path\ntest/lying/1.png\ntest/none/2.png\n".utf8).write(to: URL(fileURLWithPath: manifest))
            let plain = try predict(tuned, [manifest])
            #expect(plain.predictions.map(\.logits) == labelled.predictions.map(\.logits))
            var lines = ["\(data)/test/lying/1.png", "", " ", "\(data)/test/none/2.png"]
            let items = try PredictionInputs(["-"]) { lines.isEmpty ? nil : lines.removeFirst() }
            #expect(items.items.map(\.path) == plain.predictions.map(\.path))
            let empty = data + "/empty"
            try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
            let mixed = try PredictionInputs([empty, "\(data)/test/none/2.png"])
            #expect(mixed.items.count == 1 && mixed.emptyFolders == [empty])
            #expect(throws: PredictionError.self) { try PredictionInputs([empty]) }
            #expect(throws: DatasetError.self) { try PredictionInputs([manifest], classes: ClassList(["lying"])) }
            #expect(throws: PredictionError.self) {
                try PredictionInputs(["\(data)/test/none/2.png"], classes: ClassList(["lying"]))
            }
        }
    }

    @Test func anotherEncoderIsRefusedInOneSentence() throws {
        try withRun { run, _ in
            var file = try TunedModel(run.path).file
            file.label.model.encoder.digest = "00ff"
            let path = run.path + "-other.safetensors"
            try file.write(to: path)
            #expect {
                try Predictor(TunedModel(path), threads: 1)
            } throws: { error in
                "\(error)".contains("expected the encoder with digest 00ff") && "\(error)".contains("--encoder")
            }
        }
    }

    @Test func aPromptsFileSaysAllThatItWasWrittenWith() throws {
        try withRun(["prompts.key_projection=true", "evaluation.selection=batch"]) { run, _ in
            let tuned = try TunedModel(run.path)
            #expect(tuned.file.label.run == "run" && tuned.file.label.runID.count == 64)
            #expect(tuned.file.logOffset != nil)
            let model = tuned.model
            #expect(model.classes == ["lying", "none", "standing"])
            #expect(model.image?.size == 32 && model.encoder.family == "vit")
            #expect(model.prompts.selection == .batch && model.prompts.keyProjection && model.prompts.picked == 3)
            #expect(try ModelDescription(ofRun: run) == model)
            let names = model.fields.map(\.name)
            #expect(Set(names).count == names.count)
            #expect(model.fields.contains { $0.name == "classes[1]" && $0.value == "none" })
        }
    }

    @Test(
        "a program written from docs/model.md predicts the same", .enabled(if: python != nil),
        arguments: [
            [], ["evaluation.selection=batch", "prompts.feature_whitening=none"],
            ["prompts.depth=2", "prompts.key_projection=true"], ["prompts.depth=2", "prompts.first_block=3"],
        ])
    func strangersPredictAlike(_ settings: [String]) throws {
        try withRun(settings) { run, data in
            let tuned = try TunedModel(run.path)
            let paths = ["lying", "none", "standing"].flatMap { name in (0..<3).map { "\(data)/test/\(name)/\($0).png" }
            }
            let expected = try predict(tuned, paths).predictions
            let weights = try Predictor(tuned, threads: 1).encoderFolder
            let process = Process()
            let output = Pipe()
            process.executableURL = URL(fileURLWithPath: python!)
            process.arguments = ["-B", "Tests/Interop/model.py", run.prompts, weights] + paths
            process.standardOutput = output
            try process.run()
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            let lines = try text.split(separator: "\n").map {
                try JSONDecoder().decode(Line.self, from: Data($0.utf8))
            }
            #expect(lines.map(\.path) == paths)
            for (line, prediction) in zip(lines, expected) {
                let largest = line.logits.map(abs).max()!
                for (found, logit) in zip(prediction.logits, line.logits) {
                    #expect(abs(Double(found) - logit) < 1e-4 * max(1, largest), "\(line.path)")
                }
            }
        }
    }

    private struct Line: Decodable {
        var path: String
        var logits: [Double]
    }
}
