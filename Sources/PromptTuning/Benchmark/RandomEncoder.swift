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
