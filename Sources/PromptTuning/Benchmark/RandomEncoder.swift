import PromptAggregation

extension FrozenLayer {
    /// Weights uniform in ±1/√inputs, no bias.
    convenience init(random: inout SeededRandom, outputs: Int, inputs: Int, precision: EncoderPrecision) {
        let bound = 1 / Double(inputs).squareRoot()
        self.init(
            outputs: outputs, inputs: inputs,
            weight: (0..<outputs * inputs).map { _ in Float((2 * random.nextUniform() - 1) * bound) },
            bias: [Float](repeating: 0, count: outputs), precision: precision)
    }
}

extension FrozenBlock {
    init(random: inout SeededRandom, geometry: EncoderGeometry, precision: EncoderPrecision) {
        let width = geometry.width
        let attention = geometry.attentionWidth
        func layer(_ outputs: Int, _ inputs: Int) -> FrozenLayer {
            FrozenLayer(random: &random, outputs: outputs, inputs: inputs, precision: precision)
        }
        self.init(
            query: layer(attention, width), keyValue: layer(2 * attention, width), output: layer(width, attention),
            expand: layer(geometry.hidden, width), contract: layer(width, geometry.hidden))
    }
}

extension FrozenEmbedding {
    init(random: inout SeededRandom, geometry: EncoderGeometry) {
        let layer = FrozenLayer(
            random: &random, outputs: geometry.width, inputs: geometry.patchValues, precision: .float32)
        let stride = padded(geometry.width)
        self.init(
            patches: layer.forward, offsets: FloatMemory(count: geometry.patches * stride),
            fixedTokens: FloatMemory(count: (1 + geometry.extraTokens) * stride), norm: nil)
    }
}

extension ImageTower {
    init(random: inout SeededRandom, geometry: EncoderGeometry, precision: EncoderPrecision) {
        self.init(
            embedding: FrozenEmbedding(random: &random, geometry: geometry),
            blocks: (0..<geometry.depth).map { _ in
                FrozenBlock(random: &random, geometry: geometry, precision: precision)
            },
            finalNorm: AffineNorm(identity: geometry.width))
    }
}

extension TextTower {
    init(random: inout SeededRandom, geometry: EncoderGeometry, precision: EncoderPrecision) {
        func values(_ count: Int) -> [Float] { (0..<count).map { _ in Float(2 * random.nextUniform() - 1) } }
        let (width, text) = (geometry.width, geometry.text!)
        self.init(
            embedding: TokenEmbedding(
                words: values(text.vocabulary * width), places: values(text.positions * width),
                norm: AffineNorm(identity: width)),
            blocks: (0..<geometry.depth).map { _ in
                PostNormBlock(random: &random, geometry: geometry, precision: precision)
            })
    }
}

extension PostNormBlock {
    init(random: inout SeededRandom, geometry: EncoderGeometry, precision: EncoderPrecision) {
        let block = FrozenBlock(random: &random, geometry: geometry, precision: precision)
        let norm = AffineNorm(identity: geometry.width)
        self.init(
            query: block.query, keyValue: block.keyValue, output: block.output, attentionNorm: norm,
            expand: block.expand, contract: block.contract, outputNorm: norm)
    }
}

extension AffineNorm {
    /// Scales by 1 and shifts by 0.
    init(identity width: Int) {
        self.init(
            NormValues(scale: [Float](repeating: 1, count: width), shift: [Float](repeating: 0, count: width)))
    }
}

/// Random images, the same at every index, for measurements.
struct RandomImages: ImageSource {
    let pixels: [Float]
    let labels: [Int]
    var count: Int { labels.count }

    init(count: Int, classes: Int, imageValues: Int, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        pixels = (0..<imageValues).map { _ in Float(random.nextNormal()) }
        labels = (0..<count).map { $0 % classes }
    }

    func copyImage(_ index: Int, into target: UnsafeMutableBufferPointer<Float>) {
        _ = target.update(fromContentsOf: pixels)
    }
}

/// Texts of random tokens, for measurements.
struct RandomTexts: TextSource {
    let texts: [[Int32]]
    let labels: [Int]
    var count: Int { labels.count }

    /// - Parameter lengths: the tokens of each text.
    init(lengths: [Int], classes: Int, vocabulary: Int, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        texts = lengths.map { length in (0..<length).map { _ in Int32(random.nextUniform() * Double(vocabulary)) } }
        labels = lengths.indices.map { $0 % classes }
    }

    func tokens(of index: Int) -> [Int32] { texts[index] }
}
