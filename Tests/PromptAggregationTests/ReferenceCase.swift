import Foundation
import PromptAggregation
import Safetensors
import Testing

/// A golden run of the authors' aggregation.
struct ReferenceCase: Sendable {
    let name: String
    private let file: SafetensorsFile

    /// The cases among the fixtures and in the folder that IMPROMPTU_REFERENCE_DIR names.
    static let paths: [String] = {
        var folders = [Bundle.module.resourceURL!.appendingPathComponent("Fixtures")]
        if let folder = ProcessInfo.processInfo.environment["IMPROMPTU_REFERENCE_DIR"] {
            folders.append(URL(fileURLWithPath: folder, isDirectory: true))
        }
        return folders.flatMap { folder in
            ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
                .filter { $0.hasPrefix("pfpt-") && $0.hasSuffix(".safetensors") }
                .sorted().map { folder.appendingPathComponent($0).path }
        }
    }()

    init(path: String) throws {
        name = path
        file = try SafetensorsFile(path: path)
    }

    func integer(_ key: String) throws -> Int {
        try #require(file.metadata[key].flatMap(Int.init), "\(name) lacks '\(key)' in its metadata")
    }

    func has(_ tensor: String) -> Bool { file.contains(tensor) }
    func numbers(_ tensor: String) throws -> [Double] { try file.tensor(named: tensor).doubles() }
    func integers(_ tensor: String) throws -> [Int] { try file.tensor(named: tensor).integers() }

    func network(_ prefix: String, inputs: Int, hidden: Int, outputs: Int) throws -> ReferenceNetwork {
        ReferenceNetwork(
            inputs: inputs, hidden: hidden, outputs: outputs, firstWeight: try numbers("\(prefix).0.weight"),
            firstBias: try numbers("\(prefix).0.bias"), secondWeight: try numbers("\(prefix).2.weight"),
            secondBias: try numbers("\(prefix).2.bias"))
    }
}
