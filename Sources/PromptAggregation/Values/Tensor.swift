/// A dense float32 array in row-major order.
public struct Tensor: Hashable, Sendable {
    /// The extent of each dimension; empty for a scalar.
    public let shape: [Int]
    /// The elements, `shape.product` of them, last dimension fastest.
    public var values: [Float]

    /// - Precondition: `values.count` is the product of `shape`.
    public init(shape: [Int], values: [Float]) {
        precondition(
            shape.allSatisfy { $0 >= 0 } && shape.reduce(1, *) == values.count,
            "a tensor of shape \(shape) cannot hold \(values.count) values")
        self.shape = shape
        self.values = values
    }

    /// A tensor of zeros.
    public init(zeros shape: [Int]) {
        self.init(shape: shape, values: [Float](repeating: 0, count: shape.reduce(1, *)))
    }

    /// The number of rows of a matrix (the first dimension), 1 for a scalar.
    public var rows: Int { shape.first ?? 1 }

    /// The elements of one row of a matrix.
    public func row(_ index: Int) -> ArraySlice<Float> {
        let width = rows == 0 ? 0 : values.count / rows
        return values[index * width..<(index + 1) * width]
    }

    /// The position of the first element that is NaN or infinite, nil when all are finite.
    public var firstNonFinite: Int? { values.firstIndex { !$0.isFinite } }
}
