import CKernels

/// inputs → hidden → ReLU → outputs in Float32, for a number of rows at a time.
final class PoolNetwork {
    let layers: TwoLayers
    private let adam: AdamValues
    /// The activations after the ReLU of the last forward pass: [rows, hidden].
    private let hidden: FloatBuffer
    private let byHidden: FloatBuffer
    private let ones: FloatBuffer
    private let kernels = aggregation_kernels_chosen().pointee

    /// - Parameter rows: the most rows of a pass.
    init(_ learned: PoolModel.Learned, layers: TwoLayers, rows: Int) {
        self.layers = layers
        adam = AdamValues(learned, capacity: layers.count)
        hidden = FloatBuffer(count: rows * layers.hidden)
        byHidden = FloatBuffer(count: rows * layers.hidden)
        ones = FloatBuffer(count: rows)
        ones.fill(1, count: rows)
    }

    var learned: PoolModel.Learned { adam.learned(rows: [0], width: layers.count) }

    /// The biases of the second layer, [outputs], which `forward` leaves to the caller.
    var outputBias: UnsafeMutablePointer<Float> { adam.values.at(layers.secondBias) }

    /// output[rows, outputs] = max(0, input · W₁ + b₁) · W₂.
    func forward(rows: Int, input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>) {
        let (inputs, count, outputs) = (layers.inputs, layers.hidden, layers.outputs)
        kernels.gemm(
            rows, count, inputs, input, inputs, 1, adam.values.at(layers.firstWeight), count, hidden.start, count, 0)
        kernels.bias_relu(rows, count, adam.values.at(layers.firstBias), hidden.start)
        kernels.gemm(
            rows, outputs, count, hidden.start, count, 1, adam.values.at(layers.secondWeight), outputs, output, outputs,
            0)
    }

    /// The gradient of all values, and of the input where it is wanted, from the gradient of the outputs of the last
    /// forward pass.
    func backward(
        rows: Int, input: UnsafePointer<Float>, byOutput: UnsafePointer<Float>, byInput: UnsafeMutablePointer<Float>?
    ) {
        let (inputs, count, outputs) = (layers.inputs, layers.hidden, layers.outputs)
        let gradient = adam.gradient
        kernels.gemm(
            count, outputs, rows, hidden.start, 1, count, byOutput, outputs, gradient.at(layers.secondWeight), outputs,
            0)
        sumRows(byOutput, rows, outputs, into: gradient.at(layers.secondBias))
        kernels.gemm_transposed(
            rows, count, outputs, byOutput, outputs, adam.values.at(layers.secondWeight), outputs, byHidden.start,
            count,
            0)
        for place in 0..<rows * count where hidden[place] <= 0 { byHidden[place] = 0 }
        kernels.gemm(
            inputs, count, rows, input, 1, inputs, byHidden.start, count, gradient.at(layers.firstWeight), count, 0)
        sumRows(byHidden.start, rows, count, into: gradient.at(layers.firstBias))
        guard let byInput else { return }
        kernels.gemm_transposed(
            rows, inputs, count, byHidden.start, count, adam.values.at(layers.firstWeight), count, byInput, inputs, 0)
    }

    func step(weight: Double, learningRate: Double) {
        adam.step(count: layers.count, weight: weight, learningRate: learningRate)
    }

    private func sumRows(
        _ matrix: UnsafePointer<Float>, _ rows: Int, _ columns: Int, into sum: UnsafeMutablePointer<Float>
    ) {
        kernels.gemm(1, columns, rows, ones.start, 0, 1, matrix, columns, sum, columns, 0)
    }
}
