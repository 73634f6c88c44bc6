/// The frozen layers of an encoder, of the kind that its examples need.
enum Tower: Sendable {
    case image(ImageTower)
    case text(TextTower)

    var image: ImageTower? { if case .image(let tower) = self { tower } else { nil } }

    /// Bytes of the weights as they are packed by now.
    var byteCount: Int {
        switch self {
        case .image(let tower): tower.blocks.reduce(tower.embedding.patches.byteCount) { $0 + $1.byteCount }
        case .text(let tower): tower.blocks.reduce(tower.embedding.byteCount) { $0 + $1.byteCount }
        }
    }

    func pass(
        _ geometry: EncoderGeometry, kernels: Kernels, size: PassSize, keepsGradients: Bool
    ) -> any FrozenPass {
        switch self {
        case .image(let tower):
            EncoderPass(tower, geometry, kernels: kernels, size: size, keepsGradients: keepsGradients)
        case .text(let tower):
            TextPass(tower, geometry, kernels: kernels, size: size, keepsGradients: keepsGradients)
        }
    }
}

/// A vision transformer.
struct ImageTower: Sendable {
    let embedding: FrozenEmbedding
    /// The model's blocks, and one more for attention pooling.
    let blocks: [FrozenBlock]
    /// The final norm, nil where attention pooling ends the model.
    let finalNorm: AffineNorm?
}

/// The affine part of a norm for the kernels: [padded width] each.
struct AffineNorm: Sendable {
    let scale, shift: FloatMemory

    init(_ values: NormValues) {
        scale = FloatMemory(values.scale, paddedTo: padded(values.scale.count))
        shift = FloatMemory(values.shift, paddedTo: padded(values.shift.count))
    }
}
