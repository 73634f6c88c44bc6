import CKernels

/// Values with Adam's moments, stepped as PyTorch steps them (lr 1e-3, betas 0.9 and 0.999, eps 1e-8).
package struct ReferenceParameter: Hashable, Sendable {
    package private(set) var values: [Double]
    private var first: [Double]
    private var second: [Double]

    package init(_ values: [Double]) {
        self.values = values
        first = [Double](repeating: 0, count: values.count)
        second = first
    }

    /// - Parameter number: of this step, from 1.
    mutating func step(_ gradient: [Double], number: Int) {
        let stepSize = 1e-3 / (1 - Elementary.power(0.9, Double(number)))
        let correction = (1 - Elementary.power(0.999, Double(number))).squareRoot()
        reference_kernels_chosen().pointee.adam(values.count, &values, &first, &second, gradient, stepSize, correction)
    }
}

/// inputs → hidden → ReLU → outputs → sigmoid, in Float64, with weights as PyTorch keeps them: [outputs, inputs].
package struct ReferenceNetwork: Hashable, Sendable {
    package let inputs: Int
    package let hidden: Int
    package let outputs: Int
    package private(set) var firstWeight: ReferenceParameter
    package private(set) var firstBias: ReferenceParameter
    package private(set) var secondWeight: ReferenceParameter
    package private(set) var secondBias: ReferenceParameter

    /// - Parameters: [hidden, inputs], [hidden], [outputs, hidden] and [outputs].
    package init(
        inputs: Int, hidden: Int, outputs: Int, firstWeight: [Double], firstBias: [Double], secondWeight: [Double],
        secondBias: [Double]
    ) {
        self.inputs = inputs
        self.hidden = hidden
        self.outputs = outputs
        self.firstWeight = ReferenceParameter(firstWeight)
        self.firstBias = ReferenceParameter(firstBias)
        self.secondWeight = ReferenceParameter(secondWeight)
        self.secondBias = ReferenceParameter(secondBias)
    }

    /// PyTorch's initial values of a linear layer: uniform within ±1/√inputs, for weights and biases.
    init(inputs: Int, hidden: Int, outputs: Int, random: inout SeededRandom) {
        func uniform(_ count: Int, _ inputs: Int, _ random: inout SeededRandom) -> [Double] {
            let bound = 1 / Double(inputs).squareRoot()
            return (0..<count).map { _ in bound * (2 * random.nextUniform() - 1) }
        }
        self.init(
            inputs: inputs, hidden: hidden, outputs: outputs,
            firstWeight: uniform(hidden * inputs, inputs, &random), firstBias: uniform(hidden, inputs, &random),
            secondWeight: uniform(outputs * hidden, hidden, &random), secondBias: uniform(outputs, hidden, &random))
    }

    /// The activations of one row.
    struct Pass {
        let input: [Double]
        /// After the ReLU.
        var hidden: [Double]
        /// After the sigmoid.
        var output: [Double]
    }

    func pass(_ row: [Double]) -> Pass {
        var pass = Pass(
            input: row, hidden: [Double](repeating: 0, count: hidden), output: [Double](repeating: 0, count: outputs))
        let kernels = reference_kernels_chosen().pointee
        kernels.linear(hidden, inputs, row, firstWeight.values, firstBias.values, &pass.hidden)
        for place in pass.hidden.indices { pass.hidden[place] = max(0, pass.hidden[place]) }
        kernels.linear(outputs, hidden, pass.hidden, secondWeight.values, secondBias.values, &pass.output)
        kernels.sigmoid(outputs, &pass.output)
        return pass
    }

    /// Sums of a loss's gradients by every parameter, row after row.
    struct Gradient {
        var firstWeight, firstBias, secondWeight, secondBias: [Double]

        init(like network: ReferenceNetwork) {
            firstWeight = [Double](repeating: 0, count: network.firstWeight.values.count)
            firstBias = [Double](repeating: 0, count: network.hidden)
            secondWeight = [Double](repeating: 0, count: network.secondWeight.values.count)
            secondBias = [Double](repeating: 0, count: network.outputs)
        }
    }

    /// Adds one row's gradients and returns the gradient by the row itself.
    ///
    /// - Parameter byOutput: the loss's gradient by the outputs after the sigmoid.
    func backward(_ pass: Pass, byOutput: [Double], into gradient: inout Gradient) -> [Double] {
        let byLogit = zip(byOutput, pass.output).map { ($0 * (1 - $1)) * $1 }
        let kernels = reference_kernels_chosen().pointee
        kernels.add_outer(outputs, hidden, byLogit, pass.hidden, &gradient.secondWeight)
        for place in byLogit.indices { gradient.secondBias[place] += byLogit[place] }
        var byHidden = [Double](repeating: 0, count: hidden)
        kernels.linear_backward(hidden, outputs, byLogit, secondWeight.values, &byHidden)
        for place in byHidden.indices where pass.hidden[place] <= 0 { byHidden[place] = 0 }
        kernels.add_outer(hidden, inputs, byHidden, pass.input, &gradient.firstWeight)
        for place in byHidden.indices { gradient.firstBias[place] += byHidden[place] }
        var byInput = [Double](repeating: 0, count: inputs)
        kernels.linear_backward(inputs, hidden, byHidden, firstWeight.values, &byInput)
        return byInput
    }

    mutating func step(_ gradient: Gradient, number: Int) {
        firstWeight.step(gradient.firstWeight, number: number)
        firstBias.step(gradient.firstBias, number: number)
        secondWeight.step(gradient.secondWeight, number: number)
        secondBias.step(gradient.secondBias, number: number)
    }
}
