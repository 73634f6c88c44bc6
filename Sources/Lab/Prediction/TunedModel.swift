import Federation
import FederationRun
import Foundation
import PromptAggregation
import PromptTuning
import RunLog
import RunSettings

/// Tuned prompts with all that inference needs but the encoder's weights, which it finds.
public struct TunedModel: Sendable {
    public let file: PromptsFile
    /// Where the prompts were read, for messages.
    public let place: String
    /// What the run's configuration says of its encoder, where a run's folder is at hand.
    private let configured: RunConfiguration.Encoder?

    public var model: ModelDescription { file.label.model }
    public var version: Version { file.prompts.version }

    /// Opens what a user names: a prompts file, a bundle, a run's folder (its newest prompts), or `RUN:VERSION`. For
    /// the last the run's log is replayed.
    ///
    /// - Throws: `PromptsFileError`, `PredictionError`, `SafetensorsError`, or what is wrong with the log.
    public init(_ name: String) throws {
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: name, isDirectory: &isDirectory) {
            let folder =
                isDirectory.boolValue ? name : URL(fileURLWithPath: name).deletingLastPathComponent().path
            place = isDirectory.boolValue ? RunFolder(path: folder).prompts : name
            guard FileManager.default.fileExists(atPath: place) else {
                throw PredictionError(
                    "\(name): expected a run's folder or a bundle with prompts.safetensors, found none")
            }
            file = try PromptsFile(path: place)
            configured = try Self.configuredEncoder(in: RunFolder(path: folder))
            return
        }
        guard let colon = name.lastIndex(of: ":"), let version = Version(name[name.index(after: colon)...]) else {
            throw PredictionError(
                "\(name): expected a prompts file, a bundle, a run's folder or RUN:VERSION, found nothing there")
        }
        let folder = RunFolder(path: String(name[..<colon]))
        place = name
        file = try Self.replay(folder, until: version)
        configured = try Self.configuredEncoder(in: folder)
    }

    private static func configuredEncoder(in folder: RunFolder) throws -> RunConfiguration.Encoder? {
        guard FileManager.default.fileExists(atPath: folder.configuration) else { return nil }
        return try RunConfiguration.load(files: [folder.configuration], environment: [:]).encoder
    }

    private static func replay(_ folder: RunFolder, until version: Version) throws -> PromptsFile {
        var digest: Digest?
        let replay = try Replay(path: folder.log, until: version) { step in
            guard case .checked(let publication) = step else { return }
            guard publication.isEqual else {
                throw ReplayError(
                    "\(folder.log): version \(publication.version) does not replay to its recorded digest")
            }
            if publication.version == version { digest = publication.recorded }
        }
        guard let digest, let prompts = replay.aggregator?.current, prompts.version == version else {
            throw ReplayError("\(folder.log): the log has no version \(version)")
        }
        let label = PromptsLabel(
            model: try ModelDescription(ofRun: folder), folder: folder,
            runID: "\(RunSnapshot.digest(of: replay.header!))")
        return PromptsFile(label: label, prompts: prompts, digest: "\(digest)", logOffset: nil)
    }

    /// Loads the encoder that the prompts were tuned around: the one given, else the one that the run's configuration names,
    /// else the bundled one.
    ///
    /// - Throws: `PredictionError` where it is another encoder, or is read in another way; `EncoderError` and the like.
    package func loadEncoder(_ given: String?) throws -> FrozenEncoder {
        let path = given ?? configured.map(\.path) ?? ""
        let encoder =
            path.isEmpty
            ? try FrozenEncoder.bundled(imageSize: model.image?.size, precision: model.encoder.precision)
            : try FrozenEncoder(
                directory: path, family: model.encoder.family, imageSize: model.image?.size,
                maximumLength: model.text?.maximumLength, precision: model.encoder.precision)
        let digest = "\(try Digest(ofFiles: encoder.filePaths))"
        guard digest == model.encoder.digest else {
            let remedy = given == nil ? "; name its folder with --encoder" : ""
            throw PredictionError(
                "\(encoder.weightsPath): expected the encoder with digest \(model.encoder.digest) (\(model.encoder.library),"
                    + " width \(model.encoder.width)), found \(digest)\(remedy)")
        }
        var found = model
        found.encoder = ModelDescription.Encoder(encoder, digest: digest)
        for (expected, field) in zip(model.fields, found.fields) where expected != field {
            throw PredictionError(
                "\(encoder.weightsPath): \(field.name): expected \(expected.value), found \(field.value); config.json may be"
                    + " missing beside it")
        }
        return encoder
    }
}

/// Why something cannot be predicted.
public struct PredictionError: Error, CustomStringConvertible, Equatable {
    public let description: String
    package init(_ description: String) { self.description = description }
}
