/// How one library names the tensors of a vision transformer, and what follows from its code alone.
struct TensorNames: Sendable {
    /// The names in one block, without ".weight" and ".bias".
    struct Block {
        enum Attention {
            /// Query, key and value in one matrix; its weight and bias by their full names.
            case joined(weight: String, bias: String)
            case separate(query: String, key: String, value: String)
        }
        var firstNorm: String
        var attention: Attention
        var output: String
        var secondNorm: String
        var expand: String
        var contract: String
        /// Full names of LayerScale's factors for attention and perceptron, where the library has them.
        var scales: (String, String)?
    }

    /// Attention pooling: a learned query attends over all tokens after the last norm, and a perceptron follows.
    struct Pooling {
        /// The learned query, by its full name.
        let probe: String
        let attention: Block.Attention
        let output, norm, expand, contract: String
    }

    /// Which tokens before the patches have a position embedding of their own.
    enum PositionedTokens: Hashable {
        case none
        /// Class and distillation token.
        case classToken
        /// All of them or none; the number of positions decides.
        case allOrNone
    }

    /// The library and class.
    let title: String
    /// nil where the features come from attention pooling.
    let classToken: String?
    var distillationToken: String?
    var registers: String?
    let positions: String
    var positionedTokens = PositionedTokens.classToken
    /// The patch convolution, without ".weight" and ".bias".
    let patches: String
    let patchBias: Bool
    /// The norm before the first block, where the library has one.
    var embeddingNorm: String?
    /// The norm after the last block.
    let finalNorm: String
    var pooling: Pooling?
    /// What comes before the block's number in its tensors' names.
    let blockPrefix: String
    let block: @Sendable (Int) -> Block
    /// Of every layer norm, unless the configuration says otherwise.
    let epsilon: Float
    var positionInterpolation: PositionInterpolation
    /// Where it is another way with registers.
    var interpolationWithRegisters: PositionInterpolation?
    /// Tensors that change the computation in a way that is not implemented, and why.
    var unsupported: [String: String] = [:]
    /// The layer from the class feature to the classes that the model was trained on, without ".weight" and ".bias".
    var classifier: String?
    /// Further tensors that all models of the library's class have.
    var characteristic: [String] = []
    /// Heads where a `config.json` with the library's `model_type` leaves them out.
    var defaultHeads: Int?
}

extension TensorNames.Block {
    private var layers: [String] { [firstNorm, output, secondNorm, expand, contract] }

    /// The weights, by their full names.
    var weights: [String] {
        let projections: [String] =
            switch attention {
            case .joined(let weight, _): [weight]
            case .separate(let query, let key, let value): [query, key, value].map { $0 + ".weight" }
            }
        return layers.map { $0 + ".weight" } + projections
    }

    /// All tensors, by their full names.
    var all: [String] {
        let biases: [String] =
            switch attention {
            case .joined(_, let bias): [bias]
            case .separate(let query, let key, let value): [query, key, value].map { $0 + ".bias" }
            }
        return weights + layers.map { $0 + ".bias" } + biases + (scales.map { [$0.0, $0.1] } ?? [])
    }
}

extension TensorNames.Pooling {
    /// As a block, whose first norm is the norm after the last block.
    func block(firstNorm: String) -> TensorNames.Block {
        TensorNames.Block(
            firstNorm: firstNorm, attention: attention, output: output, secondNorm: norm, expand: expand,
            contract: contract, scales: nil)
    }
}

extension TensorNames {
    /// The tokens between the class token and the patches.
    var extraTokens: [String] { [distillationToken, registers].compactMap(\.self) }

    /// The weights of the embeddings and of the first block, for recognition.
    var characteristicNames: [String] {
        let own = [classToken, pooling?.probe, embeddingNorm.map { $0 + ".weight" }].compactMap(\.self)
        return own + [positions, patches + ".weight", finalNorm + ".weight"] + characteristic + block(0).weights
    }

    /// All tensors that a model of that depth may be made of.
    func allNames(depth: Int) -> Set<String> {
        let layers = [patches, finalNorm, embeddingNorm, classifier].compactMap(\.self)
        var names = Set(layers.flatMap { [$0 + ".weight", $0 + ".bias"] } + extraTokens + [positions])
        if let classToken { names.insert(classToken) }
        if let pooling {
            names.insert(pooling.probe)
            names.formUnion(pooling.block(firstNorm: finalNorm).all)
        }
        for index in 0..<depth { names.formUnion(block(index).all) }
        return names
    }
}
