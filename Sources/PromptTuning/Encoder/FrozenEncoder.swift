import Foundation
import PromptAggregation
import Safetensors

/// A pre-trained vision transformer whose weights never change, packed for the kernels.
///
/// Images are [3, imageSize, imageSize] float32, normalised with `mean` and `std`. Features are the class token after
/// the final norm, [width].
public final class FrozenEncoder: Sendable {
    public let geometry: EncoderGeometry
    /// The library and class whose names the file uses.
    public let family: String
    /// What images were normalised with before they were pre-trained on: per channel, for pixels in [0, 1].
    public let mean: [Float]
    public let std: [Float]
    /// The file with the weights.
    public let weightsPath: String
    /// How long reading and packing took.
    public let loadTime: Duration

    let embedding: FrozenEmbedding
    let blocks: [FrozenBlock]
    let finalScale: FloatMemory
    let finalShift: FloatMemory
    /// The layer from the class feature to the classes that the model was trained on, where the file has one.
    let classifier: FrozenLayer?

    /// Bytes of the weights as they are packed by now; about twice as many once a gradient has passed.
    public var packedBytes: Int {
        blocks.reduce(embedding.patches.byteCount + (classifier?.byteCount ?? 0)) { $0 + $1.byteCount }
    }

    /// Outputs of the model's own classifier, nil when the file has none.
    public var classifierWidth: Int? { classifier?.outputs }
    public var width: Int { geometry.width }
    public var imageSize: Int { geometry.imageSize }
    public var patchSize: Int { geometry.patchSize }
    public var depth: Int { geometry.depth }
    public var heads: Int { geometry.heads }

    /// Reads `model.safetensors` and `config.json` in a folder.
    ///
    /// - Parameter imageSize: height and width of the images, a multiple of the patch size; the position embeddings are
    ///   interpolated as the library does that the weights come from. nil: what the model was trained on.
    /// - Throws: `SafetensorsError` or `EncoderError`.
    public convenience init(directory: String, imageSize: Int? = nil) throws {
        let folder = URL(fileURLWithPath: directory, isDirectory: true)
        try self.init(
            file: SafetensorsFile(path: folder.appendingPathComponent("model.safetensors").path), namePrefix: "",
            configuration: EncoderConfiguration(path: folder.appendingPathComponent("config.json").path),
            imageSize: imageSize)
    }

    /// An encoder from a file whose tensors' names all begin with `namePrefix`, with its configuration as JSON.
    ///
    /// - Throws: `EncoderError`.
    public convenience init(
        file: SafetensorsFile, namePrefix: String, configuration: String, imageSize: Int? = nil
    ) throws {
        try self.init(
            file: file, namePrefix: namePrefix,
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
        file: SafetensorsFile, namePrefix: String, configuration: EncoderConfiguration, imageSize: Int?
    ) throws {
        let clock = ContinuousClock()
        let start = clock.now
        let model = try ModelFile(file: file, outerPrefix: namePrefix)
        let geometry = try EncoderGeometry(of: model, configuration: configuration, imageSize: imageSize)
        self.geometry = geometry
        family = model.names.family
        (mean, std) = try configuration.normalisation ?? (model.names.mean, model.names.std)
        weightsPath = file.path
        embedding = try FrozenEmbedding(of: model, geometry: geometry)
        blocks = try (0..<geometry.depth).map { try FrozenBlock($0, of: model, geometry: geometry) }
        let finalNorm = try model.norm(model.names.finalNorm, geometry.width)
        finalScale = FloatMemory(finalNorm.scale, paddedTo: padded(geometry.width))
        finalShift = FloatMemory(finalNorm.shift, paddedTo: padded(geometry.width))
        classifier = try model.classifier(width: geometry.width)
        loadTime = clock.now - start
    }

    /// An encoder of those extents with small random weights, for measurements.
    init(random geometry: EncoderGeometry, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        self.geometry = geometry
        family = "random"
        (mean, std) = (TensorNames.imageNetMean, TensorNames.imageNetStd)
        weightsPath = ""
        embedding = FrozenEmbedding(random: &random, geometry: geometry)
        blocks = (0..<geometry.depth).map { _ in FrozenBlock(random: &random, geometry: geometry) }
        let ones = [Float](repeating: 1, count: geometry.width)
        finalScale = FloatMemory(ones, paddedTo: padded(geometry.width))
        finalShift = FloatMemory(count: padded(geometry.width))
        classifier = nil
        loadTime = .zero
    }
}

extension EncoderGeometry {
    /// Reads the extents from the tensors' shapes and checks them against the configuration.
    init(of model: ModelFile, configuration: EncoderConfiguration, imageSize: Int?) throws(EncoderError) {
        let names = model.names
        func shape(_ name: String, extents: Int) throws(EncoderError) -> [Int] {
            guard let shape = model.shape(name) else {
                throw .missingTensor(path: model.file.path, family: names.family, tensor: model.fullName(name))
            }
            guard shape.count == extents, shape.allSatisfy({ $0 > 0 }) else {
                throw .tensorShape(
                    path: model.file.path, tensor: model.fullName(name), expected: "\(extents) extents", found: shape)
            }
            return shape
        }
        func agree(_ field: String, _ said: Int?, _ found: Int) throws(EncoderError) {
            guard let said, said != found else { return }
            throw .configuration(
                path: configuration.path, field: field, expected: "\(found), as in the tensors", found: "\(said)")
        }
        let patch = try shape(names.patches + ".weight", extents: 4)
        guard patch[1] == 3, patch[2] == patch[3] else {
            throw .tensorShape(
                path: model.file.path, tensor: model.fullName(names.patches + ".weight"),
                expected: "[width, 3, patch, patch]", found: patch)
        }
        let width = patch[0]
        try agree("hidden_size", try configuration.width, width)
        try agree("patch_size", try configuration.patchSize, patch[2])
        let expand = try shape(names.block(0).expand + ".weight", extents: 2)
        try agree("intermediate_size", try configuration.hidden, expand[0])
        let depth = try configuration.depth ?? model.blockCount
        if depth < model.blockCount { try agree("num_hidden_layers", depth, model.blockCount) }
        let heads = try configuration.heads ?? max(1, width / 64)
        guard width % heads == 0 else {
            throw .configuration(
                path: configuration.path, field: "num_attention_heads", expected: "a divisor of the width \(width)",
                found: "\(heads)")
        }
        guard let positions = model.shape(names.positions) else {
            throw .missingTensor(path: model.file.path, family: names.family, tensor: model.fullName(names.positions))
        }
        let patches = (positions.dropLast().last ?? 1) - 1
        let grid = Int(Double(max(patches, 0)).squareRoot())
        guard grid >= 1, grid * grid == patches, positions.last == width else {
            throw .tensorShape(
                path: model.file.path, tensor: model.fullName(names.positions),
                expected: "[1 + a square number, \(width)]", found: positions)
        }
        try agree("image_size", try configuration.imageSize, grid * patch[2])
        let size = imageSize ?? grid * patch[2]
        guard size >= patch[2], size % patch[2] == 0 else {
            throw .configuration(
                path: configuration.path, field: "image size asked for",
                expected: "a multiple of the patch size \(patch[2])",
                found: "\(size)")
        }
        self.init(
            width: width, depth: depth, heads: heads, hidden: expand[0], imageSize: size,
            patchSize: patch[2], epsilon: try configuration.epsilon ?? names.epsilon,
            activation: try configuration.activation ?? names.activation)
        trainedGrid = grid
    }
}
