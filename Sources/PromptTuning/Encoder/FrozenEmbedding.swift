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
