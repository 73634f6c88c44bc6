/// What FedCOF makes of the statistics of all clients: the rows of W = B Ĝ⁻¹, each brought to length 1, where
///
///     B_c = N_c μ_c,   Ĝ = Σ_c (N_c − 1) Σ̂_c + N μ μᵀ,
///     Σ̂_c = 1 / (K_c − 1) Σ_k n_kc (μ_kc − μ_c)(μ_kc − μ_c)ᵀ + γ I,
///
/// and Σ̂_c = γ I where one client alone has the class: its mean is then the class's. Deviation: where no class has two
/// images γ I enters once, so that Ĝ has an inverse.
package enum RidgeClassifier {
    /// [classes, width], 0 for a class without images.
    ///
    /// - Parameter shrinkage: γ.
    package static func weight(of sums: [ClassSum?], width: Int, shrinkage: Double) -> [Double] {
        let total = sums.reduce(0) { $0 + ($1?.count ?? 0) }
        guard total > 0 else { return [Double](repeating: 0, count: sums.count * width) }
        let means = sums.map { $0?.mean }
        var gram = SymmetricMatrix(size: width)
        var mean = [Double](repeating: 0, count: width)
        for (sum, own) in zip(sums, means) {
            guard let sum, let own else { continue }
            if sum.count > 1 && sum.holders > 1 {
                sum.addScatter(to: &gram, weight: (sum.count - 1) / Double(sum.holders - 1))
            }
            for column in 0..<width { mean[column] += sum.count / total * own[column] }
        }
        gram.add(mean, weight: total)
        gram.addToDiagonal(shrinkage * max(1, sums.reduce(0) { $0 + max(0, ($1?.count ?? 0) - 1) }))
        gram.factorize()
        return zip(sums, means).flatMap { sum, own in
            guard let sum, let own else { return [Double](repeating: 0, count: width) }
            return unit(gram.solve(own.map { sum.count * $0 }))
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
