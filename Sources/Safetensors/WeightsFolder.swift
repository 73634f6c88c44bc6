import Foundation

/// Finds the weights of the one model in a folder.
struct WeightsFolder {
    let path: String
    /// The names of the files in it, ascending.
    private let names: [String]

    init(path: String) throws(SafetensorsError) {
        self.path = path
        do { names = try FileManager.default.contentsOfDirectory(atPath: path).sorted() } catch {
            throw .unreadable(path: path, "the folder cannot be listed")
        }
    }

    /// The path of the weights or of their index: by the usual names, else the only one of its kind.
    func weights() throws(SafetensorsError) -> String {
        for name in ["model.safetensors", "model" + SafetensorsModel.indexSuffix] where names.contains(name) {
            return inside(name)
        }
        let indices = names.filter { $0.hasSuffix(SafetensorsModel.indexSuffix) }
        if indices.count == 1 { return inside(indices[0]) }
        let files = names.filter { $0.hasSuffix(".safetensors") }
        if files.count == 1, indices.isEmpty { return inside(files[0]) }
        throw .folder(path: path, files.isEmpty && indices.isEmpty ? nothing() : tooMany(files, indices))
    }

    private func inside(_ name: String) -> String {
        URL(fileURLWithPath: path, isDirectory: true).appendingPathComponent(name).path
    }

    private func tooMany(_ files: [String], _ indices: [String]) -> String {
        if indices.isEmpty, files.allSatisfy({ $0.contains("-of-") }) {
            return "holds shards (\(files[0]) ...) without the index model\(SafetensorsModel.indexSuffix): copy it too"
        }
        return "holds several weights (\((indices + files).prefix(4).joined(separator: ", "))): name one of the files"
    }

    /// Says what there is in place of weights.
    private func nothing() -> String {
        let expected = "expected model.safetensors or model\(SafetensorsModel.indexSuffix)"
        for name in names {
            guard let mapping = try? FileMapping(path: inside(name)), let format = ForeignFormat(mapping.bytes),
                format.isWeights
            else { continue }
            return "\(expected), found \(name), \(format): \(format.remedy)"
        }
        let found = names.isEmpty ? "an empty folder" : names.prefix(5).joined(separator: ", ")
        return "\(expected), found \(found)\(names.count > 5 ? " ..." : "")"
    }
}

extension ForeignFormat {
    /// Whether models are saved so.
    fileprivate var isWeights: Bool {
        switch self {
        case .torchArchive, .pickle, .numpyArray, .numpyArchive, .gguf, .hdf5, .zip, .tar, .gzip, .gitLFSPointer: true
        case .empty, .zeros, .webPage, .json, .text: false
        }
    }
}
