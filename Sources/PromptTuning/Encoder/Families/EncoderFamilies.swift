/// A kind of vision transformer: what its models have in common and no tensor says.
public struct EncoderFamily: Sendable {
    /// As `encoder.family` names it.
    public let name: String
    /// The models that belong to it, for people.
    public let models: String
    let activation: EncoderGeometry.Activation
    /// Normalisation of the images, per channel for pixels in [0, 1].
    let mean, std: [Float]
    /// How libraries save its models.
    let layouts: [TensorNames]
    /// Tensors that show the family where the names fit others too: all of one of these lists.
    var marks: [[String]] = []
    /// What shows the family in the field `architecture` of timm's configurations.
    var architecture: String?
}

/// All families of encoders that can be loaded.
public enum EncoderFamilies {
    public static let all = [vit, deit, dinov2, torchvision, clip, siglip]

    static let imageNetMean: [Float] = [0.485, 0.456, 0.406]
    static let imageNetStd: [Float] = [0.229, 0.224, 0.225]
    private static let half: [Float] = [0.5, 0.5, 0.5]

    static let vit = EncoderFamily(
        name: "vit", models: "ViT as Google trained it (AugReg, ImageNet-21k)", activation: .gelu, mean: half,
        std: half, layouts: [.timm, .vit, .vitBefore5])

    static let deit = EncoderFamily(
        name: "deit", models: "DeiT, also distilled; DINO and MAE, which are alike", activation: .gelu,
        mean: imageNetMean, std: imageNetStd, layouts: [.timm, .deit, .deitBefore5, .vit, .vitBefore5],
        marks: [["dist_token"], ["embeddings.distillation_token"]], architecture: "deit")

    static let dinov2 = EncoderFamily(
        name: "dinov2", models: "DINOv2, with registers or without", activation: .gelu, mean: imageNetMean,
        std: imageNetStd, layouts: [.dinov2, .dinov2Before5, .dinov2Original, .timmScaled],
        marks: [["mask_token", "blocks.0.ls1.gamma"], ["register_tokens"]], architecture: "dinov2")

    static let torchvision = EncoderFamily(
        name: "torchvision", models: "ViT as torchvision trained it", activation: .gelu, mean: imageNetMean,
        std: imageNetStd, layouts: [.torchvision, .torchvisionBefore012])

    static let clip = EncoderFamily(
        name: "clip", models: "the image tower of CLIP", activation: .quickGelu,
        mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711], layouts: [.clip])

    static let siglip = EncoderFamily(
        name: "siglip", models: "the image tower of SigLIP and SigLIP 2", activation: .geluTanh, mean: half, std: half,
        layouts: [.siglip])

    /// - Throws: `EncoderError.unknownFamily`.
    static func named(_ name: String) throws(EncoderError) -> EncoderFamily {
        guard let family = all.first(where: { $0.name == name }) else {
            throw .unknownFamily(name, known: all.map(\.name))
        }
        return family
    }

    /// Heads of the published models of a width, which no tensor shows; nil where there are none of that width.
    static func publishedHeads(width: Int) -> Int? {
        switch width {
        case 192: 3
        case 384: 6
        case 768: 12
        case 1024, 1152, 1280, 1408, 1664: 16
        case 1536: 24
        default: nil
        }
    }
}
