import Safetensors

/// The tensors of a vision transformer in a safetensors file, under the names of the family that they were recognised as.
struct ModelFile {
    let file: SafetensorsFile
    let names: TensorNames
    private let prefix: String

    /// Recognises the family from the names: the one most of whose characteristic tensors are there, at least half.
    ///
    /// - Parameter outerPrefix: what comes before all names of the model in the file.
    init(file: SafetensorsFile, outerPrefix: String) throws(EncoderError) {
        var best: (present: Int, names: TensorNames, prefix: String)?
        for names in TensorNames.all {
            let expected = names.characteristicNames
            for prefix in names.prefixes.map({ outerPrefix + $0 }) {
                let present = expected.count { file.contains(prefix + $0) }
                if present * 2 >= expected.count, present > best?.present ?? 0 { best = (present, names, prefix) }
            }
        }
        guard let best else { throw .unrecognisedNames(path: file.path, examples: Array(file.names.prefix(3))) }
        self.file = file
        names = best.names
        prefix = best.prefix
        for name in names.unsupported where file.contains(prefix + name) {
            throw .tensorShape(
                path: file.path, tensor: prefix + name, expected: "no such tensor (not supported)",
                found: shape(name) ?? [])
        }
    }

    /// The number of blocks: one more than the highest number in the names.
    var blockCount: Int {
        let start = prefix + names.blockPrefix
        let numbers = file.names.lazy.filter { $0.hasPrefix(start) }
            .compactMap { Int($0.dropFirst(start.count).prefix { $0.isNumber }) }
        return (numbers.max() ?? -1) + 1
    }

    /// The shape of a tensor, nil when there is none.
    func shape(_ name: String) -> [Int]? { try? file.tensor(named: prefix + name).shape }

    func contains(_ name: String) -> Bool { file.contains(prefix + name) }

    /// The full name in the file.
    func fullName(_ name: String) -> String { prefix + name }

    /// The values of a tensor that must be there with that shape.
    func floats(_ name: String, _ shape: [Int]) throws(EncoderError) -> [Float] {
        guard let tensor = try? file.tensor(named: prefix + name) else {
            throw .missingTensor(path: file.path, family: names.family, tensor: prefix + name)
        }
        // Extents of 1 in front say nothing: libraries store tokens as [1, 1, width] or [width].
        guard tensor.shape.drop(while: { $0 == 1 }).elementsEqual(shape.drop { $0 == 1 }) else {
            throw .tensorShape(path: file.path, tensor: prefix + name, expected: "\(shape)", found: tensor.shape)
        }
        do { return try tensor.floats() } catch {
            throw .elementType(
                path: file.path, tensor: prefix + name, expected: "F16, BF16, F32 or F64", found: tensor.type.rawValue)
        }
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

    /// The layer behind the final norm, nil when the family or the file has none.
    func classifier(width: Int) throws(EncoderError) -> FrozenLayer? {
        guard let name = names.classifier, let shape = shape(name + ".weight") else { return nil }
        guard shape.count == 2, shape[0] > 0 else {
            throw .tensorShape(
                path: file.path, tensor: fullName(name + ".weight"), expected: "[classes, \(width)]", found: shape)
        }
        return try PlainLayer(name, of: self, outputs: shape[0], inputs: width).packed
    }

    /// The affine part of a layer norm: [width] each.
    struct Norm {
        let scale, shift: [Float]
    }
}
