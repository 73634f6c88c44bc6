import Foundation
import PromptTuning
import Safetensors
import Testing

/// What a folder of weights must be, and what is said when it is not.
@Suite struct EncoderFileTests {
    private static let configuration = """
        {"img_size": 16, "patch_size": 4, "embed_dim": 24, "depth": 2, "num_heads": 3, "mlp_ratio": 4}
        """

    private func folder(
        configuration: String = configuration, _ change: (inout [NewTensor]) -> Void = { _ in }
    ) throws -> EncoderFolder {
        try EncoderFolder(configuration: configuration, change)
    }

    @Test func bundledEncoder() throws {
        let encoder = try FrozenEncoder.bundled()
        #expect(encoder.width == 192)
        #expect(encoder.imageSize == 32)
        #expect(encoder.patchSize == 4)
        #expect(encoder.depth == 6)
        #expect(encoder.heads == 3)
        #expect(encoder.mean == [0.485, 0.456, 0.406])
        #expect(encoder.std == [0.229, 0.224, 0.225])
        #expect(encoder.weightsPath.hasSuffix("model.safetensors"))
        #expect(encoder.weightsPaths == [encoder.weightsPath])
        #expect(encoder.loadTime > .zero)
        #expect(encoder.recognised.notes.isEmpty)
        #expect(
            encoder.recognised.description
                == "timm VisionTransformer (vit), width 192, depth 6, 3 heads, 32 px in patches of 4")
    }

    @Test func wholeFolderOpens() throws {
        #expect(try folder().refusal() == nil)
    }

    @Test func missingTensorIsNamed() throws {
        let place = try folder { $0.removeAll { $0.name == "blocks.1.mlp.fc1.weight" } }
        #expect(
            place.refusal()
                == .missingTensor(
                    path: place.weights, family: "timm VisionTransformer",
                    tensor: "blocks.1.mlp.fc1.weight"))
    }

    @Test func wrongShapeIsNamed() throws {
        let place = try folder { tensors in
            let index = tensors.firstIndex { $0.name == "blocks.0.attn.proj.weight" }!
            tensors[index] = NewTensor(
                name: "blocks.0.attn.proj.weight", shape: [23, 24], values: .float32([Float](repeating: 0, count: 552)))
        }
        #expect(
            place.refusal()
                == .tensorShape(
                    path: place.weights, tensor: "blocks.0.attn.proj.weight", expected: "[24, 24]",
                    found: [23, 24]))
    }

    @Test func otherModelsAreRefused() throws {
        let place = try folder { $0 = [NewTensor(name: "conv1.weight", shape: [1], values: .float32([0]))] }
        #expect(
            place.refusal() == .unrecognisedNames(path: place.weights, examples: ["conv1.weight"]))
    }

    @Test func truncatedFileIsRefused() throws {
        let place = try folder()
        let path = place.weights
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        for count in [0, 5, 100, whole.count / 2, whole.count - 1] {
            try whole.prefix(count).write(to: URL(fileURLWithPath: path))
            #expect(throws: SafetensorsError.self) { try place.encoder() }
        }
    }

    @Test(arguments: [
        (#"{"num_heads": 5}"#, "num_attention_heads", "a divisor of the width 24", "5"),
        (#"{"num_heads": 0}"#, "num_heads", "a whole number in 1...1000000", "0"),
        (#"{"num_heads": 3, "embed_dim": 32}"#, "hidden_size", "24, as in the tensors", "32"),
        (#"{"num_heads": 3, "depth": 1}"#, "num_hidden_layers", "2, as in the tensors", "1"),
        (#"{"num_heads": 3, "hidden_act": "relu"}"#, "hidden_act", "gelu, gelu_pytorch_tanh or quick_gelu", "'relu'"),
        (#"{"num_heads": 3, "layer_norm_eps": -1}"#, "layer_norm_eps", "a number in (0, 1)", "-1"),
        (#"{"num_heads": 3, "image_mean": [1, 2], "image_std": [1, 1, 1]}"#, "image_mean", "three numbers", "[1, 2]"),
        (
            #"{"num_heads": 3, "image_mean": [0, 0, 0], "image_std": [1, 0, 1]}"#, "image_std", "positive numbers",
            "[1.0, 0.0, 1.0]"
        ),
    ]) func wrongConfigurationIsNamed(
        _ configuration: String, _ field: String, _ expected: String, _ found: String
    ) throws {
        let place = try folder(configuration: configuration)
        #expect(
            place.refusal()
                == .configuration(path: place.path + "/config.json", field: field, expected: expected, found: found))
    }

    @Test func valuesThatAreNotFiniteAreRefused() throws {
        // A block's weight, a token, the classifier's layer: whatever is read.
        for name in ["blocks.1.mlp.fc1.weight", "pos_embed", "norm.bias"] {
            let place = try folder { tensors in
                let index = tensors.firstIndex { $0.name == name }!
                guard case .float32(var values) = tensors[index].values else { return }
                (values[7], values[20]) = (.nan, -.infinity)
                tensors[index] = NewTensor(name: name, shape: tensors[index].shape, values: .float32(values))
            }
            let shape = try SafetensorsFile(path: place.weights).tensor(named: name).shape
            #expect(
                place.refusal()
                    == .values(
                        .notFinite(
                            path: place.weights, tensor: name, count: 2, of: shape.reduce(1, *), first: "nan",
                            index: [Int](repeating: 0, count: shape.count - 1) + [7])))
        }
    }

    @Test func otherFilesInPlaceOfWeightsAreNamed() throws {
        let place = try folder()
        try place.write("version https://git-lfs.github.com/spec/v1\nsize 99\n", to: "model.safetensors")
        #expect(throws: SafetensorsError.foreign(path: place.weights, .gitLFSPointer(bytes: 99))) {
            try place.encoder()
        }
    }

    @Test func shardsGiveTheSameEncoder() throws {
        let whole = try folder()
        let place = try folder()
        let tensors = try EncoderFolder.tensors(of: "timm-shared")
        let shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
        let first = tensors.filter { $0.name.hasPrefix("blocks.0") }
        let second = tensors.filter { !$0.name.hasPrefix("blocks.0") }
        try writeSafetensors(first, to: place.path + "/" + shards[0])
        try writeSafetensors(second, to: place.path + "/" + shards[1])
        let map = first.map { ($0.name, shards[0]) } + second.map { ($0.name, shards[1]) }
        let index = try JSONEncoder().encode(["weight_map": Dictionary(uniqueKeysWithValues: map)])
        try place.write(String(decoding: index, as: UTF8.self), to: "model.safetensors.index.json")
        try FileManager.default.removeItem(atPath: place.weights)
        let encoder = try place.encoder()
        #expect(encoder.recognised.files == 2)
        #expect(encoder.weightsPath == place.path + "/model.safetensors.index.json")
        #expect(encoder.weightsPaths == [encoder.weightsPath] + shards.map { place.path + "/" + $0 })
        #expect(
            try features(encoder, fixture: "timm-shared")
                == features(whole.encoder(), fixture: "timm-shared"))
    }

    @Test func unreadableConfigurationIsReported() throws {
        for (text, found) in [
            ("", "no JSON"), ("{\"depth\": ", "no JSON"), ("[]", "a list"), ("\"a\"", "'a'"), ("null", "null"),
        ] {
            let place = try folder(configuration: text)
            #expect(
                place.refusal()
                    == .unreadableConfiguration(
                        path: place.path + "/config.json", "expected a JSON object, found \(found)"))
        }
        let place = try folder(configuration: "{}")
        let pipe = place.path + "/config.json"
        try FileManager.default.removeItem(atPath: pipe)
        #expect(mkfifo(pipe, 0o600) == 0)
        #expect(
            place.refusal()
                == .unreadableConfiguration(path: pipe, "cannot be read: expected a file, found a FIFO"))
    }

    @Test func matricesOfZerosAreFound() throws {
        let whole = try folder()
        let none = try withExtendedLifetime(whole) { try whole.encoder().zeroMatrices() }
        #expect(none.names.isEmpty)
        let name = "blocks.1.mlp.fc1.weight"
        let place = try folder { tensors in
            let index = tensors.firstIndex { $0.name == name }!
            let (shape, zeros) = (tensors[index].shape, [Float](repeating: 0, count: tensors[index].shape.reduce(1, *)))
            tensors[index] = NewTensor(name: name, shape: shape, values: .float32(zeros))
        }
        let found = try withExtendedLifetime(place) { try place.encoder().zeroMatrices() }
        #expect(found.names == [name] && found.count > 8)
    }

    @Test func deeperConfigurationMissesABlock() throws {
        let place = try folder(configuration: #"{"num_heads": 3, "depth": 3}"#)
        #expect(
            place.refusal()
                == .missingTensor(
                    path: place.weights, family: "timm VisionTransformer",
                    tensor: "blocks.2.norm1.weight"))
    }

    @Test func otherImageSizes() throws {
        let place = try folder()
        #expect(try place.encoder(imageSize: 24).geometry.patches == 36)
        for size in [18, 0, 404] {
            #expect(throws: EncoderError.imageSize(size, patchSize: 4)) { try place.encoder(imageSize: size) }
        }
    }

    @Test(arguments: [3, 7, 8, 10]) func positionsInterpolateAsTorchDoes(_ size: Int) throws {
        let file = try SafetensorsFile(path: Bundle.module.bundlePath + "/Fixtures/positions-5x5x8.safetensors")
        let grid = try file.tensor(named: "grid").floats()
        let manners: [(String, PositionInterpolation)] = [
            ("plain", .centres), ("corners", .corners), ("antialias", .antialiased),
        ]
        for (name, manner) in manners {
            let expected = try file.tensor(named: "\(name).\(size)").doubles()
            #expect(relativeError(manner.resample(grid, from: 5, to: size, width: 8), expected) < 1e-6, "\(name)")
        }
    }
}
