import Federation
import Files
import Foundation
import PromptAggregation
import RunSettings
import Safetensors

/// Whose prompts a file holds, and the model that they belong to.
public struct PromptsLabel: Hashable, Sendable {
    public var model: ModelDescription
    /// The name of the run's folder.
    public var run: String
    /// SHA-256 of the log's first record in hexadecimal.
    public var runID: String

    package init(model: ModelDescription, folder: RunFolder, runID: String) {
        self.model = model
        run = URL(fileURLWithPath: folder.path).standardizedFileURL.lastPathComponent
        self.runID = runID
    }

    fileprivate init(model: ModelDescription, run: String, runID: String) {
        self.model = model
        self.run = run
        self.runID = runID
    }
}

/// A published state as a safetensors file: its tensors under their names, and in the metadata all else that inference
/// needs, and where the state comes from.
public struct PromptsFile: Sendable {
    public var label: PromptsLabel
    public var prompts: AggregatorMessage.GlobalPrompts
    public var digest: String
    /// Bytes of the log up to and with the record of this version; nil leaves them out.
    public var logOffset: UInt64?

    private static let format = "impromptu.prompts.v2"

    package init(
        label: PromptsLabel, prompts: AggregatorMessage.GlobalPrompts, digest: String, logOffset: UInt64?
    ) {
        self.label = label
        self.prompts = prompts
        self.digest = digest
        self.logOffset = logOffset
    }

    package func write(to path: String) throws {
        var metadata = [
            "format": Self.format, "version": "\(prompts.version)", "digest": digest,
            "prompt_ids": prompts.state.promptIDs.map(String.init).joined(separator: " "),
            "model": try label.model.json, "run": label.run, "run_id": label.runID,
        ]
        if let logOffset { metadata["log_offset"] = "\(logOffset)" }
        try writeSafetensors(
            prompts.state.parameters.entries.map {
                NewTensor(name: $0.name, shape: $0.tensor.shape, values: .float32($0.tensor.values))
            },
            metadata: metadata, to: path)
    }

    /// - Throws: `SafetensorsError`, or `PromptsFileError` where it is no prompts file of this format.
    package init(path: String) throws {
        let file = try SafetensorsFile(path: path)
        func entry(_ key: String) throws -> String {
            guard let text = file.metadata[key] else {
                throw PromptsFileError("\(path): expected '\(key)' in the metadata of a prompts file, found none")
            }
            return text
        }
        let format = try entry("format")
        guard format == Self.format else {
            throw PromptsFileError("\(path): expected the format \(Self.format), found '\(format)'")
        }
        guard let version = Version(try entry("version")) else {
            throw PromptsFileError("\(path): version: expected a whole number, found '\(try entry("version"))'")
        }
        let words = try entry("prompt_ids").split(separator: " ")
        let identities = words.compactMap { PromptID($0) }
        let parameters = Parameters(
            try file.names.map { name in
                let tensor = try file.tensor(named: name)
                return (name, Tensor(shape: tensor.shape, values: try tensor.finiteFloats()))
            })
        guard identities.count == words.count, let rows = parameters[Parameters.prompts]?.shape.first,
            rows == identities.count
        else {
            throw PromptsFileError("\(path): expected an identity for each row of the tensor 'prompts'")
        }
        label = PromptsLabel(
            model: try ModelDescription(json: entry("model"), of: path), run: try entry("run"),
            runID: try entry("run_id"))
        prompts = .init(version: version, state: PromptState(parameters: parameters, promptIDs: identities))
        digest = try entry("digest")
        logOffset = file.metadata["log_offset"].flatMap { UInt64($0) }
    }
}

/// Why a file is no prompts file, or does not say what it must.
public struct PromptsFileError: Error, CustomStringConvertible, Equatable {
    public let description: String
    init(_ description: String) { self.description = description }
}

extension ModelDescription {
    /// On one line, keys ascending.
    package var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }

    /// - Parameter path: where the text is, for the error.
    /// - Throws: `PromptsFileError` that names the field.
    package init(json: String, of path: String) throws {
        do {
            self = try JSONDecoder().decode(ModelDescription.self, from: Data(json.utf8))
        } catch DecodingError.keyNotFound(let key, let context) {
            let place = (context.codingPath + [key]).map(\.stringValue).joined(separator: ".")
            throw PromptsFileError("\(path): model: expected the field '\(place)', found none")
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context)
        {
            let place = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw PromptsFileError("\(path): model: field '\(place)': \(context.debugDescription)")
        }
    }

    /// Of a run whose folder holds a log.
    package init(ofRun folder: RunFolder) throws {
        let json: [UInt8]
        do throws(UnreadableFile) { json = try RegularFile.bytes(of: folder.model) } catch {
            throw PromptsFileError("\(error); it describes the run's model")
        }
        try self.init(json: String(decoding: json, as: UTF8.self), of: folder.model)
    }
}
