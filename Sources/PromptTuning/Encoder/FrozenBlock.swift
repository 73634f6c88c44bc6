import CKernels
import PromptAggregation

/// A transformer block whose norms' affine parts, attention scale and LayerScale are folded into its four layers:
///
///     x += output(attention(query(n), keyValue(n))), n = normalize(x)
///     x += contract(f(expand(n))),                   n = normalize(x)
struct FrozenBlock: Sendable {
    /// width -> attention width.
    let query: FrozenLayer
    /// width -> 2 · attention width: keys, then values.
    let keyValue: FrozenLayer
    /// attention width -> width.
    let output: FrozenLayer
    /// width -> hidden.
    let expand: FrozenLayer
    /// hidden -> width.
    let contract: FrozenLayer

    var byteCount: Int { [query, keyValue, output, expand, contract].reduce(0) { $0 + $1.byteCount } }
}

extension FrozenBlock {
    init(
        _ index: Int, of model: ModelFile, geometry: EncoderGeometry, precision: EncoderPrecision
    ) throws(EncoderError) {
        try self.init(model.names.block(index), of: model, geometry: geometry, precision: precision)
    }

    /// Attention pooling as a block that follows the model's: its query is the same for all images, and the norm after the
    /// model's blocks is its first. It adds to a row of zeros.
    init(
        _ pooling: TensorNames.Pooling, of model: ModelFile, geometry: EncoderGeometry, precision: EncoderPrecision
    ) throws(EncoderError) {
        try self.init(
            pooling.block(firstNorm: model.names.finalNorm), of: model, geometry: geometry, precision: precision,
            fixedQuery: model.floats(pooling.probe, [geometry.width]))
    }

    /// - Parameter fixedQuery: what the query is made from in place of the row, nil for a common block.
    private init(
        _ names: TensorNames.Block, of model: ModelFile, geometry: EncoderGeometry, precision: EncoderPrecision,
        fixedQuery: [Float]? = nil
    ) throws(EncoderError) {
        let width = geometry.width
        let firstNorm = try model.norm(names.firstNorm, width)
        let secondNorm = try model.norm(names.secondNorm, width)
        var projections = try Self.projections(names.attention, of: model, width: width)
        let scale = 1 / Double(geometry.headWidth).squareRoot()
        projections[0].scaleOutputs(by: [Double](repeating: scale, count: width))
        if let fixedQuery { projections[0].fixInput(at: fixedQuery) }
        for index in 0..<3 {
            projections[index].absorb(firstNorm)
            projections[index].spreadOutputs(geometry)
        }
        query = projections[0].packed(precision)
        keyValue = projections[1].joined(with: projections[2]).packed(precision)

        var output = try PlainLayer(names.output, of: model, outputs: width, inputs: width)
        var expand = try PlainLayer(names.expand, of: model, outputs: geometry.hidden, inputs: width)
        var contract = try PlainLayer(names.contract, of: model, outputs: width, inputs: geometry.hidden)
        if let (attentionScale, perceptronScale) = names.scales, model.contains(attentionScale) {
            output.scaleOutputs(by: try model.floats(attentionScale, [width]).map(Double.init))
            contract.scaleOutputs(by: try model.floats(perceptronScale, [width]).map(Double.init))
        }
        output.spreadInputs(geometry)
        expand.absorb(secondNorm)
        self.output = output.packed(precision)
        self.expand = expand.packed(precision)
        self.contract = contract.packed(precision)
    }

    /// Query, key and value as three layers.
    private static func projections(
        _ names: TensorNames.Block.Attention, of model: ModelFile, width: Int
    ) throws(EncoderError) -> [PlainLayer] {
        var layers: [PlainLayer] = []
        switch names {
        case .joined(let weight, let bias):
            let weights = try model.floats(weight, [3 * width, width])
            let biases = try model.bias(bias, 3 * width, required: false)
            for part in 0..<3 {
                layers.append(
                    PlainLayer(
                        outputs: width, inputs: width,
                        weight: Array(weights[part * width * width..<(part + 1) * width * width]),
                        bias: Array(biases[part * width..<(part + 1) * width])))
            }
        case .separate(let query, let key, let value):
            for name in [query, key, value] {
                layers.append(try PlainLayer(name, of: model, outputs: width, inputs: width, biasRequired: false))
            }
        }
        return layers
    }
}

