/// A sum of outer products, and systems of equations with it. Of the matrix only the upper triangle is kept.
struct SymmetricMatrix {
    private let size: Int
    /// [size, size], row-major; after `factorize` U with A = Uᵀ U.
    private var values: [Double]

    /// A matrix of zeros.
    init(size: Int) {
        self.size = size
        values = [Double](repeating: 0, count: size * size)
    }

    /// Adds weight · v vᵀ.
    mutating func add(_ vector: [Double], weight: Double) {
        let size = size
        values.withUnsafeMutableBufferPointer { values in
            vector.withUnsafeBufferPointer { vector in
                for row in 0..<size {
                    let factor = weight * vector[row]
                    for column in row..<size { values[row * size + column] += factor * vector[column] }
                }
            }
        }
    }

    /// Adds `weight` times a matrix whose upper triangle is given, row by row.
    mutating func add(upperTriangle: [Float], weight: Double) {
        precondition(upperTriangle.count == size * (size + 1) / 2, "a triangle of another size")
        let size = size
        values.withUnsafeMutableBufferPointer { values in
            upperTriangle.withUnsafeBufferPointer { triangle in
                var place = 0
                for row in 0..<size {
                    for column in row..<size {
                        values[row * size + column] += weight * Double(triangle[place])
                        place += 1
                    }
                }
            }
        }
    }

    var trace: Double { (0..<size).reduce(0) { $0 + values[$1 * (size + 1)] } }

    mutating func addToDiagonal(_ value: Double) {
        for row in 0..<size { values[row * (size + 1)] += value }
    }

    /// Cholesky's factorization. A pivot that rounding has made smaller than 1e-12 of the largest variance is raised to it.
    mutating func factorize() {
        let size = size
        let largest = (0..<size).reduce(0) { max($0, values[$1 * (size + 1)]) }
        let least = max(1e-12 * largest, 1e-300)
        values.withUnsafeMutableBufferPointer { values in
            for pivot in 0..<size {
                let row = pivot * size
                let root = max(values[row + pivot], least).squareRoot()
                values[row + pivot] = root
                for column in pivot + 1..<size { values[row + column] /= root }
                for below in pivot + 1..<size {
                    let factor = values[row + below]
                    for column in below..<size { values[below * size + column] -= factor * values[row + column] }
                }
            }
        }
    }

    /// The x of A x = right, after `factorize`.
    func solve(_ right: [Double]) -> [Double] {
        var x = right
        values.withUnsafeBufferPointer { values in
            for row in 0..<size {
                x[row] /= values[row * size + row]
                for column in row + 1..<size { x[column] -= values[row * size + column] * x[row] }
            }
            for row in (0..<size).reversed() {
                for column in row + 1..<size { x[row] -= values[row * size + column] * x[column] }
                x[row] /= values[row * size + row]
            }
        }
        return x
    }
}
