import PromptAggregation
import Safetensors

/// The tensors of a vision transformer under the names of the library that they were recognised as.
struct ModelFile: NamedTensors {
    let weights: SafetensorsModel
    let names: TensorNames
    let prefix: String
    var title: String { names.title }

    init(_ weights: SafetensorsModel, as recognition: Recognition) throws(EncoderError) {
        self.weights = weights
        names = recognition.names
        prefix = recognition.prefix
        for (name, reason) in names.unsupported.sorted(by: { $0.key < $1.key }) where contains(name) {
            throw .unsupported(path: path, tensor: fullName(name), reason)
        }
    }

    /// The number of blocks: one more than the highest number in the names.
    var blockCount: Int {
        let start = prefix + names.blockPrefix
        let numbers = weights.names.lazy.filter { $0.hasPrefix(start) }
            .compactMap { Int($0.dropFirst(start.count).prefix { $0.isNumber }) }
        return (numbers.max() ?? -1) + 1
    }

    /// Refuses blocks with tensors of another computation: gates, relative positions, adapters, norms of queries.
    func checkBlocks(depth: Int) throws(EncoderError) {
        let known = names.allNames(depth: depth)
        for name in weights.names where name.hasPrefix(prefix + names.blockPrefix) {
            guard !known.contains(String(name.dropFirst(prefix.count))) else { continue }
            throw .unsupported(path: path, tensor: name, "the blocks of a \(names.title) have no such tensor")
        }
    }

    /// The tensors that the encoder does without, by their full names, ascending.
    func unused(depth: Int) -> [String] {
        let known = names.allNames(depth: depth)
        return weights.names.filter { !$0.hasPrefix(prefix) || !known.contains(String($0.dropFirst(prefix.count))) }
    }

    /// The element types of the encoder's tensors, ascending.
    func elementTypes(depth: Int) -> [String] {
        let types = names.allNames(depth: depth).compactMap { try? weights.tensor(named: prefix + $0).type.rawValue }
        return Set(types).sorted()
    }

    /// The layer behind the final norm, nil when the library or the file has none.
    func classifier(width: Int) throws(EncoderError) -> FrozenLayer? {
        guard let name = names.classifier, let shape = shape(name + ".weight") else { return nil }
        guard shape.count == 2, shape[0] > 0 else {
            throw .tensorShape(
                path: path, tensor: fullName(name + ".weight"), expected: "[classes, \(width)]", found: shape)
        }
        return try PlainLayer(name, of: self, outputs: shape[0], inputs: width).packed(.float32)
    }
}
