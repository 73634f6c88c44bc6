import Safetensors
import Tokenization

/// The tensors of a text encoder under the names of transformers' `BertModel`: BERT, MiniLM, E5, BGE.
struct TextModelFile: NamedTensors {
    let weights: SafetensorsModel
    let prefix: String
    var title: String { Self.title }

    static let title = "transformers BertModel"
    /// As `encoder.family` names it.
    static let family = "bert"
    private static let anchor = "embeddings.word_embeddings.weight"

    /// nil where the file holds no text encoder, or the user states a family of image encoders.
    ///
    /// - Throws: `EncoderError` where the user states this family and the tensors are named otherwise, and for several.
    init?(_ weights: SafetensorsModel, stated: String?) throws(EncoderError) {
        guard stated == nil || stated == Self.family else { return nil }
        let prefixes = weights.names.filter { $0.hasSuffix(Self.anchor) }.map { String($0.dropLast(Self.anchor.count)) }
            .filter { $0.isEmpty || $0.hasSuffix(".") }
        guard prefixes.count <= 1 else { throw .severalEncoders(path: weights.path, prefixes: prefixes.sorted()) }
        guard let prefix = prefixes.first else {
            guard stated == nil else {
                throw .otherFamily(
                    path: weights.path, stated: Self.family, examples: Array(weights.names.prefix(3)))
            }
            return nil
        }
        self.weights = weights
        self.prefix = prefix
    }

    /// Names in one block, without ".weight" and ".bias".
    struct Block {
        let query, key, value, output, attentionNorm, expand, contract, outputNorm: String

        init(_ index: Int) {
            let block = "encoder.layer.\(index)."
            query = block + "attention.self.query"
            key = block + "attention.self.key"
            value = block + "attention.self.value"
            output = block + "attention.output.dense"
            attentionNorm = block + "attention.output.LayerNorm"
            expand = block + "intermediate.dense"
            contract = block + "output.dense"
            outputNorm = block + "output.LayerNorm"
        }
    }

    static let words = anchor
    static let positions = "embeddings.position_embeddings.weight"
    static let segments = "embeddings.token_type_embeddings.weight"
    static let embeddingNorm = "embeddings.LayerNorm"

    /// A norm; files of old call its scale gamma and its shift beta.
    func layerNorm(_ name: String, _ width: Int) throws(EncoderError) -> NormValues {
        guard contains(name + ".gamma") else { return try norm(name, width) }
        return NormValues(scale: try floats(name + ".gamma", [width]), shift: try floats(name + ".beta", [width]))
    }

    private var blockCount: Int {
        var count = 0
        while contains(Block(count).expand + ".weight") { count += 1 }
        return count
    }

    /// What shapes and configuration say together.
    ///
    /// - Parameter maximumLength: tokens of a text that are read; nil for as many as there are positions.
    func geometry(
        _ configuration: EncoderConfiguration, pooling: TextGeometry.Pooling, maximumLength: Int?
    ) throws(EncoderError) -> EncoderGeometry {
        func expect(_ field: String, _ expected: String, _ found: String?) throws(EncoderError) {
            guard let found, found != expected else { return }
            throw .configuration(path: configuration.path, field: field, expected: expected, found: found)
        }
        try expect("model_type", Self.family, configuration.modelType)
        try expect("position_embedding_type", "absolute", configuration.positionType)
        let words = try shape(Self.words, extents: 2)
        let positions = try shape(Self.positions, extents: 2)
        let expand = try shape(Block(0).expand + ".weight", extents: 2)
        let (width, depth) = (words[1], blockCount)
        for (field, said, found) in [
            ("hidden_size", try configuration.width, width), ("num_hidden_layers", try configuration.depth, depth),
            ("intermediate_size", try configuration.hidden, expand[0]),
        ] {
            try expect(field, "\(found)", said.map { "\($0)" })
        }
        guard let heads = try configuration.heads, width % heads == 0 else {
            throw .headsUnknown(path: configuration.path, width: width)
        }
        let length = maximumLength ?? positions[0]
        guard 2...positions[0] ~= length else {
            throw .configuration(
                path: configuration.path, field: "maximum length asked for",
                expected: "2 to the model's \(positions[0]) positions", found: "\(length)")
        }
        var geometry = EncoderGeometry(
            width: width, depth: depth, heads: heads, hidden: expand[0], imageSize: 0, patchSize: 1,
            epsilon: try configuration.epsilon ?? 1e-12, activation: try configuration.activation ?? .gelu)
        geometry.text = TextGeometry(
            vocabulary: words[0], positions: positions[0], maximumLength: length, pooling: pooling)
        return geometry
    }

    /// - Throws: `EncoderError` where the tokenizer knows tokens that have no embedding.
    func checkTokenizer(_ tokenizer: WordPieceTokenizer?, _ geometry: EncoderGeometry) throws(EncoderError) {
        guard let tokenizer, let text = geometry.text, tokenizer.vocabulary.count > text.vocabulary else { return }
        throw .tensorShape(
            path: path, tensor: fullName(Self.words),
            expected: "[at least the tokenizer's \(tokenizer.vocabulary.count) tokens, \(geometry.width)]",
            found: [text.vocabulary, geometry.width])
    }

    /// Tensors that the encoder does without, by their full names, ascending.
    func unused(depth: Int) -> [String] {
        let layers = (0..<depth).flatMap { index in
            let block = Block(index)
            return [
                block.query, block.key, block.value, block.output, block.attentionNorm, block.expand, block.contract,
                block.outputNorm,
            ]
        }
        let kinds = [".weight", ".bias", ".gamma", ".beta"]
        let known = Set(
            (layers + [Self.embeddingNorm]).flatMap { name in kinds.map { prefix + name + $0 } }
                + [Self.words, Self.positions, Self.segments].map { prefix + $0 })
        return weights.names.filter { !known.contains($0) }.sorted()
    }
}

extension EncoderDescription {
    /// Of a text encoder.
    init(of model: TextModelFile, _ geometry: EncoderGeometry) {
        let unused = model.unused(depth: geometry.depth)
        let some = unused.prefix(3).joined(separator: ", ")
        let type = try? model.weights.tensor(named: model.fullName(TextModelFile.words)).type.rawValue
        self.init(
            family: TextModelFile.family, library: TextModelFile.title, prefix: model.prefix, geometry: geometry,
            trainedImageSize: 0, registers: 0, hasDistillationToken: false, mean: [], std: [],
            precision: [type].compactMap(\.self), classifierWidth: nil,
            files: max(1, model.weights.paths.count { $0.hasSuffix(".safetensors") }),
            notes: unused.isEmpty
                ? []
                : ["not used of the file's tensors (\(unused.count)): \(some)\(unused.count > 3 ? " ..." : "")"])
    }

    /// What is said of a text encoder in place of its images.
    static func lines(of text: TextGeometry) -> [(String, String)] {
        [
            ("texts", "up to \(text.maximumLength) tokens of \(text.positions), \(text.vocabulary) words"),
            ("features", text.pooling == .mean ? "mean of the text's tokens" : "class token"),
        ]
    }
}
