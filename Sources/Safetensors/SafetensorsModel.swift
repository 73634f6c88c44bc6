import Files
import Foundation

/// The tensors of one model: a safetensors file, or several (shards) with an index that says which tensor lies where.
///
/// Every file is mapped, not read: tensors take memory when their values are asked for.
public struct SafetensorsModel: Sendable {
    /// The file, or the index of the shards.
    public let path: String
    /// All files that the model is made of; the index first where there is one, then the shards by name.
    public let paths: [String]
    /// The names of all tensors, ascending.
    public let names: [String]

    private let files: [SafetensorsFile]
    /// For each tensor the place of its file in `files`.
    private let places: [String: Int]

    /// What the index of shards is called when the model is saved by the usual libraries.
    static let indexSuffix = ".safetensors.index.json"

    public init(_ file: SafetensorsFile) {
        path = file.path
        paths = [file.path]
        names = file.names
        files = [file]
        places = Dictionary(uniqueKeysWithValues: file.names.map { ($0, 0) })
    }

    /// Opens a file of weights, an index of shards (`*.safetensors.index.json`), or the one model that a folder holds.
    ///
    /// - Throws: `SafetensorsError`.
    public init(path: String) throws {
        let place = Folder.exists(path) ? try WeightsFolder(path: path).weights() : path
        if place.hasSuffix(Self.indexSuffix) {
            try self.init(index: ShardIndex(path: place))
        } else {
            try self.init(SafetensorsFile(path: place))
        }
    }

    private init(index: ShardIndex) throws {
        let shards = try index.shards().map { try SafetensorsFile(path: $0) }
        var places: [String: Int] = [:]
        for (place, shard) in shards.enumerated() {
            for name in shard.names {
                if let other = places.updateValue(place, forKey: name) {
                    throw SafetensorsError.index(
                        path: index.path, "tensor '\(name)' is in two shards: \(shards[other].path) and \(shard.path)")
                }
            }
        }
        try index.check { name in places[name].map { shards[$0].path } }
        if let name = places.keys.filter({ index.shardNames[$0] == nil }).min() {
            throw SafetensorsError.index(
                path: index.path,
                "does not list tensor '\(name)', which is in \(shards[places[name]!].path): the files belong to different models"
            )
        }
        path = index.path
        paths = [index.path] + shards.map(\.path)
        names = places.keys.sorted()
        files = shards
        self.places = places
    }

    /// - Throws: `SafetensorsError.missingTensor` when there is no tensor of that name.
    public func tensor(named name: String) throws(SafetensorsError) -> SafetensorsTensor {
        guard let place = places[name] else { throw .missingTensor(path: path, tensor: name) }
        return try files[place].tensor(named: name)
    }

    /// Whether one of the files has a tensor of this name.
    public func contains(_ name: String) -> Bool { places[name] != nil }
}
