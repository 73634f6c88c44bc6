import CKernels

/// Prompts on their way into the encoder: padded, and normalised where the family has a norm before the blocks.
///
/// Shallow prompts have one layer: they are tokens of their first block and live on through the later ones. Deep prompts
/// (VPT, Jia et al. 2022, equation 5) have one for each of several blocks, which takes the place of what the block before
/// made of the last.
struct PromptTokens {
    let count: Int
    /// Blocks that prompts of their own stand before, at least 1.
    let layers: Int
    /// The first of these blocks.
    let firstBlock: Int
    /// [layers, count, padded width].
    let values: FloatMemory
    private let normalised: FloatMemory
    private let deviations: FloatMemory
    private let encoder: FrozenEncoder
    private let kernels: Kernels

    /// - Parameter prompts: [count, layers · width], the first layer's part first.
    init(_ prompts: [Float], layers: Int, firstBlock: Int, encoder: FrozenEncoder, kernels: Kernels) {
        let width = encoder.width
        let stride = padded(width)
        count = prompts.count / (layers * width)
        self.layers = layers
        self.firstBlock = firstBlock
        values = FloatMemory(count: layers * count * stride)
        normalised = FloatMemory(count: count * stride)
        deviations = FloatMemory(count: count)
        self.encoder = encoder
        self.kernels = kernels
        for row in 0..<count {
            for layer in 0..<layers {
                for column in 0..<width {
                    values.start[(layer * count + row) * stride + column] =
                        prompts[(row * layers + layer) * width + column]
                }
            }
        }
        if let embedding = encoder.tower.image?.embedding, firstBlock == 0 {
            normaliseEmbedding(
                kernels, embedding, encoder.geometry, rows: count, values.start, normalised: normalised.start,
                deviations: deviations.start)
        }
    }

    /// The tokens that a block begins with, [count, padded width]; nil where it takes what the block before made of them.
    func tokens(before block: Int) -> UnsafeMutablePointer<Float>? {
        let layer = block - firstBlock
        return 0..<layers ~= layer ? values.start + layer * count * padded(encoder.width) : nil
    }

    /// The gradient of the prompts from that of each image's tokens.
    ///
    /// - Parameter tokens: [images, layers, count, padded width].
    /// - Returns: [count, layers · width], summed over the images in their order.
    func gradient(ofImages tokens: FloatMemory, images: Int) -> [Float] {
        let width = encoder.width
        let stride = padded(width)
        let size = layers * count * stride
        let total = FloatMemory(count: size)
        for image in 0..<images {
            for place in 0..<size { total.start[place] += tokens.start[image * size + place] }
        }
        if let norm = encoder.tower.image?.embedding.norm, firstBlock == 0 {
            let scaled = FloatMemory(count: count * stride)
            for row in 0..<count {
                for column in 0..<stride {
                    scaled.start[row * stride + column] =
                        total.start[row * stride + column] * norm.scale.start[column]
                }
            }
            total.start.update(repeating: 0, count: count * stride)
            kernels.call.normalize_backward(
                count, width, normalised.start, stride, deviations.start, scaled.start, stride, total.start, stride)
        }
        return (0..<count).flatMap { row in
            (0..<layers).flatMap { layer in
                UnsafeBufferPointer(start: total.start + (layer * count + row) * stride, count: width)
            }
        }
    }
}
