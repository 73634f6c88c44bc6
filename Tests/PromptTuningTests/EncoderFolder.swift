import Foundation
import PromptAggregation
import PromptTuning
import Safetensors
import Testing

/// The small models of the fixtures as folders that a user may have.
final class EncoderFolder {
    let path: String
    let weights: String

    static func fixture(_ name: String) -> String { Bundle.module.bundlePath + "/Fixtures/grad-\(name).safetensors" }

    /// A fixture's tensors under the names that its library gives them.
    static func tensors(of fixture: String) throws -> [NewTensor] {
        let file = try SafetensorsFile(path: Self.fixture(fixture))
        return try file.names.filter { $0.hasPrefix("model.") }.map { name in
            let tensor = try file.tensor(named: name)
            return NewTensor(
                name: String(name.dropFirst("model.".count)), shape: tensor.shape,
                values: .float32(try tensor.floats()))
        }
    }

    /// - Parameters:
    ///   - prefix: what is put before all names.
    ///   - configuration: nil for no `config.json`.
    init(
        _ fixture: String = "timm-shared", prefix: String = "", configuration: String?,
        _ change: (inout [NewTensor]) -> Void = { _ in }
    ) throws {
        path = NSTemporaryDirectory() + "encoder-\(UUID().uuidString)"
        weights = path + "/model.safetensors"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        var tensors = try Self.tensors(of: fixture).map {
            NewTensor(name: prefix + $0.name, shape: $0.shape, values: $0.values)
        }
        change(&tensors)
        try writeSafetensors(tensors, to: weights)
        if let configuration { try write(configuration, to: "config.json") }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name))
    }

    /// Opens it. The folder outlives the call, which a path taken out of it does not see to.
    func encoder(family: String? = nil, imageSize: Int? = nil) throws -> FrozenEncoder {
        try FrozenEncoder(directory: path, family: family, imageSize: imageSize)
    }

    /// The error of opening the folder, which must be there.
    func refusal(family: String? = nil) -> EncoderError? {
        do {
            _ = try encoder(family: family)
            return nil
        } catch {
            return error as? EncoderError
        }
    }
}

/// The class features of a fixture's images, [images · width].
func features(_ encoder: FrozenEncoder, fixture: String) throws -> [Float] {
    try fixtureStep(encoder, fixture: fixture, prompts: nil).features
}

/// One step on a fixture's images with its first `prompts` prompts, nil for all.
func fixtureStep(
    _ encoder: FrozenEncoder, fixture: String, prompts: Int?, learner: PromptLearner? = nil
) throws -> (features: [Float], gradients: [String: [Float]]) {
    let file = try SafetensorsFile(path: EncoderFolder.fixture(fixture))
    let images = try file.tensor(named: "input.images")
    let source = ArrayImages(
        pixels: try images.floats(), imageSize: images.shape[2],
        labels: try file.tensor(named: "input.labels").integers())
    func parameter(_ name: String, rows: Int? = nil) throws -> (String, Tensor) {
        let tensor = try file.tensor(named: "input." + name)
        let count = rows ?? tensor.shape[0]
        let size = tensor.elementCount / tensor.shape[0]
        return (
            name,
            Tensor(shape: [count] + tensor.shape.dropFirst(), values: Array(try tensor.floats()[..<(count * size)]))
        )
    }
    let parameters = Parameters([
        try parameter("prompts", rows: prompts), try parameter("head.weight"), try parameter("head.bias"),
    ])
    let state = PromptState(
        parameters: parameters, promptIDs: (0..<parameters[Parameters.prompts]!.rows).map(PromptID.init))
    var plan = TrainingPlan()
    plan.promptsPerBatch = 0
    let step = try (learner ?? PromptLearner(encoder: encoder, threads: 1)).gradients(
        state, on: TuningDataset(source), images: Array(0..<source.count), plan: plan)
    return (step.features, step.gradients)
}
