import Foundation
import PromptTuning
import Safetensors
import Testing

/// What weights are recognised as, and that nothing is assumed without being said.
@Suite struct EncoderFamiliesTests {
    struct Expected: Sendable {
        var fixture, family, library: String
        var registers = 0
        var isDistilled = false
        var mean: Float
    }

    private static let expected = [
        Expected(fixture: "timm-shared", family: "vit", library: "timm VisionTransformer", mean: 0.5),
        Expected(
            fixture: "timm-distilled-shared", family: "deit", library: "timm VisionTransformer", isDistilled: true,
            mean: 0.485),
        Expected(
            fixture: "timm-registers-shared", family: "vit", library: "timm VisionTransformer", registers: 4, mean: 0.5),
        Expected(fixture: "tv-shared", family: "torchvision", library: "torchvision VisionTransformer", mean: 0.485),
        Expected(fixture: "hfvit-shared", family: "vit", library: "transformers ViTModel", mean: 0.5),
        Expected(
            fixture: "deit-shared", family: "deit", library: "transformers DeiTModel", isDistilled: true, mean: 0.485),
        Expected(fixture: "dino-shared", family: "dinov2", library: "transformers Dinov2Model", mean: 0.485),
        Expected(
            fixture: "dinov2-registers-deep", family: "dinov2", library: "transformers Dinov2Model", registers: 4,
            mean: 0.485),
        Expected(
            fixture: "dinov2-original-shared", family: "dinov2", library: "facebookresearch DinoVisionTransformer",
            registers: 3, mean: 0.485),
        Expected(fixture: "clip-shared", family: "clip", library: "transformers CLIPVisionModel", mean: 0.48145466),
        Expected(fixture: "siglip-deep", family: "siglip", library: "transformers SiglipVisionModel", mean: 0.5),
    ]

