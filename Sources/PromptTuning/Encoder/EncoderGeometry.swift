import CKernels

/// The extents of a frozen transformer; one that reads texts has images of no extent.
public struct EncoderGeometry: Hashable, Sendable {
    /// Values of a token.
    public var width: Int
    /// Transformer blocks.
    public var depth: Int
    /// Attention heads of a block; they divide `width`.
    public var heads: Int
    /// Values of the hidden layer of a block's perceptron.
    public var hidden: Int
    /// Height and width of an image, in pixels.
    public var imageSize: Int
    /// Height and width of a patch, in pixels.
    public var patchSize: Int
    /// Added to the variance in every layer norm.
    public var epsilon: Float
    public var activation: Activation
    /// Fixed tokens beside the class token and the patches: registers and a distillation token.
    public var extraTokens = 0
    /// Whether the features come from attention pooling over all tokens (SigLIP), not from a class token.
    public var poolsByAttention = false
    /// How texts are read; nil for an encoder of images.
    public var text: TextGeometry?

    /// The nonlinearity of the blocks' perceptrons.
    public enum Activation: String, Hashable, Sendable, CaseIterable {
        /// x Φ(x), exact.
        case gelu
        /// The tanh approximation of GELU.
        case geluTanh
        /// x σ(1.702 x).
        case quickGelu

        var kernel: ck_activation {
            switch self {
            case .gelu: ck_gelu
            case .geluTanh: ck_gelu_tanh
            case .quickGelu: ck_quick_gelu
            }
        }
    }

    public init(
        width: Int, depth: Int, heads: Int, hidden: Int, imageSize: Int, patchSize: Int, epsilon: Float,
        activation: Activation
    ) {
        self.width = width
        self.depth = depth
        self.heads = heads
        self.hidden = hidden
        self.imageSize = imageSize
        self.patchSize = patchSize
        self.epsilon = epsilon
        self.activation = activation
    }

    /// Patches along one side.
    public var grid: Int { imageSize / patchSize }
    /// Patches of an image.
    public var patches: Int { grid * grid }
    /// Rows of an image in the residual stream: the row that the features come from, prompts, extra tokens, patches.
    func tokens(prompts: Int) -> Int { 1 + prompts + extraTokens + patches }
    /// Values that the first layer makes a token of: those of a patch, or of a token's embedding.
    var inputValues: Int { text == nil ? patchValues : width }
    /// Values of a patch: three channels.
    var patchValues: Int { 3 * patchSize * patchSize }
    /// Floats of an image.
    public var imageValues: Int { 3 * imageSize * imageSize }
    var headWidth: Int { width / heads }
    /// Columns that a head takes in the kernels.
    var headStride: Int { padded(headWidth) }
    /// Columns that all heads take in the kernels.
    var attentionWidth: Int { heads * headStride }

    /// The floating point operations of the patch embedding of an image (a multiply-add is two); 0 for texts.
    var embeddingOperations: Double {
        text == nil ? 2 * Double(patches) * Double(patchValues) * Double(width) : 0
    }

    /// The floating point operations of the frozen matrices and the attention of some blocks for one image or text.
    ///
    /// - Parameters:
    ///   - rows: of the example, prompts among them.
    ///   - blocks: how many.
    ///   - backward: whether the gradient is propagated to the prompts as well.
    func operations(rows: Int, blocks: Int, backward: Bool) -> Double {
        let (rows, width) = (Double(rows), Double(width))
        let matrices = 2 * rows * (4 * width * width + 2 * width * Double(hidden))
        let attention = 4 * rows * rows * width
        return Double(blocks) * (backward ? 2 * matrices + 3 * attention : matrices + attention)
    }
}
