/// Which prompts of the pool a batch uses, and how close they are to its images (L2P, Wang et al. 2022, section 4.2, as
/// the authors of PFPT use it).
///
/// With class features f_i, their projections x_i = W f_i (W the key projection, or the identity), and prompts p_k, the
/// similarity of the batch is S = 1/B Σ_i Σ_k cos(x_i, p_k) over the prompts picked.
package struct PromptSelection {
    /// The rows picked, the most often picked first.
    package let rows: [Int]
    /// S.
    package let similarity: Double

    private let projected: UnitRows
    private let picked: UnitRows
    private let features: [Float]
    private let width: Int

    /// Picks, for each image, the `count` prompts of the highest cosine, and of these for the whole batch the `count`
    /// that most images picked; the lower row wins a tie.
    ///
    /// - Parameters:
    ///   - features: prompt-free class features, [batch, width].
    ///   - projected: their projections, [batch, width].
    ///   - prompts: the pool, [pool, width].
    package init(features: [Float], projected: [Float], prompts: [Float], width: Int, count: Int) {
        let keys = UnitRows(prompts, width: width)
        let queries = UnitRows(projected, width: width)
        var votes = [Int](repeating: 0, count: keys.count)
        for picks in Self.picks(queries, keys, count: count) { for row in picks { votes[row] += 1 } }
        let rows = Self.largest(count, of: votes)
        let picked = keys.rows(rows)
        var total = 0.0
        for image in 0..<queries.count {
            for row in 0..<picked.count { total += queries.inner(image, picked, row) }
        }
        self.rows = rows
        similarity = total / Double(max(queries.count, 1))
        self.projected = queries
        self.picked = picked
        self.features = features
        self.width = width
    }

    /// The rows that each image picks for itself, whatever other images there are: those of the highest cosine, highest
    /// first, the lower row first among equals.
    ///
    /// - Parameters: as for `init`.
    package static func picks(projected: [Float], prompts: [Float], width: Int, count: Int) -> [[Int]] {
        picks(UnitRows(projected, width: width), UnitRows(prompts, width: width), count: count)
    }

    private static func picks(_ queries: UnitRows, _ keys: UnitRows, count: Int) -> [[Int]] {
        (0..<queries.count).map { image in
            largest(count, of: (0..<keys.count).map { queries.inner(image, keys, $0) })
        }
    }

    /// The positions of the `count` largest values, largest first, the lower position first among equals.
    static func largest<Value: Comparable>(_ count: Int, of values: [Value]) -> [Int] {
        Array(values.indices.sorted { (values[$1], $0) < (values[$0], $1) }.prefix(count))
    }

    /// ∂S/∂p for the rows picked: 1/B Σ_i (x̂_i − cos(x_i, p) p̂) / |p|, [picked, width].
    package var promptGradient: [Double] {
        picked.gradient(towards: projected, scale: 1 / Double(projected.count))
    }

    /// ∂S/∂W = Σ_i (∂S/∂x_i) f_iᵀ, ∂S/∂x_i = 1/B Σ_k (p̂_k − cos(x_i, p_k) x̂_i) / |x_i|, [width, width].
    package var keyGradient: [Double] {
        let projectionGradient = projected.gradient(towards: picked, scale: 1 / Double(projected.count))
        var gradient = [Double](repeating: 0, count: width * width)
        for image in 0..<projected.count {
            for row in 0..<width {
                let factor = projectionGradient[image * width + row]
                for column in 0..<width {
                    gradient[row * width + column] += factor * Double(features[image * width + column])
                }
            }
        }
        return gradient
    }
}

/// The rows of a matrix divided by their norms, x / √max(|x|², 1e-12).
private struct UnitRows {
    let width: Int
    let values: [Double]
    /// 1 / norm.
    let inverses: [Double]
    /// Whether the norm was large enough to depend on the row.
    let regular: [Bool]

    static let smallestSquare = 1e-12

    var count: Int { inverses.count }

    init(_ matrix: [Float], width: Int) {
        var values = matrix.map(Double.init)
        var inverses: [Double] = []
        var regular: [Bool] = []
        for start in stride(from: 0, to: values.count, by: width) {
            let square = values[start..<start + width].reduce(0) { $0 + $1 * $1 }
            let inverse = 1 / max(square, Self.smallestSquare).squareRoot()
            for place in start..<start + width { values[place] *= inverse }
            inverses.append(inverse)
            regular.append(square > Self.smallestSquare)
        }
        self.init(width: width, values: values, inverses: inverses, regular: regular)
    }

    private init(width: Int, values: [Double], inverses: [Double], regular: [Bool]) {
        self.width = width
        self.values = values
        self.inverses = inverses
        self.regular = regular
    }

    func rows(_ rows: [Int]) -> UnitRows {
        UnitRows(
            width: width, values: rows.flatMap { values[$0 * width..<($0 + 1) * width] },
            inverses: rows.map { inverses[$0] }, regular: rows.map { regular[$0] })
    }

    func inner(_ row: Int, _ other: UnitRows, _ otherRow: Int) -> Double {
        var total = 0.0
        for column in 0..<width { total += values[row * width + column] * other.values[otherRow * width + column] }
        return total
    }

    /// The gradient of scale · Σ cos(row, other row) over all pairs with respect to the rows before the division.
    func gradient(towards other: UnitRows, scale: Double) -> [Double] {
        var gradient = [Double](repeating: 0, count: values.count)
        for row in 0..<count {
            for otherRow in 0..<other.count {
                let cosine = regular[row] ? inner(row, other, otherRow) : 0
                for column in 0..<width {
                    let change = other.values[otherRow * width + column] - cosine * values[row * width + column]
                    gradient[row * width + column] += scale * inverses[row] * change
                }
            }
        }
        return gradient
    }
}