    @Test(arguments: expected) func familiesAreRecognised(_ expected: Expected) throws {
        let file = try SafetensorsFile(path: EncoderFolder.fixture(expected.fixture))
        let found = try FrozenEncoder(file: file, configuration: #require(file.metadata["config"])).recognised
        #expect(found.family == expected.family)
        #expect(found.library == expected.library)
        #expect(found.registers == expected.registers)
        #expect(found.hasDistillationToken == expected.isDistilled)
        #expect(found.mean[0] == expected.mean)
        #expect(found.geometry.poolsByAttention == (expected.family == "siglip"))
        #expect(found.geometry.width == 24)
        #expect(found.geometry.depth == 2)
        #expect(found.trainedImageSize == 16)
        #expect(found.precision == ["F32"])
        #expect(found.notes.contains { $0.hasPrefix("images are normalised as family \(expected.family)") })
    }

    @Test(arguments: ["", "module.", "backbone.", "model.", "student.backbone."])
    func bareStateDictsAreRead(_ prefix: String) throws {
        for fixture in Self.expected.map(\.fixture) where !["hfvit-shared", "siglip-deep"].contains(fixture) {
            let place = try EncoderFolder(fixture, prefix: prefix, configuration: #"{"num_heads": 3}"#)
            let encoder = try place.encoder()
            // CLIP's fixture has a prefix of its own.
            #expect(encoder.recognised.prefix.hasPrefix(prefix))
            let file = try SafetensorsFile(path: EncoderFolder.fixture(fixture))
            let stated = try FrozenEncoder(file: file, configuration: #require(file.metadata["config"]))
            if stated.geometry == encoder.geometry {
                #expect(
                    try features(encoder, fixture: fixture) == features(stated, fixture: fixture), "\(fixture)")
            } else {
                // The configuration of this fixture has another epsilon than the library's.
                #expect(fixture == "deit-shared")
            }
        }
    }

    @Test func headsAreNeverGuessedSilently() throws {
        let none = try EncoderFolder(configuration: nil)
        #expect(none.refusal() == .headsUnknown(path: none.path + "/config.json", width: 24))

        func wide(_ width: Int, _ configuration: String?, family: String? = nil) throws -> EncoderDescription {
            let place = try EncoderFolder(configuration: configuration) { $0 = Self.model(width: width) }
            return try place.encoder(family: family).recognised
        }
        let published = try wide(192, nil)
        #expect(published.geometry.heads == 3)
        #expect(published.notes.contains("3 heads: no file says so, published models of width 192 have as many"))
        #expect(published.notes.contains { $0.hasPrefix("no config.json: activation gelu and epsilon 1e-06") })
        let guessed = try wide(128, nil)
        #expect(guessed.geometry.heads == 2)
        #expect(guessed.notes.contains { $0.hasPrefix("2 heads: a guess") })
        let said = try wide(128, #"{"num_heads": 8, "mean": [0, 0, 0], "std": [1, 1, 1]}"#)
        #expect(said.geometry.heads == 8)
        #expect(said.notes.isEmpty)
        #expect(said.mean == [0, 0, 0])
    }

    /// transformers leaves out of a configuration what is its default.
    @Test func defaultsOfTransformersAreSaid() throws {
        let file = try SafetensorsFile(path: EncoderFolder.fixture("siglip-deep"))
        let encoder = try FrozenEncoder(
            file: file,
            configuration: #"{"model_type": "siglip", "vision_config": {"model_type": "siglip_vision_model"}}"#)
        #expect(encoder.heads == 12)
        #expect(encoder.geometry.activation == .geluTanh)
        #expect(
            encoder.recognised.notes.contains(
                "12 heads: the default of transformers, since config.json leaves them out"))
    }

    @Test func aStatedFamilyDecides() throws {
        let place = try EncoderFolder(configuration: #"{"num_heads": 3}"#)
        let guess = try place.encoder().recognised
        #expect(guess.family == "vit")
        #expect(
            guess.notes.contains(
                "family vit is a guess: deit would name the tensors alike; state it with encoder.family"))
        let stated = try place.encoder(family: "deit").recognised
        #expect(stated.family == "deit")
        #expect(stated.mean == [0.485, 0.456, 0.406])
        #expect(!stated.notes.contains { $0.contains("guess") })
        #expect(
            place.refusal(family: "clip")
                == .otherFamily(
                    path: place.weights, stated: "clip",
                    examples: ["blocks.0.attn.proj.bias", "blocks.0.attn.proj.weight", "blocks.0.attn.qkv.bias"]))
        #expect(
            place.refusal(family: "resnet")
                == .unknownFamily("resnet", known: ["vit", "deit", "dinov2", "torchvision", "clip", "siglip"]))
        for (architecture, family) in [("deit_tiny_patch16_224", "deit"), ("vit_tiny_patch16_224", "vit")] {
            let place = try EncoderFolder(
                configuration: #"{"num_heads": 3, "architecture": "\#(architecture)"}"#)
            #expect(try place.encoder().recognised.family == family)
        }
    }

    @Test func normalisationIsReadBesideTheConfiguration() throws {
        let place = try EncoderFolder(configuration: #"{"num_heads": 3}"#)
        try place.write(
            #"{"image_mean": [0.1, 0.2, 0.3], "image_std": [1, 2, 3], "size": 16}"#, to: "preprocessor_config.json")
        let found = try place.encoder().recognised
        #expect(found.mean == [0.1, 0.2, 0.3])
        #expect(found.std == [1, 2, 3])
        #expect(found.notes.isEmpty)
        try place.write(#"{"do_normalize": false}"#, to: "preprocessor_config.json")
        #expect(try place.encoder().std == [1, 1, 1])
    }

    @Test func whatIsNotImplementedIsRefusedByName() throws {
        for (name, reason) in [
            ("norm_pre.weight", "timm's CLIP"), ("fc_norm.weight", "the mean of the patches"),
            ("attn_pool.latent", "attention pooling"), ("register_tokens", "set encoder.family to dinov2"),
            ("blocks.1.attn.q_norm.weight", "have no such tensor"), ("blocks.0.mlp.w12.weight", "have no such tensor"),
            ("blocks.0.attn.qkv.lora_A.weight", "have no such tensor"),
        ] {
            let place = try EncoderFolder(configuration: #"{"num_heads": 3}"#) {
                $0.append(NewTensor(name: name, shape: [1], values: .float32([0])))
            }
            let problem = try #require(place.refusal(family: "vit"))
            guard case .unsupported(place.weights, name, _) = problem else {
                Issue.record("\(name): \(problem)")
                continue
            }
            #expect("\(problem)".contains(reason))
        }
    }

    @Test func severalEncodersInAFileAreRefused() throws {
        let place = try EncoderFolder(prefix: "teacher.", configuration: #"{"num_heads": 3}"#) { tensors in
            tensors += tensors.map {
                NewTensor(name: "student." + $0.name.dropFirst("teacher.".count), shape: $0.shape, values: $0.values)
            }
        }
        #expect(place.refusal() == .severalEncoders(path: place.weights, prefixes: ["student.", "teacher."]))
    }

    @Test func whatIsNotUsedIsSaid() throws {
        let place = try EncoderFolder("clip-shared", configuration: #"{"num_heads": 3}"#) {
            $0.append(NewTensor(name: "logit_scale", shape: [], values: .float32([1])))
        }
        let notes = try place.encoder().recognised.notes
        #expect(notes.contains { $0.hasPrefix("not used of the file's tensors (") && $0.contains("): logit_scale") })
    }

    @Test func positionsThatFitTwoGridsNeedASize() throws {
        // 25 positions are five by five patches, or four by four beside the class token and eight registers.
        func place(_ configuration: String) throws -> EncoderFolder {
            try EncoderFolder(configuration: configuration) { tensors in
                tensors.removeAll { $0.name == "pos_embed" }
                for (name, rows) in [("pos_embed", 25), ("reg_token", 8)] {
                    tensors.append(
                        NewTensor(
                            name: name, shape: [1, rows, 24], values: .float32([Float](repeating: 0, count: rows * 24)))
                    )
                }
            }
        }
        let open = try place(#"{"num_heads": 3}"#)
        guard case .tensorShape(open.weights, "pos_embed", let expected, [1, 25, 24])? = open.refusal() else {
            Issue.record("expected the positions to be refused")
            return
        }
        #expect(expected == "[9 + a square number or 0 + a square number, 24], not both: state img_size in config.json")
        for (field, size) in [(#""img_size": 20"#, 20), (#""img_size": 16"#, 16), (#""no_embed_class": true"#, 20)] {
            let encoder = try place(#"{"num_heads": 3, \#(field)}"#).encoder()
            #expect(encoder.imageSize == size)
        }
    }

    /// The buffers of a pass keep what an earlier pass with other prompts left there.
    @Test(arguments: ["siglip-deep", "dinov2-registers-deep", "deit-shared"])
    func passesLeaveNoTraces(_ fixture: String) throws {
        let file = try SafetensorsFile(path: EncoderFolder.fixture(fixture))
        let encoder = try FrozenEncoder(file: file, configuration: #require(file.metadata["config"]))
        let used = try PromptLearner(encoder: encoder, threads: 1)
        for prompts in [3, 1, 2] {
            let again = try fixtureStep(encoder, fixture: fixture, prompts: prompts, learner: used)
            let fresh = try fixtureStep(encoder, fixture: fixture, prompts: prompts)
            #expect(again.features == fresh.features)
            #expect(again.gradients == fresh.gradients)
        }
    }

    @Test func theDocumentsShowTheTables() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../docs/encoders.md").standardized
        let text = try String(contentsOf: page, encoding: .utf8)
        #expect(
            text.contains(EncoderFamilies.familyTable), "expected in docs/encoders.md:\n\(EncoderFamilies.familyTable)")
        #expect(
            text.contains(EncoderFamilies.layoutTable), "expected in docs/encoders.md:\n\(EncoderFamilies.layoutTable)")
    }

    /// A model of timm's with one block, images of 8 px in patches of 4, and zeros for weights.
    private static func model(width: Int) -> [NewTensor] {
        let shapes: [(String, [Int])] = [
            ("cls_token", [1, 1, width]), ("pos_embed", [1, 5, width]), ("patch_embed.proj.weight", [width, 3, 4, 4]),
            ("patch_embed.proj.bias", [width]), ("norm.weight", [width]), ("norm.bias", [width]),
            ("blocks.0.norm1.weight", [width]), ("blocks.0.norm1.bias", [width]),
            ("blocks.0.attn.qkv.weight", [3 * width, width]), ("blocks.0.attn.proj.weight", [width, width]),
            ("blocks.0.attn.proj.bias", [width]), ("blocks.0.norm2.weight", [width]),
            ("blocks.0.norm2.bias", [width]), ("blocks.0.mlp.fc1.weight", [8, width]),
            ("blocks.0.mlp.fc1.bias", [8]), ("blocks.0.mlp.fc2.weight", [width, 8]),
            ("blocks.0.mlp.fc2.bias", [width]),
        ]
        return shapes.map { name, shape in
            NewTensor(
                name: name, shape: shape, values: .float32([Float](repeating: 0, count: shape.reduce(1, *))))
        }
    }
}
