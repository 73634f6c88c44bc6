import CKernels

/// What turns pixels into the first tokens.
struct FrozenEmbedding: Sendable {
    /// The patch convolution as a matrix: [patch values, width].
    let patches: PackedMatrix
    /// What is added to the token of each patch: position and convolution bias, [patches, padded width].
    let offsets: FloatMemory
    /// The class token with its position, before any norm: [padded width].
    let classToken: FloatMemory
    /// The affine part of the norm before the first block (CLIP), nil where the family has none: [padded width] each.
    let norm: (scale: FloatMemory, shift: FloatMemory)?
}

extension FrozenEmbedding {
    init(of model: ModelFile, geometry: EncoderGeometry) throws(EncoderError) {
        let names = model.names
        let width = geometry.width
        let stride = padded(width)
        let size = geometry.patchSize
        let weight = try model.floats(names.patches + ".weight", [width, 3, size, size])
        patches = weight.withUnsafeBufferPointer {
            PackedMatrix(
                depth: geometry.patchValues, columns: width, source: $0.baseAddress!, rowStride: 1,
                columnStride: geometry.patchValues)
        }
        let bias = try model.bias(names.patches + ".bias", width, required: names.patchBias)
        let trainedGrid = geometry.trainedGrid ?? geometry.grid
        let table = try model.floats(names.positions, [1 + trainedGrid * trainedGrid, width])
        let positions =
            table[..<width]
            + names.positionInterpolation.resample(
                Array(table[width...]), from: trainedGrid, to: geometry.grid, width: width)
        offsets = FloatMemory(count: geometry.patches * stride)
        for patch in 0..<geometry.patches {
            for column in 0..<width {
                offsets.start[patch * stride + column] = positions[(1 + patch) * width + column] + bias[column]
            }
        }
        let token = try model.floats(names.classToken, [width])
        classToken = FloatMemory(zip(token, positions).map { $0 + $1 }, paddedTo: stride)
        if let name = names.embeddingNorm {
            let norm = try model.norm(name, width)
            self.norm = (FloatMemory(norm.scale, paddedTo: stride), FloatMemory(norm.shift, paddedTo: stride))
        } else {
            norm = nil
        }
    }
}
