import PromptAggregation

/// Rows are padded to a multiple of 16 floats for the kernels.
func padded(_ count: Int) -> Int { (count + 15) / 16 * 16 }

/// Memory on a 64-byte boundary.
final class Aligned {
    let start: UnsafeMutablePointer<Float>
    init(_ count: Int) {
        start = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 4, alignment: 64)
            .bindMemory(to: Float.self, capacity: max(count, 1))
        start.initialize(repeating: 0, count: max(count, 1))
    }
    deinit { UnsafeMutableRawPointer(start).deallocate() }
}

extension SeededRandom {
    /// Uniform in ±1/2, without padding.
    mutating func matrix(_ rows: Int, _ columns: Int) -> [Float] {
        (0..<rows * columns).map { _ in Float(nextUniform() - 0.5) }
    }

    /// Standard normal plus a shift, each row padded with zeros.
    mutating func padded(_ rows: Int, _ columns: Int, shift: Double = 0) -> [Float] {
        let stride = PromptTuningTests.padded(columns)
        return (0..<rows * stride).map { $0 % stride < columns ? Float(nextNormal() + shift) : 0 }
    }
}
