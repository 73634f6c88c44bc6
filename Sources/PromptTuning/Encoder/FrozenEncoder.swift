import Foundation
import PromptAggregation
import Safetensors
import Tokenization

/// A pre-trained transformer whose weights never change, packed for the kernels: of images, or of texts.
///
/// Images are [3, imageSize, imageSize] float32, normalised with `mean` and `std`. Features are the class token after
/// the final norm, or what attention pooling gives, [width]. Of a text they are the class token, or the mean of the text's
/// own tokens, as its configuration says.
public final class FrozenEncoder: Sendable {
    public let geometry: EncoderGeometry
    /// What the weights were recognised as, and what was assumed about them.
    public let recognised: EncoderDescription
    /// The file with the weights, or the index of its shards.
    public let weightsPath: String
    /// Every file that the weights are made of: the file, or the index and all shards. What compares encoders must look
    /// at all of them, since an index says nothing about the values.
    public let weightsPaths: [String]
    /// All files that what the encoder makes of an example depends on: those of the weights, and of texts the tokenizer's.
    public let filePaths: [String]
    /// What the products with the weights of the blocks are computed in.
    public let precision: EncoderPrecision
    /// How long reading and packing took.
    public let loadTime: Duration
    /// Bounds the memory for what the blocks before the prompts make of examples.
    let cache: MemoryBudget

    /// Makes tokens of texts; nil for an encoder of images, and where no tokenizer lay beside the weights.
    public let tokenizer: WordPieceTokenizer?

    let tower: Tower
    /// The layer from the class feature to the classes that the model was trained on, where the file has one.
    let classifier: FrozenLayer?

    /// Bytes of the weights as they are packed by now; about twice as many once a gradient has passed.
    public var packedBytes: Int {
        tower.byteCount + (classifier?.byteCount ?? 0)
    }

    /// The matrices among the tensors of its files whose values are all zero, by name, and how many matrices there are. A
    /// download that reserved its space and stopped leaves such.
    /// - Throws: `SafetensorsError` where the files are gone.
    package func zeroMatrices() throws -> (names: [String], count: Int) {
        let weights = try SafetensorsModel(path: weightsPath)
        let matrices = try weights.names.map { try weights.tensor(named: $0) }
            .filter { $0.shape.count { $0 > 1 } >= 2 }
        return (matrices.filter(\.isZero).map(\.name), matrices.count)
    }

    /// The library and class whose names the file uses.
    public var family: String { recognised.library }
    /// What images were normalised with before they were pre-trained on: per channel, for pixels in [0, 1].
    public var mean: [Float] { recognised.mean }
    public var std: [Float] { recognised.std }
    /// Outputs of the model's own classifier, nil when the file has none.
    public var classifierWidth: Int? { classifier?.outputs }
    /// What it reads, for a person: `images` or `texts`.
    public var examples: String { geometry.text == nil ? "images" : "texts" }
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
    ///   - maximumLength: tokens of a text that are read, from 2 to the model's positions; nil: what the files say.
    ///   - precision: what the products with the weights of the blocks are computed in.
    ///   - cacheBytes: memory for what the blocks before the prompts (`TrainingPlan.firstBlock`) make of examples.
    /// - Throws: `SafetensorsError`, `EncoderError` or `TokenizerError`.
    public convenience init(
        directory: String, family: String? = nil, imageSize: Int? = nil, maximumLength: Int? = nil,
        precision: EncoderPrecision = .float32, cacheBytes: Int = MemoryBudget.standard
    ) throws {
        let weights = try SafetensorsModel(path: directory)
        let folder = URL(fileURLWithPath: weights.path).deletingLastPathComponent()
        let configuration = try EncoderConfiguration(folder: folder)
        if let text = try TextModelFile(weights, stated: family) {
            if let imageSize {
                throw EncoderError.sizeOfOthers(
                    path: weights.path, "image size (encoder.image_size: 0)", imageSize, "texts")
            }
            try self.init(
                text: text, configuration: configuration, tokenizer: WordPieceTokenizer(folder: folder.path),
                pooling: TextGeometry.Pooling(folder: folder.path),
                maximumLength: maximumLength ?? TextGeometry.maximumLength(folder: folder.path), precision: precision,
                cacheBytes: cacheBytes)
            return
        }
        if let maximumLength {
            throw EncoderError.sizeOfOthers(
                path: weights.path, "maximum length (encoder.maximum_length: 0)", maximumLength, "images")
        }
        try self.init(
            weights: weights, family: family.map(EncoderFamilies.named), configuration: configuration,
            imageSize: imageSize, precision: precision, cacheBytes: cacheBytes)
    }