/// A linear layer on its way from the file to its packed form: y = W x + bias, W [outputs, inputs].
struct PlainLayer {
    private(set) var outputs, inputs: Int
    private(set) var weight, bias: [Float]

    init(outputs: Int, inputs: Int, weight: [Float], bias: [Float]) {
        self.outputs = outputs
        self.inputs = inputs
        self.weight = weight
        self.bias = bias
    }

    init(
        _ name: String, of model: some NamedTensors, outputs: Int, inputs: Int, biasRequired: Bool = true
    ) throws(EncoderError) {
        self.init(
            outputs: outputs, inputs: inputs, weight: try model.floats(name + ".weight", [outputs, inputs]),
            bias: try model.bias(name + ".bias", outputs, required: biasRequired))
    }

    /// The layer that gives, from the normalised row alone, what this one gives after the norm's affine part:
    /// W (n scale + shift) + bias = (W scale) n + (W shift + bias).
    mutating func absorb(_ norm: NormValues) {
        for output in 0..<outputs {
            var constant = Double(bias[output])
            for input in 0..<inputs {
                let place = output * inputs + input
                constant += Double(weight[place]) * Double(norm.shift[input])
                weight[place] *= norm.scale[input]
            }
            bias[output] = Float(constant)
        }
    }

    /// The layer that gives for every row what this one gives for `input`.
    mutating func fixInput(at input: [Float]) {
        for output in 0..<outputs {
            var constant = Double(bias[output])
            for place in 0..<inputs { constant += Double(weight[output * inputs + place]) * Double(input[place]) }
            bias[output] = Float(constant)
        }
        weight = [Float](repeating: 0, count: outputs * inputs)
    }

    /// Multiplies each output by a factor.
    mutating func scaleOutputs(by factors: [Double]) {
        for output in 0..<outputs {
            for place in output * inputs..<(output + 1) * inputs {
                weight[place] = Float(Double(weight[place]) * factors[output])
            }
            bias[output] = Float(Double(bias[output]) * factors[output])
        }
    }

    /// Gives each head's outputs the columns that the kernels want, with zeros between them.
    mutating func spreadOutputs(_ geometry: EncoderGeometry) {
        guard geometry.headStride != geometry.headWidth else { return }
        var spread = PlainLayer(
            outputs: geometry.attentionWidth, inputs: inputs,
            weight: [Float](repeating: 0, count: geometry.attentionWidth * inputs),
            bias: [Float](repeating: 0, count: geometry.attentionWidth))
        for output in 0..<outputs {
            let target = geometry.headColumn(output)
            spread.bias[target] = bias[output]
            for input in 0..<inputs { spread.weight[target * inputs + input] = weight[output * inputs + input] }
        }
        self = spread
    }

    /// Reads its inputs from the columns that `spreadOutputs` gives.
    mutating func spreadInputs(_ geometry: EncoderGeometry) {
        guard geometry.headStride != geometry.headWidth else { return }
        var spread = PlainLayer(
            outputs: outputs, inputs: geometry.attentionWidth,
            weight: [Float](repeating: 0, count: outputs * geometry.attentionWidth), bias: bias)
        for output in 0..<outputs {
            for input in 0..<inputs {
                spread.weight[output * spread.inputs + geometry.headColumn(input)] = weight[output * inputs + input]
            }
        }
        self = spread
    }

    /// One layer with the outputs of both.
    func joined(with other: PlainLayer) -> PlainLayer {
        PlainLayer(
            outputs: outputs + other.outputs, inputs: inputs, weight: weight + other.weight, bias: bias + other.bias)
    }

    func packed(_ precision: EncoderPrecision) -> FrozenLayer {
        FrozenLayer(outputs: outputs, inputs: inputs, weight: weight, bias: bias, precision: precision)
    }
}

extension EncoderGeometry {
    /// The kernels' column of a value of the attention.
    fileprivate func headColumn(_ value: Int) -> Int { value / headWidth * headStride + value % headWidth }
}
