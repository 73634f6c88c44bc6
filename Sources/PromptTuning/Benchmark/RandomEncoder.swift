import PromptAggregation

extension FrozenLayer {
    /// Weights uniform in ±1/√inputs, no bias.
    convenience init(random: inout SeededRandom, outputs: Int, inputs: Int) {
        let bound = 1 / Double(inputs).squareRoot()
        self.init(
            outputs: outputs, inputs: inputs,
            weight: (0..<outputs * inputs).map { _ in Float((2 * random.nextUniform() - 1) * bound) },
            bias: [Float](repeating: 0, count: outputs))
    }
}

extension FrozenBlock {
    init(random: inout SeededRandom, geometry: EncoderGeometry) {
        let width = geometry.width
        let attention = geometry.attentionWidth
        self.init(
            query: FrozenLayer(random: &random, outputs: attention, inputs: width),
            keyValue: FrozenLayer(random: &random, outputs: 2 * attention, inputs: width),
            output: FrozenLayer(random: &random, outputs: width, inputs: attention),
            expand: FrozenLayer(random: &random, outputs: geometry.hidden, inputs: width),
            contract: FrozenLayer(random: &random, outputs: width, inputs: geometry.hidden))
    }
}

extension FrozenEmbedding {
    init(random: inout SeededRandom, geometry: EncoderGeometry) {
        let layer = FrozenLayer(random: &random, outputs: geometry.width, inputs: geometry.patchValues)
        let stride = padded(geometry.width)
        self.init(
            patches: layer.forward, offsets: FloatMemory(count: geometry.patches * stride),
            fixedTokens: FloatMemory(count: (1 + geometry.extraTokens) * stride), norm: nil)
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
