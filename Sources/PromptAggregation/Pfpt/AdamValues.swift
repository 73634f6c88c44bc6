import CKernels

/// Values that Adam moves (β₁ 0.9, β₂ 0.999, ε 1e-8), in memory that C kernels write to.
final class AdamValues {
    let values, gradient: FloatBuffer
    private let first, second: FloatBuffer
    private var firstDecay: Double
    private var secondDecay: Double
    private let kernels = aggregation_kernels_best().pointee

    private static let beta1 = 0.9
    private static let beta2 = 0.999
    private static let epsilon: Float = 1e-8

    /// - Parameter capacity: the most values that there will be, at least those of `learned`.
    init(_ learned: PoolModel.Learned, capacity: Int) {
        values = FloatBuffer(count: capacity)
        first = FloatBuffer(count: capacity)
        second = FloatBuffer(count: capacity)
        gradient = FloatBuffer(count: capacity)
        values.copy(learned.values)
        first.copy(learned.first)
        second.copy(learned.second)
        firstDecay = learned.firstDecay
        secondDecay = learned.secondDecay
    }

    /// Takes the part `weight` of a step: the decays are raised to that power and the step is shortened by it, so that 1 is
    /// Adam itself and what goes to 0 leaves nothing behind.
    func step(count: Int, weight: Double, learningRate: Double) {
        let beta1 = weight == 1 ? Self.beta1 : power(Self.beta1, weight)
        let beta2 = weight == 1 ? Self.beta2 : power(Self.beta2, weight)
        firstDecay *= beta1
        secondDecay *= beta2
        kernels.adam(
            count, values.start, first.start, second.start, gradient.start, Float(beta1), Float(beta2),
            Float(learningRate * weight / (1 - firstDecay)), Float(1 / (1 - secondDecay).squareRoot()), Self.epsilon)
    }

    /// Moves a block of values with its moments to the place of another.
    func move(_ source: Int, to target: Int, count: Int) {
        for buffer in [values, first, second] { buffer.at(target).update(from: buffer.at(source), count: count) }
    }

    /// The blocks of `width` values that are given, in that order.
    func learned(rows: [Int], width: Int) -> PoolModel.Learned {
        func kept(_ buffer: FloatBuffer) -> [Float] {
            rows.flatMap { buffer.array($0 * width..<($0 + 1) * width) }
        }
        var learned = PoolModel.Learned(kept(values))
        learned.first = kept(first)
        learned.second = kept(second)
        learned.firstDecay = firstDecay
        learned.secondDecay = secondDecay
        return learned
    }
}
