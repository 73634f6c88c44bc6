import Foundation

/// `model.safetensors.index.json`: for each tensor the name of the file beside the index that holds it.
struct ShardIndex {
    let path: String
    let shardNames: [String: String]

    private struct Content: Decodable {
        let shardNames: [String: String]
        enum CodingKeys: String, CodingKey { case shardNames = "weight_map" }
    }

    init(path: String) throws(SafetensorsError) {
        let mapping = try FileMapping(path: path)
        do {
            shardNames = try JSONDecoder().decode(Content.self, from: Data(mapping.bytes)).shardNames
        } catch {
            if let format = ForeignFormat(mapping.bytes), format != .json { throw .foreign(path: path, format) }
            throw .index(path: path, "expected JSON with an object 'weight_map' from tensors to files, found none")
        }
        self.path = path
        if let name = shardNames.values.first(where: { !Self.isPlain($0) }) {
            throw .index(path: path, "expected names of files in the same folder, found '\(name)'")
        }
        guard !shardNames.isEmpty else { throw .index(path: path, "lists no tensor") }
    }

    /// The paths of the shards, ascending.
    ///
    /// - Throws: `SafetensorsError.index` that names all that are missing.
    func shards() throws(SafetensorsError) -> [String] {
        let names = Set(shardNames.values).sorted()
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        let paths = names.map { folder.appendingPathComponent($0).path }
        let missing = zip(names, paths).filter { !FileManager.default.fileExists(atPath: $1) }.map(\.0)
        guard missing.isEmpty else {
            throw .index(
                path: path,
                "\(missing.count) of \(names.count) shards are missing beside it: \(missing.joined(separator: ", "))")
        }
        return paths
    }

    /// Checks that each tensor is in the shard that the index says.
    ///
    /// - Parameter found: the path of the shard that holds a tensor.
    func check(_ found: (_ tensor: String) -> String?) throws(SafetensorsError) {
        for (name, shard) in shardNames.sorted(by: { $0.key < $1.key }) {
            guard let place = found(name) else {
                throw .index(path: path, "tensor '\(name)' is not in \(shard), where the index says it is")
            }
            guard URL(fileURLWithPath: place).lastPathComponent == shard else {
                throw .index(path: path, "expected tensor '\(name)' in \(shard), found it in \(place)")
            }
        }
    }

    /// Whether the name stays within the folder.
    private static func isPlain(_ name: String) -> Bool {
        !name.isEmpty && !name.contains("/") && !name.contains("\0") && name != "." && name != ".."
    }
}
