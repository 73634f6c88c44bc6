import Foundation
import PromptAggregation
import Safetensors

/// A pre-trained vision transformer whose weights never change, packed for the kernels.
///
/// Images are [3, imageSize, imageSize] float32, normalised with `mean` and `std`. Features are the class token after
/// the final norm, or what attention pooling gives, [width].
public final class FrozenEncoder: Sendable {
    public let geometry: EncoderGeometry
    /// What the weights were recognised as, and what was assumed about them.
    public let recognised: EncoderDescription
    /// The file with the weights, or the index of its shards.
    public let weightsPath: String
    /// Every file that the weights are made of: the file, or the index and all shards. What compares encoders must look
    /// at all of them, since an index says nothing about the values.
    public let weightsPaths: [String]
    /// How long reading and packing took.
    public let loadTime: Duration

    let embedding: FrozenEmbedding
    /// The model's blocks, and one more for attention pooling.
    let blocks: [FrozenBlock]
    /// The affine part of the final norm, nil where attention pooling ends the model: [padded width] each.
    let finalNorm: (scale: FloatMemory, shift: FloatMemory)?
    /// The layer from the class feature to the classes that the model was trained on, where the file has one.
    let classifier: FrozenLayer?

    /// Bytes of the weights as they are packed by now; about twice as many once a gradient has passed.
    public var packedBytes: Int {
        blocks.reduce(embedding.patches.byteCount + (classifier?.byteCount ?? 0)) { $0 + $1.byteCount }
    }

    /// The library and class whose names the file uses.
    public var family: String { recognised.library }
    /// What images were normalised with before they were pre-trained on: per channel, for pixels in [0, 1].
    public var mean: [Float] { recognised.mean }
    public var std: [Float] { recognised.std }
    /// Outputs of the model's own classifier, nil when the file has none.
    public var classifierWidth: Int? { classifier?.outputs }
    public var width: Int { geometry.width }
    public var imageSize: Int { geometry.imageSize }
    public var patchSize: Int { geometry.patchSize }
    public var depth: Int { geometry.depth }
    public var heads: Int { geometry.heads }

    /// Reads the weights in a folder, and `config.json` and `preprocessor_config.json` where they are beside them.
    ///
    /// - Parameters:
    ///   - directory: a folder with `model.safetensors`, with shards and their `model.safetensors.index.json`, or with one
    ///     other `*.safetensors`; or such a file itself.
    ///   - family: one of the names of `EncoderFamilies.all`, for weights that do not say it; nil: what they look like.
    ///   - imageSize: height and width of the images, a multiple of the patch size; the position embeddings are
    ///     interpolated as the library does that the weights come from. nil: what the model was trained on.
    /// - Throws: `SafetensorsError` or `EncoderError`.
    public convenience init(directory: String, family: String? = nil, imageSize: Int? = nil) throws {
        let stated = try family.map(EncoderFamilies.named)
        let weights = try SafetensorsModel(path: directory)
        let folder = URL(fileURLWithPath: weights.path).deletingLastPathComponent()
        try self.init(
            weights: weights, family: stated, configuration: EncoderConfiguration(folder: folder), imageSize: imageSize)
    }

    /// An encoder from a file that may hold more, with its configuration as JSON.
    ///
    /// - Throws: `EncoderError`.
    public convenience init(
        file: SafetensorsFile, configuration: String, family: String? = nil, imageSize: Int? = nil
    ) throws {
        try self.init(
            weights: SafetensorsModel(file), family: family.map(EncoderFamilies.named),
            configuration: EncoderConfiguration(path: file.path, json: Data(configuration.utf8)), imageSize: imageSize)
    }

    /// The small vision transformer that comes with the package: 64 px, patch 8, width 192, depth 6.
    ///
    /// - Parameter imageSize: as in `init(directory:imageSize:)`.
    public static func bundled(imageSize: Int? = nil) throws -> FrozenEncoder {
        try FrozenEncoder(directory: bundledFolder(), imageSize: imageSize)
    }

    /// Found from the program itself, for it may be installed anywhere; `Bundle.module` ends the process where the
    /// resources are not there.
    private static func bundledFolder() throws -> String {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let folder = program.appendingPathComponent("impromptu_PromptTuning.resources/vit-tiny-64").path
        guard FileManager.default.fileExists(atPath: folder) else {
            throw EncoderError.notInstalled(path: folder)
        }
        return folder
    }

    private init(
        weights: SafetensorsModel, family: EncoderFamily?, configuration: EncoderConfiguration, imageSize: Int?
    ) throws {
        let clock = ContinuousClock()
        let start = clock.now
        let recognition = try Recognition(weights, stated: family, architecture: configuration.architecture)
        let model = try ModelFile(weights, as: recognition)
        let reading = try EncoderReading(
            of: model, as: recognition, configuration: configuration, imageSize: imageSize)
        let geometry = reading.geometry
        try model.checkBlocks(depth: geometry.depth)
        self.geometry = geometry
        weightsPath = weights.path
        weightsPaths = weights.paths
        embedding = try FrozenEmbedding(of: model, geometry: geometry, positions: reading.positions)
        var blocks = try (0..<geometry.depth).map { try FrozenBlock($0, of: model, geometry: geometry) }
        if let pooling = model.names.pooling {
            blocks.append(try FrozenBlock(pooling, of: model, geometry: geometry))
            finalNorm = nil
        } else {
            let norm = try model.norm(model.names.finalNorm, geometry.width)
            let stride = padded(geometry.width)
            finalNorm = (FloatMemory(norm.scale, paddedTo: stride), FloatMemory(norm.shift, paddedTo: stride))
        }
        self.blocks = blocks
        classifier = try model.classifier(width: geometry.width)
        recognised = EncoderDescription(
            of: model, reading, family: recognition.family, classifierWidth: classifier?.outputs)
        loadTime = clock.now - start
    }

    /// An encoder of those extents with small random weights, for measurements.
    init(random geometry: EncoderGeometry, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        self.geometry = geometry
        recognised = EncoderDescription(random: geometry)
        weightsPath = ""
        weightsPaths = []
        embedding = FrozenEmbedding(random: &random, geometry: geometry)
        blocks = (0..<geometry.depth).map { _ in FrozenBlock(random: &random, geometry: geometry) }
        let ones = [Float](repeating: 1, count: geometry.width)
        finalNorm = (FloatMemory(ones, paddedTo: padded(geometry.width)), FloatMemory(count: padded(geometry.width)))
        classifier = nil
        loadTime = .zero
    }
}
