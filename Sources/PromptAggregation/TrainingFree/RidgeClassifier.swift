/// What FedCOF makes of the statistics of all clients: the rows of W = B Ĝ⁻¹, each brought to length 1, where
///
///     B_c = N_c μ_c,   Ĝ = Σ_c (N_c − 1) Σ̂_c + N μ μᵀ,
///     Σ̂_c = 1 / (K_c − 1) Σ_k n_kc (μ_kc − μ_c)(μ_kc − μ_c)ᵀ + γ I,
///
/// and Σ̂_c = γ I where one client alone has the class: its mean is then the class's. Deviation: where no class has two
/// images γ I enters once, so that Ĝ has an inverse.
package struct RidgeClassifier {
    /// [classes, width], 0 for a class without images.
    package private(set) var weight: [Double] = []
    /// μ_c: [classes, width], 0 for a class without images.
    private(set) var means: [Double] = []
    /// N_c: [classes].
    private(set) var counts: [Double] = []

    /// - Parameters:
    ///   - sums: of each class, nil without images. Each is asked for once, in turn.
    ///   - shrinkage: γ.
    package init(of sums: some Sequence<ClassSum?>, width: Int, shrinkage: Double) {
        var gram = SymmetricMatrix(size: width)
        for sum in sums {
            counts.append(sum?.count ?? 0)
            means += sum?.mean ?? [Double](repeating: 0, count: width)
            guard let sum, sum.count > 1 && sum.holders > 1 else { continue }
            sum.addScatter(to: &gram, weight: (sum.count - 1) / Double(sum.holders - 1))
        }
        weight = [Double](repeating: 0, count: means.count)
        let total = counts.reduce(0, +)
        guard total > 0 else { return }
        let held = counts.indices.filter { counts[$0] > 0 }
        var mean = [Double](repeating: 0, count: width)
        for label in held {
            for column in 0..<width { mean[column] += counts[label] / total * means[label * width + column] }
        }
        gram.add(mean, weight: total)
        gram.addToDiagonal(shrinkage * max(1, counts.reduce(0) { $0 + max(0, $1 - 1) }))
        gram.factorize()
        for label in held {
            let row = label * width..<(label + 1) * width
            weight.replaceSubrange(row, with: Self.unit(gram.solve(means[row].map { counts[label] * $0 })))
        }
    }

    private static func unit(_ values: [Double]) -> [Double] {
        let largest = values.reduce(0) { max($0, abs($1)) }
        guard largest > 0, largest.isFinite else { return values.map { _ in 0 } }
        let scaled = values.map { $0 / largest }
        let length = scaled.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return scaled.map { $0 / length }
    }
}
