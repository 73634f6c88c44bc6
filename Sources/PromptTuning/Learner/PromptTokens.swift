import CKernels

/// Prompts on their way into the encoder: padded, and normalised where the family has a norm before the blocks.
struct PromptTokens {
    let count: Int
    /// [count, padded width].
    let values: FloatMemory
    private let normalised: FloatMemory
    private let deviations: FloatMemory
    private let encoder: FrozenEncoder
    private let kernels: Kernels

    /// - Parameter prompts: [count, width].
    init(_ prompts: [Float], encoder: FrozenEncoder, kernels: Kernels) {
        let width = encoder.width
        let stride = padded(width)
        count = prompts.count / width
        values = FloatMemory(count: count * stride)
        normalised = FloatMemory(count: count * stride)
        deviations = FloatMemory(count: count)
        self.encoder = encoder
        self.kernels = kernels
        for row in 0..<count {
            for column in 0..<width { values.start[row * stride + column] = prompts[row * width + column] }
        }
        normaliseEmbedding(
            kernels, encoder.embedding, encoder.geometry, rows: count, values.start, normalised: normalised.start,
            deviations: deviations.start)
    }

    /// The gradient of the prompts from that of each image's tokens.
    ///
    /// - Parameter tokens: [images, count, padded width].
    /// - Returns: [count, width], summed over the images in their order.
    func gradient(ofImages tokens: FloatMemory, images: Int) -> [Float] {
        let width = encoder.width
        let stride = padded(width)
        let size = count * stride
        let total = FloatMemory(count: size)
        for image in 0..<images {
            for place in 0..<size { total.start[place] += tokens.start[image * size + place] }
        }
        var result = total
        if let norm = encoder.embedding.norm {
            for row in 0..<count {
                for column in 0..<stride { total.start[row * stride + column] *= norm.scale.start[column] }
            }
            result = FloatMemory(count: size)
            kernels.call.normalize_backward(
                count, width, normalised.start, stride, deviations.start, total.start, stride, result.start, stride)
        }
        return (0..<count).flatMap { UnsafeBufferPointer(start: result.start + $0 * stride, count: width) }
    }
}
