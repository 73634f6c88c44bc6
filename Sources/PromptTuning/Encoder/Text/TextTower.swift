import CKernels
import PromptAggregation

/// A transformer of texts with its norms behind attention and perceptron (Vaswani et al. 2017; Devlin et al. 2019).
struct TextTower: Sendable {
    let embedding: TokenEmbedding
    let blocks: [PostNormBlock]
}

extension TextTower {
    init(of model: TextModelFile, geometry: EncoderGeometry, precision: EncoderPrecision) throws(EncoderError) {
        embedding = try TokenEmbedding(of: model, geometry: geometry)
        var blocks: [PostNormBlock] = []
        for index in 0..<geometry.depth {
            blocks.append(try PostNormBlock(index, of: model, geometry: geometry, precision: precision))
        }
        self.blocks = blocks
    }
}

/// What turns tokens into the first rows: norm(word + position + segment), all tokens in the first segment.
struct TokenEmbedding: Sendable {
    /// [vocabulary, width].
    let words: [Float]
    /// Position and first segment together, [positions, width].
    let places: [Float]
    let norm: AffineNorm

    var byteCount: Int { (words.count + places.count) * MemoryLayout<Float>.stride }
}

extension TokenEmbedding {
    init(of model: TextModelFile, geometry: EncoderGeometry) throws(EncoderError) {
        let (width, text) = (geometry.width, geometry.text!)
        words = try model.floats(TextModelFile.words, [text.vocabulary, width])
        let segments = try model.shape(TextModelFile.segments, extents: 2)
        let segment = try model.floats(TextModelFile.segments, [segments[0], width]).prefix(width)
        var places = try model.floats(TextModelFile.positions, [text.positions, width])
        for place in places.indices { places[place] += segment[place % width] }
        self.places = places
        norm = AffineNorm(try model.layerNorm(TextModelFile.embeddingNorm, width))
    }
}

/// A transformer block with its norms behind attention and perceptron; the attention's scale is folded into the query:
///
///     x = norm(x + output(attention(query(x), keyValue(x))))
///     x = norm(x + contract(f(expand(x))))
struct PostNormBlock: Sendable {
    /// width -> attention width.
    let query: FrozenLayer
    /// width -> 2 · attention width: keys, then values.
    let keyValue: FrozenLayer
    /// attention width -> width.
    let output: FrozenLayer
    let attentionNorm: AffineNorm
    /// width -> hidden.
    let expand: FrozenLayer
    /// hidden -> width.
    let contract: FrozenLayer
    let outputNorm: AffineNorm

    var byteCount: Int { [query, keyValue, output, expand, contract].reduce(0) { $0 + $1.byteCount } }
}

extension PostNormBlock {
    init(
        _ index: Int, of model: TextModelFile, geometry: EncoderGeometry, precision: EncoderPrecision
    ) throws(EncoderError) {
        let names = TextModelFile.Block(index)
        let width = geometry.width
        func square(_ name: String) throws(EncoderError) -> PlainLayer {
            try PlainLayer(name, of: model, outputs: width, inputs: width)
        }
        var query = try square(names.query)
        query.scaleOutputs(
            by: [Double](repeating: 1 / Double(geometry.headWidth).squareRoot(), count: width))
        var key = try square(names.key)
        var value = try square(names.value)
        query.spreadOutputs(geometry)
        key.spreadOutputs(geometry)
        value.spreadOutputs(geometry)
        var output = try square(names.output)
        output.spreadInputs(geometry)
        self.query = query.packed(precision)
        keyValue = key.joined(with: value).packed(precision)
        self.output = output.packed(precision)
        attentionNorm = AffineNorm(try model.layerNorm(names.attentionNorm, width))
        expand = try PlainLayer(names.expand, of: model, outputs: geometry.hidden, inputs: width).packed(precision)
        contract = try PlainLayer(names.contract, of: model, outputs: width, inputs: geometry.hidden).packed(precision)
        outputNorm = AffineNorm(try model.layerNorm(names.outputNorm, width))
    }
}
