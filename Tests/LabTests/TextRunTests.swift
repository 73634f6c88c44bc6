import Datasets
import FederationRun
import Foundation
import Lab
import PromptAggregation
import PromptTuning
import RunLog
import RunSettings
import Safetensors
import TestSupport
import Testing

/// A federation that tunes the prompts of a small text encoder.
@Suite(.serialized) struct TextRunTests {
    private static let words = ["where", "is", "my", "card", "money", "lost", "pin", "change", "how", "the"]

    /// A BERT of width 16 with random weights, its vocabulary, and mean pooling.
    private func writeEncoder(_ folder: String) throws {
        var random = SeededRandom(seed: 3)
        var tensors: [NewTensor] = []
        func add(_ name: String, _ shape: [Int], around centre: Float = 0) {
            let values = (0..<shape.reduce(1, *)).map { _ in centre + Float(random.nextNormal()) * 0.3 }
            tensors.append(NewTensor(name: name, shape: shape, values: .float32(values)))
        }
        func layer(_ name: String, _ outputs: Int, _ inputs: Int) {
            add(name + ".weight", [outputs, inputs])
            add(name + ".bias", [outputs])
        }
        func norm(_ name: String) {
            add(name + ".weight", [16], around: 1)
            add(name + ".bias", [16])
        }
        let pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + Self.words
        add("embeddings.word_embeddings.weight", [pieces.count, 16])
        add("embeddings.position_embeddings.weight", [32, 16])
        add("embeddings.token_type_embeddings.weight", [2, 16])
        norm("embeddings.LayerNorm")
        for block in 0..<2 {
            let start = "encoder.layer.\(block)."
            for name in [
                "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
            ] {
                layer(start + name, 16, 16)
            }
            norm(start + "attention.output.LayerNorm")
            layer(start + "intermediate.dense", 32, 16)
            layer(start + "output.dense", 16, 32)
            norm(start + "output.LayerNorm")
        }
        try FileManager.default.createDirectory(atPath: folder + "/1_Pooling", withIntermediateDirectories: true)
        try writeSafetensors(tensors, to: folder + "/model.safetensors")
        for (name, content) in [
            ("config.json", #"{"model_type": "bert", "num_attention_heads": 2}"#),
            ("1_Pooling/config.json", #"{"pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true}"#),
            ("sentence_bert_config.json", #"{"max_seq_length": 12}"#),
            ("vocab.txt", pieces.map { $0 + "\n" }.joined()),
        ] {
            try Data(content.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
    }

    /// Questions of two kinds that a few words tell apart; the word `secret` is in each.
    private func writeTexts(_ folder: String) throws {
        var random = SeededRandom(seed: 4)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for split in ["train", "test"] {
            var rows = "text,label\n"
            for row in 0..<160 {
                let own = row % 2 == 0 ? ["card", "lost"] : ["pin", "change"]
                let others = (0..<Int(random.nextUniform() * 9)).map { _ in
                    ["where", "is", "my", "how", "the", "secret"][Int(random.nextUniform() * 6)]
                }
                rows += "secret \((own + others).shuffled(using: &random).joined(separator: " ")),kind \(row % 2)\n"
            }
            try Data(rows.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(split).csv"))
        }
    }

    private func withRun<R>(_ body: (_ run: RunFolder, _ folder: String) throws -> R) throws -> R {
        try withTemporaryFolder { folder in
            try writeEncoder(folder + "/encoder")
            try writeTexts(folder + "/questions")
            let run = try simulateSmallRun(
                folder + "/run",
                [
                    "data.dataset=texts:questions", "data.path=\(folder)", "data.training_samples=0",
                    "data.validation_samples=40", "data.test_samples=0", "data.partition=iid",
                    "encoder.path=\(folder)/encoder", "encoder.image_size=0", "training.maximum_steps=8",
                    "training.head_learning_rate=0.5",
                ])
            return try body(run, folder)
        }
    }

    @Test func tunesAndPredicts() throws {
        try withRun { run, folder in
            let evaluations = RunHistory.evaluations(in: run)
            #expect((evaluations.last?.accuracy ?? 0) > 0.9, "\(evaluations)")
            let tuned = try TunedModel(run.path)
            #expect(tuned.model.modality == "text" && tuned.model.image == nil)
            #expect(tuned.model.text?.maximumLength == 12 && tuned.model.text?.lowercase == true)
            #expect(tuned.model.encoder.feature == "mean")

            var lines = ["where is my lost CARD ?", "", "how change the pin"][...]
            let asked = try PredictionInputs(texts: ["-"]) { lines.popFirst() }
            #expect(asked.items.map(\.path) == ["line 1", "line 3"])
            var found: [String] = []
            try Predictor(tuned, threads: 2).predict(asked) { item, outcome in
                guard case .predicted(let prediction) = outcome else { return }
                found.append("\(item.path): \(tuned.model.classes[prediction.predicted])")
            }
            #expect(found == ["line 1: kind 0", "line 3: kind 1"])

            var summary = PredictionSummary(classes: tuned.model.classes, examples: "texts")
            let table = try PredictionInputs(
                texts: [folder + "/questions"], classes: ClassList(tuned.model.classes), split: .test)
            try Predictor(tuned, threads: 1).predict(table) { _, outcome in
                if case .predicted(let prediction) = outcome { summary.add(prediction) }
            }
            let evaluation = try RunEvaluation(log: run.log, version: nil, split: .test, threads: 2)
            #expect(summary.images == 160)
            #expect(summary.evaluation.accuracy == evaluation.accuracy)
        }
    }

    /// Nothing that a run leaves behind holds a client's text.
    @Test func textsStayWithTheirOwners() throws {
        try withRun { run, _ in
            let files = try #require(FileManager.default.subpaths(atPath: run.path))
            #expect(files.count >= 4)
            for file in files {
                guard let bytes = FileManager.default.contents(atPath: "\(run.path)/\(file)") else { continue }
                #expect(bytes.range(of: Data("secret".utf8)) == nil, "\(file)")
            }
        }
    }

    @Test func modelsOfOtherLengthsDiffer() throws {
        try withTemporaryFolder { folder in
            try writeEncoder(folder + "/encoder")
            let encoder = try FrozenEncoder(directory: folder + "/encoder", maximumLength: 32)
            #expect(encoder.geometry.text?.maximumLength == 32 && encoder.filePaths.count == 2)
            #expect(throws: EncoderError.self) { try FrozenEncoder(directory: folder + "/encoder", maximumLength: 33) }
            #expect(throws: EncoderError.self) { try FrozenEncoder(directory: folder + "/encoder", family: "clip") }
        }
    }
}
