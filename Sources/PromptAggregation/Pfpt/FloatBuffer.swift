/// A fixed block of floats that C kernels may write to; zero at first.
final class FloatBuffer {
    let count: Int
    let start: UnsafeMutablePointer<Float>

    init(count: Int) {
        self.count = count
        start = .allocate(capacity: max(count, 1))
        start.initialize(repeating: 0, count: max(count, 1))
    }

    deinit { start.deallocate() }

    subscript(index: Int) -> Float {
        get { start[index] }
        set { start[index] = newValue }
    }

    /// The address of the element at `offset`.
    func at(_ offset: Int) -> UnsafeMutablePointer<Float> { start + offset }

    func fill(_ value: Float, count: Int) { start.update(repeating: value, count: count) }

    func copy(_ values: [Float], at offset: Int = 0) {
        values.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress else { return }
            (start + offset).update(from: from, count: source.count)
        }
    }

    func array(_ range: Range<Int>) -> [Float] {
        Array(UnsafeBufferPointer(start: start + range.lowerBound, count: range.count))
    }
}
