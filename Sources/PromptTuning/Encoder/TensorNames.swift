/// How one library names the tensors of a vision transformer.
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

    /// The library and class, for messages.
    let family: String
    let classToken: String
    let positions: String
    /// The patch convolution, without ".weight" and ".bias".
    let patches: String
    let patchBias: Bool
    /// The norm before the first block, where the family has one.
    let embeddingNorm: String?
    /// The norm after the last block.
    let finalNorm: String
    /// What comes before the block's number in its tensors' names.
    let blockPrefix: String
    let block: @Sendable (Int) -> Block
    let epsilon: Float
    let activation: EncoderGeometry.Activation
    let mean: [Float]
    let std: [Float]
    let positionInterpolation: PositionInterpolation
    /// Tensors that change the computation in a way that is not implemented.
    var unsupported: [String] = []
    /// The layer from the class feature to the classes that the model was trained on, without ".weight" and ".bias".
    var classifier: String?

    /// Prefixes under which a larger model keeps the encoder.
    let prefixes: [String]
}

extension TensorNames {
    static let imageNetMean: [Float] = [0.485, 0.456, 0.406]
    static let imageNetStd: [Float] = [0.229, 0.224, 0.225]

    static let all = [timm, torchvision, clip, vit, vitBefore5, dinov2, dinov2Before5]

    static let timm = TensorNames(
        family: "timm VisionTransformer", classToken: "cls_token", positions: "pos_embed", patches: "patch_embed.proj",
        patchBias: true, embeddingNorm: nil, finalNorm: "norm", blockPrefix: "blocks.",
        block: { index in
            let block = "blocks.\(index)."
            return Block(
                firstNorm: block + "norm1",
                attention: .joined(weight: block + "attn.qkv.weight", bias: block + "attn.qkv.bias"),
                output: block + "attn.proj", secondNorm: block + "norm2", expand: block + "mlp.fc1",
                contract: block + "mlp.fc2", scales: (block + "ls1.gamma", block + "ls2.gamma"))
        },
        epsilon: 1e-6, activation: .gelu, mean: imageNetMean, std: imageNetStd, positionInterpolation: .antialiased,
        unsupported: ["reg_token", "dist_token", "norm_pre.weight", "fc_norm.weight", "blocks.0.attn.q_norm.weight"],
        classifier: "head", prefixes: [""])

    static let torchvision = TensorNames(
        family: "torchvision VisionTransformer", classToken: "class_token", positions: "encoder.pos_embedding",
        patches: "conv_proj", patchBias: true, embeddingNorm: nil, finalNorm: "encoder.ln",
        blockPrefix: "encoder.layers.encoder_layer_",
        block: { index in
            let block = "encoder.layers.encoder_layer_\(index)."
            return Block(
                firstNorm: block + "ln_1",
                attention: .joined(
                    weight: block + "self_attention.in_proj_weight", bias: block + "self_attention.in_proj_bias"),
                output: block + "self_attention.out_proj", secondNorm: block + "ln_2", expand: block + "mlp.0",
                contract: block + "mlp.3", scales: nil)
        },
        epsilon: 1e-6, activation: .gelu, mean: imageNetMean, std: imageNetStd, positionInterpolation: .corners,
        classifier: "heads.head", prefixes: [""])

    static let clip = TensorNames(
        family: "transformers CLIPVisionModel", classToken: "embeddings.class_embedding",
        positions: "embeddings.position_embedding.weight", patches: "embeddings.patch_embedding", patchBias: false,
        embeddingNorm: "pre_layrnorm", finalNorm: "post_layernorm", blockPrefix: "encoder.layers.",
        block: { index in
            let block = "encoder.layers.\(index)."
            return Block(
                firstNorm: block + "layer_norm1",
                attention: .separate(
                    query: block + "self_attn.q_proj", key: block + "self_attn.k_proj",
                    value: block + "self_attn.v_proj"),
                output: block + "self_attn.out_proj", secondNorm: block + "layer_norm2", expand: block + "mlp.fc1",
                contract: block + "mlp.fc2", scales: nil)
        },
        epsilon: 1e-5, activation: .quickGelu, mean: [0.48145466, 0.4578275, 0.40821073],
        std: [0.26862954, 0.26130258, 0.27577711], positionInterpolation: .centres,
        prefixes: ["vision_model.", "", "clip.vision_model."])