    /// An encoder from a file that may hold more, with its configuration as JSON, and without a tokenizer.
    ///
    /// - Parameters:
    ///   - pooling: of texts.
    ///   - precision: what the products with the weights of the blocks are computed in.
    /// - Throws: `EncoderError`.
    public convenience init(
        file: SafetensorsFile, configuration: String, family: String? = nil, imageSize: Int? = nil,
        pooling: TextGeometry.Pooling = .classToken, precision: EncoderPrecision = .float32
    ) throws {
        let weights = SafetensorsModel(file)
        let configuration = try EncoderConfiguration(path: file.path, json: Data(configuration.utf8))
        if let text = try TextModelFile(weights, stated: family) {
            try self.init(
                text: text, configuration: configuration, tokenizer: nil, pooling: pooling, maximumLength: nil,
                precision: precision, cacheBytes: MemoryBudget.standard)
            return
        }
        try self.init(
            weights: weights, family: family.map(EncoderFamilies.named), configuration: configuration,
            imageSize: imageSize, precision: precision, cacheBytes: MemoryBudget.standard)
    }

    /// The small vision transformer that comes with the package: 32 px, patch 4, width 192, depth 6.
    ///
    /// - Parameters: as of `init(directory:family:imageSize:maximumLength:precision:cacheBytes:)`.
    public static func bundled(
        imageSize: Int? = nil, maximumLength: Int? = nil, precision: EncoderPrecision = .float32,
        cacheBytes: Int = MemoryBudget.standard
    ) throws -> FrozenEncoder {
        try FrozenEncoder(
            directory: bundledFolder(), imageSize: imageSize, maximumLength: maximumLength, precision: precision,
            cacheBytes: cacheBytes)
    }

    /// Found from the program itself, for it may be installed anywhere; `Bundle.module` ends the process where the
    /// resources are not there.
    private static func bundledFolder() throws -> String {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let folder = program.appendingPathComponent("impromptu_PromptTuning.resources/vit-tiny-32").path
        guard FileManager.default.fileExists(atPath: folder) else {
            throw EncoderError.notInstalled(path: folder)
        }
        return folder
    }

    private init(
        weights: SafetensorsModel, family: EncoderFamily?, configuration: EncoderConfiguration, imageSize: Int?,
        precision: EncoderPrecision, cacheBytes: Int
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
        self.precision = precision
        cache = MemoryBudget(bytes: cacheBytes)
        weightsPath = weights.path
        weightsPaths = weights.paths
        filePaths = weights.paths
        var blocks = try (0..<geometry.depth).map {
            try FrozenBlock($0, of: model, geometry: geometry, precision: precision)
        }
        var finalNorm: AffineNorm?
        if let pooling = model.names.pooling {
            blocks.append(try FrozenBlock(pooling, of: model, geometry: geometry, precision: precision))
        } else {
            finalNorm = AffineNorm(try model.norm(model.names.finalNorm, geometry.width))
        }
        tower = .image(
            ImageTower(
                embedding: try FrozenEmbedding(of: model, geometry: geometry, positions: reading.positions),
                blocks: blocks, finalNorm: finalNorm))
        tokenizer = nil
        classifier = try model.classifier(width: geometry.width)
        recognised = EncoderDescription(
            of: model, reading, family: recognition.family, classifierWidth: classifier?.outputs)
        loadTime = clock.now - start
    }

    /// - Parameter maximumLength: tokens of a text that are read; nil: as many as the model has positions.
    private init(
        text model: TextModelFile, configuration: EncoderConfiguration, tokenizer: WordPieceTokenizer?,
        pooling: TextGeometry.Pooling, maximumLength: Int?, precision: EncoderPrecision, cacheBytes: Int
    ) throws {
        let clock = ContinuousClock()
        let start = clock.now
        geometry = try model.geometry(configuration, pooling: pooling, maximumLength: maximumLength)
        self.precision = precision
        cache = MemoryBudget(bytes: cacheBytes)
        try model.checkTokenizer(tokenizer, geometry)
        weightsPath = model.weights.path
        weightsPaths = model.weights.paths
        let folder = URL(fileURLWithPath: weightsPath).deletingLastPathComponent().path
        filePaths = weightsPaths + (tokenizer == nil ? [] : WordPieceTokenizer.files(in: folder))
        self.tokenizer = tokenizer
        tower = .text(try TextTower(of: model, geometry: geometry, precision: precision))
        classifier = nil
        recognised = EncoderDescription(of: model, geometry)
        loadTime = clock.now - start
    }

    /// An encoder of those extents with small random weights, for measurements.
    init(random geometry: EncoderGeometry, seed: UInt64, precision: EncoderPrecision) {
        var random = SeededRandom(seed: seed)
        self.geometry = geometry
        self.precision = precision
        cache = MemoryBudget(bytes: MemoryBudget.standard)
        recognised = EncoderDescription(random: geometry)
        weightsPath = ""
        weightsPaths = []
        filePaths = []
        tower =
            geometry.text == nil
            ? .image(ImageTower(random: &random, geometry: geometry, precision: precision))
            : .text(TextTower(random: &random, geometry: geometry, precision: precision))
        tokenizer = nil
        classifier = nil
        loadTime = .zero
    }
}
