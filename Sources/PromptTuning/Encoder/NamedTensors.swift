import Safetensors

/// Tensors of one encoder in a file that may hold more.
protocol NamedTensors {
    var weights: SafetensorsModel { get }
    /// What comes before the names of the encoder's tensors in the file.
    var prefix: String { get }
    /// The library and class whose names the tensors have.
    var title: String { get }
}

/// The affine part of a layer norm: [width] each.
struct NormValues {
    let scale, shift: [Float]
}

extension NamedTensors {
    /// The file, or the index of its shards.
    var path: String { weights.path }

    /// The shape of a tensor, nil when there is none.
    func shape(_ name: String) -> [Int]? { try? weights.tensor(named: prefix + name).shape }

    /// The shape of a tensor that must be there with so many extents, none of them 0.
    func shape(_ name: String, extents: Int) throws(EncoderError) -> [Int] {
        guard let shape = shape(name) else {
            throw .missingTensor(path: path, family: title, tensor: fullName(name))
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
            throw .missingTensor(path: path, family: title, tensor: fullName(name))
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
    func norm(_ name: String, _ width: Int) throws(EncoderError) -> NormValues {
        NormValues(scale: try floats(name + ".weight", [width]), shift: try floats(name + ".bias", [width]))
    }
}