    /// Transformers 5 and later.
    static let vit = viTModel { index in
        let block = "layers.\(index)."
        return Block(
            firstNorm: block + "layernorm_before",
            attention: .separate(
                query: block + "attention.q_proj", key: block + "attention.k_proj", value: block + "attention.v_proj"),
            output: block + "attention.o_proj", secondNorm: block + "layernorm_after", expand: block + "mlp.fc1",
            contract: block + "mlp.fc2", scales: nil)
    } prefix: {
        "layers."
    }

    static let vitBefore5 = viTModel { index in
        let block = "encoder.layer.\(index)."
        return Block(
            firstNorm: block + "layernorm_before",
            attention: .separate(
                query: block + "attention.attention.query", key: block + "attention.attention.key",
                value: block + "attention.attention.value"),
            output: block + "attention.output.dense", secondNorm: block + "layernorm_after",
            expand: block + "intermediate.dense", contract: block + "output.dense", scales: nil)
    } prefix: {
        "encoder.layer."
    }

    private static func viTModel(
        block: @escaping @Sendable (Int) -> Block, prefix: () -> String
    ) -> TensorNames {
        TensorNames(
            family: "transformers ViTModel", classToken: "embeddings.cls_token",
            positions: "embeddings.position_embeddings", patches: "embeddings.patch_embeddings.projection",
            patchBias: true, embeddingNorm: nil, finalNorm: "layernorm", blockPrefix: prefix(), block: block,
            epsilon: 1e-12, activation: .gelu, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5],
            positionInterpolation: .centres,
            prefixes: ["", "vit."])
    }

    /// Transformers 5 and later.
    static let dinov2 = dinov2Model { block in
        (
            .separate(
                query: block + "attention.q_proj", key: block + "attention.k_proj", value: block + "attention.v_proj"),
            block + "attention.o_proj"
        )
    }

    static let dinov2Before5 = dinov2Model { block in
        (
            .separate(
                query: block + "attention.attention.query", key: block + "attention.attention.key",
                value: block + "attention.attention.value"),
            block + "attention.output.dense"
        )
    }

    private static func dinov2Model(
        attention: @escaping @Sendable (String) -> (Block.Attention, output: String)
    ) -> TensorNames {
        TensorNames(
            family: "transformers Dinov2Model", classToken: "embeddings.cls_token",
            positions: "embeddings.position_embeddings", patches: "embeddings.patch_embeddings.projection",
            patchBias: true, embeddingNorm: nil, finalNorm: "layernorm", blockPrefix: "encoder.layer.",
            block: { index in
                let block = "encoder.layer.\(index)."
                let (attention, output) = attention(block)
                return Block(
                    firstNorm: block + "norm1", attention: attention, output: output, secondNorm: block + "norm2",
                    expand: block + "mlp.fc1", contract: block + "mlp.fc2",
                    scales: (block + "layer_scale1.lambda1", block + "layer_scale2.lambda1"))
            },
            epsilon: 1e-6, activation: .gelu, mean: imageNetMean, std: imageNetStd, positionInterpolation: .centres,
            unsupported: ["embeddings.register_tokens"], prefixes: ["", "dinov2."])
    }

    /// The weights of the embeddings and of the first block, for recognition.
    var characteristicNames: [String] {
        let first = block(0)
        var names = [classToken, positions, patches + ".weight", finalNorm + ".weight"]
        names += [first.firstNorm, first.output, first.secondNorm, first.expand, first.contract].map { $0 + ".weight" }
        switch first.attention {
        case .joined(let weight, _): names.append(weight)
        case .separate(let query, let key, let value): names += [query, key, value].map { $0 + ".weight" }
        }
        return names
    }
}
