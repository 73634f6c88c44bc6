import CKernels
import PromptAggregation

/// What turns pixels into the first tokens.
struct FrozenEmbedding: Sendable {
    /// The patch convolution as a matrix: [patch values, width].
    let patches: PackedMatrix
    /// What is added to the token of each patch: position and convolution bias, [patches, padded width].
    let offsets: FloatMemory
    /// The tokens that are the same for every image, with their positions, before any norm: the class token (zeros
    /// where attention pooling replaces it), then registers and distillation token; [1 + extra tokens, padded width].
    let fixedTokens: FloatMemory
    /// The affine part of the norm before the first block (CLIP), nil where the family has none: [padded width] each.
    let norm: (scale: FloatMemory, shift: FloatMemory)?
}

extension FrozenEmbedding {
    init(
        of model: ModelFile, geometry: EncoderGeometry, positions: EncoderReading.PositionTable
    ) throws(EncoderError) {
        let names = model.names
        let width = geometry.width
        let stride = padded(width)
        let size = geometry.patchSize
        let weight = try model.floats(names.patches + ".weight", [width, 3, size, size])
        patches = weight.withUnsafeBufferPointer {
            PackedMatrix(
                depth: geometry.patchValues, columns: width, precision: .float32, source: $0.baseAddress!, rowStride: 1,
                columnStride: geometry.patchValues)
        }
        let bias = try model.bias(names.patches + ".bias", width, required: names.patchBias)
        let table = try model.floats(names.positions, [positions.count, width])
        let hasRegisters = names.registers.map(model.contains) ?? false
        let interpolation =
            (hasRegisters ? names.interpolationWithRegisters : nil) ?? names.positionInterpolation
        let patchPositions = interpolation.resample(
            Array(table[(positions.prefix * width)...]), from: positions.trainedGrid, to: geometry.grid, width: width)
        offsets = FloatMemory(count: geometry.patches * stride)
        for patch in 0..<geometry.patches {
            for column in 0..<width {
                offsets.start[patch * stride + column] = patchPositions[patch * width + column] + bias[column]
            }
        }
        let tokens = try Self.fixedTokens(of: model, geometry: geometry)
        fixedTokens = FloatMemory(count: (1 + geometry.extraTokens) * stride)
        for (row, token) in tokens.enumerated() {
            for column in 0..<width {
                let position = row < positions.prefix ? table[row * width + column] : 0
                fixedTokens.start[row * stride + column] = token[column] + position
            }
        }
        if let name = names.embeddingNorm {
            let norm = try model.norm(name, width)
            self.norm = (FloatMemory(norm.scale, paddedTo: stride), FloatMemory(norm.shift, paddedTo: stride))
        } else {
            norm = nil
        }
    }

    /// Class token, distillation token and registers, [width] each, in the order of their positions.
    private static func fixedTokens(
        of model: ModelFile, geometry: EncoderGeometry
    ) throws(EncoderError) -> [[Float]] {
        let names = model.names
        let width = geometry.width
        var tokens = [
            try names.classToken.map { name throws(EncoderError) in try model.floats(name, [width]) }
                ?? [Float](repeating: 0, count: width)
        ]
        if let name = names.distillationToken, model.contains(name) { tokens.append(try model.floats(name, [width])) }
        if let name = names.registers, model.contains(name) {
            let count = 1 + geometry.extraTokens - tokens.count
            let values = try model.floats(name, [count, width])
            tokens += (0..<count).map { Array(values[$0 * width..<($0 + 1) * width]) }
        }
        return tokens
    }
}

extension FrozenEmbedding {
    /// Writes the first tokens of an image, leaving room for the prompts behind the first.
    ///
    /// - Parameters:
    ///   - pixels: [3, imageSize, imageSize].
    ///   - patchRows: room for [patches, patchValues].
    ///   - first: [tokens, padded width].
    func embed(
        _ pixels: UnsafePointer<Float>, patchRows: UnsafeMutablePointer<Float>,
        into first: UnsafeMutablePointer<Float>, prompts: Int, _ geometry: EncoderGeometry, _ kernels: Kernels
    ) {
        let width = padded(geometry.width)
        let others = first + (1 + prompts) * width
        let patchTokens = others + geometry.extraTokens * width
        first.update(from: fixedTokens.start, count: width)
        others.update(from: fixedTokens.start + width, count: geometry.extraTokens * width)
        gatherPatches(pixels, into: patchRows, geometry)
        patches.multiply(
            kernels, rows: geometry.patches, patchRows, stride: geometry.patchValues, bias: nil, into: patchTokens,
            stride: width)
        for place in 0..<geometry.patches * width { patchTokens[place] += offsets.start[place] }
        if norm != nil {
            normaliseEmbedding(kernels, self, geometry, rows: 1, first)
            normaliseEmbedding(kernels, self, geometry, rows: geometry.extraTokens + geometry.patches, others)
        }
    }

    /// From [3, imageSize, imageSize] to one row a patch, in the order of the convolution's weights: channel, y, x.
    private func gatherPatches(
        _ pixels: UnsafePointer<Float>, into patchRows: UnsafeMutablePointer<Float>, _ geometry: EncoderGeometry
    ) {
        let size = geometry.patchSize
        let side = geometry.imageSize
        var target = patchRows
        for patch in 0..<geometry.patches {
            let corner = patch / geometry.grid * size * side + patch % geometry.grid * size
            for channel in 0..<3 {
                for y in 0..<size {
                    target.update(from: pixels + channel * side * side + corner + y * side, count: size)
                    target += size
                }
            }
        }
    }
}

/// Applies the norm before the blocks to some tokens, in place.
func normaliseEmbedding(
    _ kernels: Kernels, _ embedding: FrozenEmbedding, _ geometry: EncoderGeometry, rows: Int,
    _ tokens: UnsafeMutablePointer<Float>, normalised: UnsafeMutablePointer<Float>? = nil,
    deviations: UnsafeMutablePointer<Float>? = nil
) {
    guard let norm = embedding.norm else { return }
    let width = padded(geometry.width)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: rows) { unused in
        kernels.call.normalize(
            rows, geometry.width, geometry.epsilon, tokens, width, tokens, width, deviations ?? unused.baseAddress!)
    }
    normalised?.update(from: tokens, count: rows * width)
    kernels.call.scale_and_shift(rows, geometry.width, norm.scale.start, norm.shift.start, tokens, width)
}
