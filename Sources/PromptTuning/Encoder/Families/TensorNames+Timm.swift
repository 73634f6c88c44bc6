/// timm, Facebook's own repositories, whose names timm took over, and torchvision.
extension TensorNames {
    static let timm = timmModel(title: "timm VisionTransformer", positionedTokens: .allOrNone) { names in
        names.distillationToken = "dist_token"
        names.registers = "reg_token"
        names.unsupported["register_tokens"] = "they are the registers of DINOv2: set encoder.family to dinov2"
    }

    /// As timm has DINOv2.
    static let timmScaled = timmModel(title: "timm VisionTransformer", positionedTokens: .allOrNone) { names in
        names.registers = "reg_token"
        names.characteristic = ["blocks.0.ls1.gamma", "blocks.0.ls2.gamma"]
    }

    /// As the repository facebookresearch/dinov2 has it.
    static let dinov2Original = timmModel(
        title: "facebookresearch DinoVisionTransformer", positionedTokens: .classToken
    ) { names in
        names.registers = "register_tokens"
        names.positionInterpolation = .centres
        names.interpolationWithRegisters = .antialiased
        names.characteristic = ["mask_token", "blocks.0.ls1.gamma", "blocks.0.ls2.gamma"]
    }

    private static func timmModel(
        title: String, positionedTokens: PositionedTokens, _ change: (inout TensorNames) -> Void
    ) -> TensorNames {
        var names = TensorNames(
            title: title, classToken: "cls_token", positions: "pos_embed", positionedTokens: positionedTokens,
            patches: "patch_embed.proj", patchBias: true, finalNorm: "norm", blockPrefix: "blocks.",
            block: { index in
                let block = "blocks.\(index)."
                return Block(
                    firstNorm: block + "norm1",
                    attention: .joined(weight: block + "attn.qkv.weight", bias: block + "attn.qkv.bias"),
                    output: block + "attn.proj", secondNorm: block + "norm2", expand: block + "mlp.fc1",
                    contract: block + "mlp.fc2", scales: (block + "ls1.gamma", block + "ls2.gamma"))
            },
            epsilon: 1e-6, positionInterpolation: .antialiased,
            unsupported: [
                "norm_pre.weight": "timm's CLIP differs in activation and norms: take the model as transformers has it",
                "fc_norm.weight": "the model reads the mean of the patches, not the class token",
                "attn_pool.latent": "timm's attention pooling is not implemented: take SigLIP as transformers has it",
            ],
            classifier: "head")
        change(&names)
        return names
    }

    static let torchvision = torchvisionModel(expand: "mlp.0", contract: "mlp.3")

    /// The files that torchvision downloads are older than its present names.
    static let torchvisionBefore012 = torchvisionModel(expand: "mlp.linear_1", contract: "mlp.linear_2")

    private static func torchvisionModel(expand: String, contract: String) -> TensorNames {
        TensorNames(
            title: "torchvision VisionTransformer", classToken: "class_token", positions: "encoder.pos_embedding",
            patches: "conv_proj", patchBias: true, finalNorm: "encoder.ln",
            blockPrefix: "encoder.layers.encoder_layer_",
            block: { index in
                let block = "encoder.layers.encoder_layer_\(index)."
                return Block(
                    firstNorm: block + "ln_1",
                    attention: .joined(
                        weight: block + "self_attention.in_proj_weight", bias: block + "self_attention.in_proj_bias"),
                    output: block + "self_attention.out_proj", secondNorm: block + "ln_2", expand: block + expand,
                    contract: block + contract, scales: nil)
            },
            epsilon: 1e-6, positionInterpolation: .corners, classifier: "heads.head")
    }
}
