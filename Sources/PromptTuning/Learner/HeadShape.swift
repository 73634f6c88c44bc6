import PromptAggregation

/// A head to start a federation from.
public struct HeadDesign: Hashable, Sendable {
    /// Values of the hidden layer, 0 for a linear head.
    public var hidden: Int
    /// What the head reads: the class feature (nil), or so many outputs of the encoder's frozen classifier.
    public var classifierWidth: Int?

    public static let linear = HeadDesign()

    public init(hidden: Int = 0, classifierWidth: Int? = nil) {
        self.hidden = hidden
        self.classifierWidth = classifierWidth
    }

    /// Zeros for a linear head. With a hidden layer both start as PyTorch's linear layers do, uniform in ±1/√inputs: from
    /// zeros the hidden layer would get no gradient.
    func initial(width: Int, classes: Int, random: inout SeededRandom) -> [(name: String, tensor: Tensor)] {
        let inputs = classifierWidth ?? width
        guard hidden > 0 else {
            return [
                (Parameters.headWeight, Tensor(zeros: [classes, inputs])),
                (Parameters.headBias, Tensor(zeros: [classes])),
            ]
        }
        func uniform(_ shape: [Int], inputs: Int) -> Tensor {
            let bound = 1 / Double(inputs).squareRoot()
            return Tensor(
                shape: shape,
                values: (0..<shape.reduce(1, *)).map { _ in Float((2 * random.nextUniform() - 1) * bound) })
        }
        return [
            (Parameters.headHiddenWeight, uniform([hidden, inputs], inputs: inputs)),
            (Parameters.headHiddenBias, uniform([hidden], inputs: inputs)),
            (Parameters.headWeight, uniform([classes, hidden], inputs: hidden)),
            (Parameters.headBias, uniform([classes], inputs: hidden)),
        ]
    }
}

/// The shape of a state's head, from its tensors.
struct HeadShape {
    let classes: Int
    /// Values of the hidden layer, nil for a linear head.
    let hidden: Int?
    /// Whether the head reads the outputs of the frozen classifier; it reads the class feature when both are as wide.
    let onClassifier: Bool
    /// The trained tensors and the shapes that they must have.
    let expected: [(name: String, shape: [Int])]

    /// - Throws: `TuningError` when a tensor is missing or the widths fit neither.
    init(_ parameters: Parameters, encoder: FrozenEncoder) throws(TuningError) {
        func extent(_ name: String) throws(TuningError) -> Int {
            guard let bias = parameters[name] else { throw .missingParameter(name) }
            guard bias.shape.count == 1, bias.values.count > 0 else {
                throw .parameterShape(name, expected: "[values], at least one", found: bias.shape)
            }
            return bias.values.count
        }
        classes = try extent(Parameters.headBias)
        hidden = parameters[Parameters.headHiddenWeight] == nil ? nil : try extent(Parameters.headHiddenBias)
        let first = hidden == nil ? Parameters.headWeight : Parameters.headHiddenWeight
        guard let weight = parameters[first] else { throw .missingParameter(first) }
        let classifier = encoder.classifier?.outputs
        onClassifier = weight.shape.last != encoder.width && classifier != nil && weight.shape.last == classifier
        let inputs = onClassifier ? classifier! : encoder.width
        if let hidden {
            expected = [
                (Parameters.headHiddenWeight, [hidden, inputs]), (Parameters.headHiddenBias, [hidden]),
                (Parameters.headWeight, [classes, hidden]), (Parameters.headBias, [classes]),
            ]
        } else {
            expected = [(Parameters.headWeight, [classes, inputs]), (Parameters.headBias, [classes])]
        }
    }

    /// The layer nearest to the class feature: the names of its weight and bias.
    var firstLayer: (weight: String, bias: String) {
        hidden == nil
            ? (Parameters.headWeight, Parameters.headBias)
            : (Parameters.headHiddenWeight, Parameters.headHiddenBias)
    }
}

/// Factors of a batch's hidden values: 0 with the probability `rate`, otherwise 1 / (1 − rate) (inverted dropout,
/// Srivastava et al. 2014). They follow from the task's seed and the step alone, whatever the threads do.
package enum Dropout {
    /// - Returns: [images, hidden].
    package static func factors(images: Int, hidden: Int, rate: Double, seed: UInt64, step: Int) -> [Float] {
        // Streams below 2^32 shuffle the epochs.
        var random = SeededRandom(seed: seed, stream: 1 << 32 + UInt64(step))
        let kept = Float(1 / (1 - rate))
        return (0..<images * hidden).map { _ in random.nextUniform() < rate ? 0 : kept }
    }
}
