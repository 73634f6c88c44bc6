/// A sum of outer products, and systems of equations with it.
struct SymmetricMatrix: Sendable {
    private let size: Int
    /// The upper triangle, row by row: [size (size + 1) / 2]; after `factorize` U with A = Uᵀ U.
    private var values: [Double]

    /// A matrix of zeros.
    init(size: Int) {
        self.size = size
        values = [Double](repeating: 0, count: size * (size + 1) / 2)
    }

    /// What a column of that row is added to for its position in the triangle.
    private static func start(ofRow row: Int, size: Int) -> Int { row * (2 * size - row - 1) / 2 }

    /// Adds weight · v vᵀ.
    mutating func add(_ vector: [Double], weight: Double) {
        precondition(vector.count == size, "a vector of another size")
        let size = size
        values.withUnsafeMutableBufferPointer { values in
            vector.withUnsafeBufferPointer { vector in
                for row in 0..<size {
                    let start = Self.start(ofRow: row, size: size)
                    let factor = weight * vector[row]
                    for column in row..<size { values[start + column] += factor * vector[column] }
                }
            }
        }
    }

    /// Adds `weight` times a matrix whose upper triangle is given, row by row.
    mutating func add(upperTriangle: [Float], weight: Double) {
        precondition(upperTriangle.count == values.count, "a triangle of another size")
        values.withUnsafeMutableBufferPointer { values in
            upperTriangle.withUnsafeBufferPointer { triangle in
                for place in values.indices { values[place] += weight * Double(triangle[place]) }
            }
        }
    }

    /// Adds `weight` times another matrix.
    mutating func add(_ other: SymmetricMatrix, weight: Double) {
        precondition(other.size == size, "a matrix of another size")
        values.withUnsafeMutableBufferPointer { values in
            other.values.withUnsafeBufferPointer { other in
                for place in values.indices { values[place] += weight * other[place] }
            }
        }
    }

    var trace: Double { (0..<size).reduce(0) { $0 + values[Self.start(ofRow: $1, size: size) + $1] } }

    mutating func addToDiagonal(_ value: Double) {
        for row in 0..<size { values[Self.start(ofRow: row, size: size) + row] += value }
    }

    /// Cholesky's factorization. A pivot that rounding has made smaller than 1e-12 of the largest variance is raised to it.
    mutating func factorize() {
        let size = size
        let largest = (0..<size).reduce(0) { max($0, values[Self.start(ofRow: $1, size: size) + $1]) }
        let least = max(1e-12 * largest, 1e-300)
        values.withUnsafeMutableBufferPointer { values in
            for pivot in 0..<size {
                let row = Self.start(ofRow: pivot, size: size)
                let root = max(values[row + pivot], least).squareRoot()
                values[row + pivot] = root
                for column in pivot + 1..<size { values[row + column] /= root }
                for below in pivot + 1..<size {
                    let target = Self.start(ofRow: below, size: size)
                    let factor = values[row + below]
                    for column in below..<size { values[target + column] -= factor * values[row + column] }
                }
            }
        }
    }

    /// The x of A x = right, after `factorize`.
    func solve(_ right: [Double]) -> [Double] {
        var x = right
        values.withUnsafeBufferPointer { values in
            for row in 0..<size {
                let start = Self.start(ofRow: row, size: size)
                x[row] /= values[start + row]
                for column in row + 1..<size { x[column] -= values[start + column] * x[row] }
            }
            for row in (0..<size).reversed() {
                let start = Self.start(ofRow: row, size: size)
                for column in row + 1..<size { x[row] -= values[start + column] * x[column] }
                x[row] /= values[start + row]
            }
        }
        return x
    }
}
