import Foundation
import PromptTuning
import Safetensors
import Testing

/// What a folder of weights must be, and what is said when it is not.
@Suite struct EncoderFileTests {
    private static let fixture = Bundle.module.bundlePath + "/Fixtures/grad-timm-shared.safetensors"
    private static let configuration = """
        {"img_size": 16, "patch_size": 4, "embed_dim": 24, "depth": 2, "num_heads": 3, "mlp_ratio": 4}
        """

    /// A folder with the fixture's model, its tensors changed, and a configuration.
    private func folder(
        configuration: String = configuration, _ change: (inout [NewTensor]) -> Void = { _ in }
    ) throws -> String {
        let folder = NSTemporaryDirectory() + "encoder-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let file = try SafetensorsFile(path: Self.fixture)
        var tensors = try file.names.filter { $0.hasPrefix("model.") }.map { name in
            let tensor = try file.tensor(named: name)
            return NewTensor(
                name: String(name.dropFirst("model.".count)), shape: tensor.shape,
                values: .float32(try tensor.floats()))
        }
        change(&tensors)
        try writeSafetensors(tensors, to: folder + "/model.safetensors")
        try configuration.write(toFile: folder + "/config.json", atomically: true, encoding: .utf8)
        return folder
    }

    /// The error of opening the folder, which is removed.
    private func refusal(_ folder: String) -> EncoderError? {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            _ = try FrozenEncoder(directory: folder)
            return nil
        } catch {
            return error as? EncoderError
        }
    }

    @Test func bundledEncoder() throws {
        let encoder = try FrozenEncoder.bundled()
        #expect(encoder.width == 192)
        #expect(encoder.imageSize == 64)
        #expect(encoder.patchSize == 8)
        #expect(encoder.depth == 6)
        #expect(encoder.heads == 3)
        #expect(encoder.mean == [0.485, 0.456, 0.406])
        #expect(encoder.std == [0.229, 0.224, 0.225])
        #expect(encoder.weightsPath.hasSuffix("model.safetensors"))
        #expect(encoder.loadTime > .zero)
    }

    @Test func wholeFolderOpens() throws {
        #expect(refusal(try folder()) == nil)
    }

    @Test func missingTensorIsNamed() throws {
        let place = try folder { $0.removeAll { $0.name == "blocks.1.mlp.fc1.weight" } }
        #expect(
            refusal(place)
                == .missingTensor(
                    path: place + "/model.safetensors", family: "timm VisionTransformer",
                    tensor: "blocks.1.mlp.fc1.weight"))
    }

    @Test func wrongShapeIsNamed() throws {
        let place = try folder { tensors in
            let index = tensors.firstIndex { $0.name == "blocks.0.attn.proj.weight" }!
            tensors[index] = NewTensor(
                name: "blocks.0.attn.proj.weight", shape: [23, 24], values: .float32([Float](repeating: 0, count: 552)))
        }
        #expect(
            refusal(place)
                == .tensorShape(
                    path: place + "/model.safetensors", tensor: "blocks.0.attn.proj.weight", expected: "[24, 24]",
                    found: [23, 24]))
    }

    @Test func otherModelsAreRefused() throws {
        let place = try folder { $0 = [NewTensor(name: "conv1.weight", shape: [1], values: .float32([0]))] }
        #expect(
            refusal(place) == .unrecognisedNames(path: place + "/model.safetensors", examples: ["conv1.weight"]))
    }

    @Test func truncatedFileIsRefused() throws {
        let place = try folder()
        defer { try? FileManager.default.removeItem(atPath: place) }
        let path = place + "/model.safetensors"
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        for count in [0, 5, 100, whole.count / 2, whole.count - 1] {
            try whole.prefix(count).write(to: URL(fileURLWithPath: path))
            #expect(throws: SafetensorsError.self) { try FrozenEncoder(directory: place) }
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
    ]) func wrongConfigurationIsNamed(
        _ configuration: String, _ field: String, _ expected: String, _ found: String
    ) throws {
        let place = try folder(configuration: configuration)
        #expect(
            refusal(place)
                == .configuration(path: place + "/config.json", field: field, expected: expected, found: found))
    }

    @Test func unreadableConfigurationIsReported() throws {
        for text in ["", "[]", "{\"depth\": "] {
            let place = try folder(configuration: text)
            guard case .unreadableConfiguration(place + "/config.json", _) = try #require(refusal(place)) else {
                Issue.record("expected the configuration '\(text)' to be refused as unreadable")
                continue
            }
        }
    }

    @Test func deeperConfigurationMissesABlock() throws {
        let place = try folder(configuration: #"{"num_heads": 3, "depth": 3}"#)
        #expect(
            refusal(place)
                == .missingTensor(
                    path: place + "/model.safetensors", family: "timm VisionTransformer",
                    tensor: "blocks.2.norm1.weight"))
    }

    @Test func otherImageSizes() throws {
        let place = try folder()
        defer { try? FileManager.default.removeItem(atPath: place) }
        #expect(try FrozenEncoder(directory: place, imageSize: 24).geometry.patches == 36)
        #expect(
            throws: EncoderError.configuration(
                path: place + "/config.json", field: "image size asked for", expected: "a multiple of the patch size 4",
                found: "18")
        ) { try FrozenEncoder(directory: place, imageSize: 18) }
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
