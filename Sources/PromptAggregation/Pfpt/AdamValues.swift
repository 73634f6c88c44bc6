import CKernels

/// Values that Adam moves (β₁ 0.9, β₂ 0.999, ε 1e-8), in memory that C kernels write to.
final class AdamValues {
    let values, gradient: FloatBuffer
    private let first, second: FloatBuffer
    /// The weight of all steps so far.
    private var age: Double
    private let kernels = aggregation_kernels_chosen().pointee

    private static let logBeta1 = Elementary.log(0.9)
    private static let logBeta2 = Elementary.log(0.999)
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
        age = learned.age
    }

    /// Takes the part `weight` of a step: the decays are raised to that power and the step is shortened by it, so that 1 is
    /// Adam itself and what goes to 0 leaves nothing behind.
    ///
    /// - Parameters:
    ///   - weight: in (0, 1]; below `PoolEvidence.leastWeight` nothing happens.
    ///   - learningRate: the length of a whole step.
    func step(count: Int, weight: Double, learningRate: Double) {
        guard weight >= PoolEvidence.leastWeight else { return }
        age += weight
        // What β^w and β^age lack to 1, which their own digits do not show when they are near it.
        func lack(_ logBeta: Double, _ weight: Double) -> Double { -Elementary.expm1(weight * logBeta) }
        let (rest1, rest2) = (lack(Self.logBeta1, weight), lack(Self.logBeta2, weight))
        var step = adam_step(
            beta1: Float(1 - rest1), rest1: Float(rest1), beta2: Float(1 - rest2), rest2: Float(rest2),
            step: Float(learningRate * weight / lack(Self.logBeta1, age)),
            scale: Float(1 / lack(Self.logBeta2, age).squareRoot()), epsilon: Self.epsilon)
        kernels.adam(count, values.start, first.start, second.start, gradient.start, &step)
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
        learned.age = age
        return learned
    }
}
