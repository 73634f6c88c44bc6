import Foundation
import PromptAggregation
import PromptTuning
import Safetensors

/// Writes the bundled encoder into a folder, with a frozen classifier of so many outputs, which it has not by itself.
package func writeClassifyingEncoder(to folder: String, outputs: Int) throws {
    let bundled = try FrozenEncoder.bundled()
    let file = try SafetensorsFile(path: bundled.weightsPath)
    var tensors = try file.names.map { name in
        let tensor = try file.tensor(named: name)
        return NewTensor(name: name, shape: tensor.shape, values: .float32(try tensor.floats()))
    }
    var random = SeededRandom(seed: 5)
    func drawn(_ count: Int) -> [Float] { (0..<count).map { _ in Float(0.1 * random.nextNormal()) } }
    tensors.append(
        NewTensor(
            name: "head.weight", shape: [outputs, bundled.width], values: .float32(drawn(outputs * bundled.width))))
    tensors.append(NewTensor(name: "head.bias", shape: [outputs], values: .float32(drawn(outputs))))
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try writeSafetensors(tensors, to: folder + "/model.safetensors")
    let configuration = URL(fileURLWithPath: bundled.weightsPath).deletingLastPathComponent()
        .appendingPathComponent("config.json")
    let text = try String(contentsOf: configuration, encoding: .utf8)
        .replacing("\"num_classes\": 0", with: "\"num_classes\": \(outputs)")
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/config.json"))
}
