/// The shapes of the two networks.
package struct NetworkLayout: Hashable, Sendable {
    package let width: Int
    package let hidden: Int

    package init(width: Int, hidden: Int) {
        self.width = width
        self.hidden = hidden
    }

    /// γ: width → hidden → ReLU → width.
    var covariance: TwoLayers { TwoLayers(inputs: width, hidden: hidden, outputs: width) }
    /// w: width → hidden → ReLU → 1.
    var usage: TwoLayers { TwoLayers(inputs: width, hidden: hidden, outputs: 1) }
}

/// Where each tensor of a network of two layers lies in one list of values.
struct TwoLayers: Hashable, Sendable {
    let inputs: Int
    let hidden: Int
    let outputs: Int

    /// [inputs, hidden]
    var firstWeight: Int { 0 }
    /// [hidden]
    var firstBias: Int { inputs * hidden }
    /// [hidden, outputs]
    var secondWeight: Int { firstBias + hidden }
    /// [outputs]
    var secondBias: Int { secondWeight + hidden * outputs }
    var count: Int { secondBias + outputs }

    func initialValues(random: inout SeededRandom) -> [Float] {
        let first = 1 / Double(max(inputs, 1)).squareRoot()
        let second = 1 / Double(hidden).squareRoot()
        return (0..<count).map { place in
            Float((2 * random.nextUniform() - 1) * (place < secondWeight ? first : second))
        }
    }
}
