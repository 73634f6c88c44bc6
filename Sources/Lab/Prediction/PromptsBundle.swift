import Federation
import Foundation
import PromptAggregation
import RunLog
import RunSettings
import Text

/// A folder for whoever uses tuned prompts elsewhere: the prompts file, its model's description as JSON, and how to use them.
public enum PromptsBundle {
    /// - Returns: the paths of what was written.
    /// - Throws: `RunFolderError` or `SafetensorsError`.
    public static func write(_ tuned: TunedModel, to path: String) throws -> [String] {
        let folder = RunFolder(path: path)
        let readme = path + "/README.md"
        try folder.create()
        try tuned.file.write(to: folder.prompts)
        try folder.write(json: tuned.model, to: folder.model)
        try folder.write(text(tuned, path), to: readme)
        return [folder.prompts, folder.model, readme]
    }

    private static func text(_ tuned: TunedModel, _ path: String) -> String {
        let (model, label) = (tuned.model, tuned.file.label)
        let name = URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent
        let input = model.image.map { "\($0.size) px" } ?? "texts up to \(model.text?.maximumLength ?? 0) tokens"
        let (one, several) = model.text == nil ? ("image.jpg", "images") : ("questions.txt", "questions.csv")
        return """
            # Prompts of \(label.run), version \(tuned.version)

            Tuned with Impromptu for \(model.classes.count) classes around \(model.encoder.library) (\(model.encoder.family), \
            \(input)), whose weights have the SHA-256 digest `\(model.encoder.digest)` and are not part of this
            folder. `model.json` says how \(model.text == nil ? "images" : "texts") are prepared and prompts are picked; `prompts.safetensors` has the same in its
            metadata.

            ```
            ENCODER=weights                                     # the encoder's folder; leave out --encoder for the bundled one
            impromptu show \(name)
            impromptu predict \(name) --encoder $ENCODER \(one)
            impromptu predict \(name) --encoder $ENCODER \(several) --top 3 --output csv > predictions.csv
            impromptu predict \(name) --encoder $ENCODER folder-of-classes --labels
            ```

            """
    }
}

extension TunedModel {
    /// Names and values for people: where the prompts come from, then the model's fields, the class list on one line.
    public var lines: [String] {
        let fields = description.map { $0 } + model.fields.filter { !$0.name.hasPrefix("classes") }
        let widest = fields.map(\.name.count).max() ?? 0
        return fields.map { $0.name.padding(toLength: widest + 2, withPad: " ", startingAt: 0) + $0.value }
    }

    private var description: [(name: String, value: String)] {
        let (prompts, label) = (file.prompts, file.label)
        let tensors = prompts.state.parameters.entries
        return [
            ("run", label.run), ("run id", label.runID), ("version", "\(prompts.version)"), ("digest", file.digest),
            ("log offset", file.logOffset.map { "\($0) bytes" } ?? "-"),
            ("pool", "\(prompts.state.promptIDs.count) prompts"),
            ("tensors", tensors.map { "\($0.name) \($0.tensor.shape)" }.joined(separator: ", ")),
            ("classes", "\(model.classes.count): " + model.classes.joined(separator: ", ")),
        ]
    }

    /// What `impromptu show --output json` prints.
    public struct Summary: Encodable, Sendable {
        public var run: String
        public var runID: String
        public var version: Int
        public var digest: String
        public var logOffset: UInt64?
        public var promptIDs: [UInt64]
        /// Shapes by name.
        public var tensors: [String: [Int]]
        public var model: ModelDescription

        enum CodingKeys: String, CodingKey {
            case run, version, digest, tensors, model
            case runID = "run_id"
            case logOffset = "log_offset"
            case promptIDs = "prompt_ids"
        }
    }

    public var summary: Summary {
        let state = file.prompts.state
        return Summary(
            run: file.label.run, runID: file.label.runID, version: version, digest: file.digest,
            logOffset: file.logOffset, promptIDs: state.promptIDs.map { UInt64($0) },
            tensors: Dictionary(
                uniqueKeysWithValues: state.parameters.entries.map { ($0.name, $0.tensor.shape) }),
            model: model)
    }
}
