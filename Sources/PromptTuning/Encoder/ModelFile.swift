import Safetensors

/// The tensors of a vision transformer under the names of the library that they were recognised as.
struct ModelFile {
    let weights: SafetensorsModel
    let names: TensorNames
    let prefix: String

    init(_ weights: SafetensorsModel, as recognition: Recognition) throws(EncoderError) {
        self.weights = weights
        names = recognition.names
        prefix = recognition.prefix
        for (name, reason) in names.unsupported.sorted(by: { $0.key < $1.key }) where contains(name) {
            throw .unsupported(path: path, tensor: fullName(name), reason)
        }
    }

    /// The file, or the index of its shards.
    var path: String { weights.path }

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

    /// The shape of a tensor, nil when there is none.
    func shape(_ name: String) -> [Int]? { try? weights.tensor(named: prefix + name).shape }

    /// The shape of a tensor that must be there with so many extents, none of them 0.
    func shape(_ name: String, extents: Int) throws(EncoderError) -> [Int] {
        guard let shape = shape(name) else {
            throw .missingTensor(path: path, family: names.title, tensor: fullName(name))
        }
        guard shape.count == extents, shape.allSatisfy({ $0 > 0 }) else {
            throw .tensorShape(path: path, tensor: fullName(name), expected: "\(extents) extents", found: shape)
        }
        return shape
    }

    func contains(_ name: String) -> Bool { weights.contains(prefix + name) }

    /// The full name in the file.
    func fullName(_ name: String) -> String { prefix + name }

    /// The values of a tensor that must be there with that shape, all finite.
    func floats(_ name: String, _ shape: [Int]) throws(EncoderError) -> [Float] {
        guard let tensor = try? weights.tensor(named: prefix + name) else {
            throw .missingTensor(path: path, family: names.title, tensor: fullName(name))
        }
        // Extents of 1 in front say nothing: libraries store tokens as [1, 1, width] or [width].
        guard tensor.shape.drop(while: { $0 == 1 }).elementsEqual(shape.drop { $0 == 1 }) else {
            throw .tensorShape(path: tensor.path, tensor: fullName(name), expected: "\(shape)", found: tensor.shape)
        }
        do { return try tensor.finiteFloats() } catch { throw .values(error) }
    }

    /// A bias, zeros where the library leaves it out.
    func bias(_ name: String, _ count: Int, required: Bool) throws(EncoderError) -> [Float] {
        guard required || contains(name) else { return [Float](repeating: 0, count: count) }
        return try floats(name, [count])
    }

    /// A norm's scale and shift.
    func norm(_ name: String, _ width: Int) throws(EncoderError) -> Norm {
        Norm(scale: try floats(name + ".weight", [width]), shift: try floats(name + ".bias", [width]))
    }

    /// The layer behind the final norm, nil when the library or the file has none.
    func classifier(width: Int) throws(EncoderError) -> FrozenLayer? {
        guard let name = names.classifier, let shape = shape(name + ".weight") else { return nil }
        guard shape.count == 2, shape[0] > 0 else {
            throw .tensorShape(
                path: path, tensor: fullName(name + ".weight"), expected: "[classes, \(width)]", found: shape)
        }
        return try PlainLayer(name, of: self, outputs: shape[0], inputs: width).packed
    }

    /// The affine part of a layer norm: [width] each.
    struct Norm {
        let scale, shift: [Float]
    }
}
