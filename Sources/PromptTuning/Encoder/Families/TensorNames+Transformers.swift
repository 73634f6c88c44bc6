/// Hugging Face transformers: version 5 renamed the layers of ViT, DeiT and DINOv2, and there are files of both kinds.
extension TensorNames {
    static let vit = vitModel("transformers ViTModel", blockPrefix: "layers.", block: layerSince5)
    static let vitBefore5 = vitModel("transformers ViTModel", blockPrefix: "encoder.layer.", block: layerBefore5)

    static let deit = deitModel(vitModel("transformers DeiTModel", blockPrefix: "layers.", block: layerSince5))
    static let deitBefore5 = deitModel(
        vitModel("transformers DeiTModel", blockPrefix: "encoder.layer.", block: layerBefore5))

    private static func vitModel(
        _ title: String, blockPrefix: String, block: @escaping @Sendable (Int) -> Block
    ) -> TensorNames {
        TensorNames(
            title: title, classToken: "embeddings.cls_token", positions: "embeddings.position_embeddings",
            patches: "embeddings.patch_embeddings.projection", patchBias: true, finalNorm: "layernorm",
            blockPrefix: blockPrefix, block: block, epsilon: 1e-12, positionInterpolation: .centres, defaultHeads: 12)
    }

    private static func deitModel(_ vit: TensorNames) -> TensorNames {
        var names = vit
        names.distillationToken = "embeddings.distillation_token"
        names.characteristic = ["embeddings.distillation_token"]
        return names
    }

    private static func layerSince5(_ index: Int) -> Block {
        let block = "layers.\(index)."
        return Block(
            firstNorm: block + "layernorm_before", attention: since5(block), output: block + "attention.o_proj",
            secondNorm: block + "layernorm_after", expand: block + "mlp.fc1", contract: block + "mlp.fc2", scales: nil)
    }

    private static func layerBefore5(_ index: Int) -> Block {
        let block = "encoder.layer.\(index)."
        return Block(
            firstNorm: block + "layernorm_before", attention: before5(block), output: block + "attention.output.dense",
            secondNorm: block + "layernorm_after", expand: block + "intermediate.dense",
            contract: block + "output.dense", scales: nil)
    }

    private static func since5(_ block: String) -> Block.Attention {
        .separate(
            query: block + "attention.q_proj", key: block + "attention.k_proj", value: block + "attention.v_proj")
    }

    private static func before5(_ block: String) -> Block.Attention {
        .separate(
            query: block + "attention.attention.query", key: block + "attention.attention.key",
            value: block + "attention.attention.value")
    }

    static let dinov2 = dinov2Model { (since5($0), $0 + "attention.o_proj") }
    static let dinov2Before5 = dinov2Model { (before5($0), $0 + "attention.output.dense") }

    private static func dinov2Model(
        attention: @escaping @Sendable (String) -> (Block.Attention, output: String)
    ) -> TensorNames {
        TensorNames(
            title: "transformers Dinov2Model", classToken: "embeddings.cls_token",
            registers: "embeddings.register_tokens", positions: "embeddings.position_embeddings",
            patches: "embeddings.patch_embeddings.projection", patchBias: true, finalNorm: "layernorm",
            blockPrefix: "encoder.layer.",
            block: { index in
                let block = "encoder.layer.\(index)."
                let (attention, output) = attention(block)
                return Block(
                    firstNorm: block + "norm1", attention: attention, output: output, secondNorm: block + "norm2",
                    expand: block + "mlp.fc1", contract: block + "mlp.fc2",
                    scales: (block + "layer_scale1.lambda1", block + "layer_scale2.lambda1"))
            },
            epsilon: 1e-6, positionInterpolation: .centres, interpolationWithRegisters: .antialiased,
            characteristic: ["encoder.layer.0.layer_scale1.lambda1"], defaultHeads: 12)
    }

    static let clip = TensorNames(
        title: "transformers CLIPVisionModel", classToken: "embeddings.class_embedding",
        positions: "embeddings.position_embedding.weight", patches: "embeddings.patch_embedding", patchBias: false,
        embeddingNorm: "pre_layrnorm", finalNorm: "post_layernorm", blockPrefix: "encoder.layers.", block: clipLayer,
        epsilon: 1e-5, positionInterpolation: .centres, defaultHeads: 12)

    static let siglip = TensorNames(
        title: "transformers SiglipVisionModel", classToken: nil, positions: "embeddings.position_embedding.weight",
        positionedTokens: .none, patches: "embeddings.patch_embedding", patchBias: true, finalNorm: "post_layernorm",
        pooling: Pooling(
            probe: "head.probe",
            attention: .joined(weight: "head.attention.in_proj_weight", bias: "head.attention.in_proj_bias"),
            output: "head.attention.out_proj", norm: "head.layernorm", expand: "head.mlp.fc1",
            contract: "head.mlp.fc2"),
        blockPrefix: "encoder.layers.", block: clipLayer, epsilon: 1e-6, positionInterpolation: .centres,
        defaultHeads: 12)

    private static func clipLayer(_ index: Int) -> Block {
        let block = "encoder.layers.\(index)."
        return Block(
            firstNorm: block + "layer_norm1",
            attention: .separate(
                query: block + "self_attn.q_proj", key: block + "self_attn.k_proj", value: block + "self_attn.v_proj"),
            output: block + "self_attn.out_proj", secondNorm: block + "layer_norm2", expand: block + "mlp.fc1",
            contract: block + "mlp.fc2", scales: nil)
    }
}
