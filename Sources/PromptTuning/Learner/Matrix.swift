import PromptAggregation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A small matrix in Float64, by rows. Its products are plain loops: it is for a pool of prompts, not for images.
package struct Matrix: Hashable, Sendable {
    package let rows: Int
    package let columns: Int
    package var values: [Double]

    /// - Precondition: `values` holds rows · columns elements.
    package init(rows: Int, columns: Int, values: [Double]) {
        precondition(values.count == rows * columns, "a matrix needs rows · columns values")
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    /// - Precondition: the tensor has two dimensions.
    package init(_ tensor: Tensor) {
        self.init(rows: tensor.shape[0], columns: tensor.shape[1], values: tensor.values.map(Double.init))
    }

    package var tensor: Tensor { Tensor(shape: [rows, columns], values: values.map { Float($0) }) }

    package var transposed: Matrix {
        var result = Matrix(rows: columns, columns: rows, values: values)
        for row in 0..<rows {
            for column in 0..<columns { result.values[column * rows + row] = values[row * columns + column] }
        }
        return result
    }

    /// - Precondition: `other` has as many rows as this has columns.
    package func times(_ other: Matrix) -> Matrix {
        precondition(columns == other.rows, "a product of [\(rows), \(columns)] and [\(other.rows), \(other.columns)]")
        var result = [Double](repeating: 0, count: rows * other.columns)
        for row in 0..<rows {
            for inner in 0..<columns {
                let factor = values[row * columns + inner]
                for column in 0..<other.columns {
                    result[row * other.columns + column] += factor * other.values[inner * other.columns + column]
                }
            }
        }
        return Matrix(rows: rows, columns: other.columns, values: result)
    }

    /// - Precondition: both are of one shape.
    package func plus(_ other: Matrix) -> Matrix {
        precondition(rows == other.rows && columns == other.columns, "a sum of matrices of two shapes")
        return Matrix(rows: rows, columns: columns, values: zip(values, other.values).map { $0 + $1 })
    }

    package func minus(_ other: Matrix) -> Matrix { plus(other.scaled(by: -1)) }

    package func scaled(by factor: Double) -> Matrix {
        Matrix(rows: rows, columns: columns, values: values.map { $0 * factor })
    }

    /// exp(x) over the row's sum of them.
    var softmaxOfRows: Matrix {
        var result = self
        for start in stride(from: 0, to: values.count, by: max(columns, 1)) {
            let row = start..<start + columns
            let largest = values[row].max() ?? 0
            let sum = values[row].reduce(0) { $0 + exp($1 - largest) }
            for place in row { result.values[place] = exp(values[place] - largest) / sum }
        }
        return result
    }

    /// For S, the softmax of some scores, and a gradient by S: the gradient by the scores, S_ij (g_ij − Σ_k S_ik g_ik).
    func softmaxPullback(_ gradient: Matrix) -> Matrix {
        var result = self
        for start in stride(from: 0, to: values.count, by: max(columns, 1)) {
            let row = start..<start + columns
            let mean = row.reduce(0) { $0 + values[$1] * gradient.values[$1] }
            for place in row { result.values[place] = values[place] * (gradient.values[place] - mean) }
        }
        return result
    }
}
