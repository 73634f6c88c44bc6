/// The head that class statistics give in closed form: Fisher's linear discriminant, which is ridge regression on the
/// classes up to the scale of its rows, and is a probability under Gaussian classes of one covariance
/// (Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, section 4.3):
///
///     w_c = Σ⁻¹ μ_c,   b_c = −½ μ_cᵀ Σ⁻¹ μ_c,   Σ = S / N + shrinkage · tr(S) / (N width) · I
///
/// S is the scatter of all images around the mean of their class, N their number; all classes have the same prior, so no
/// client's class frequencies come in. Class means are drawn to the mean of all by the weight of one image, at which a class
/// lies that nobody has shown.
enum LinearDiscriminant {
    /// Weight [classes, width] and bias [classes]; nil while the reports show no scatter.
    static func head(
        of reports: [ClassScatter], classes: Int, width: Int, shrinkage: Double
    ) -> (weight: [Double], bias: [Double])? {
        let totals = ClassTotals(reports.map(\.means), classes: classes, width: width)
        let images = totals.counts.reduce(0, +)
        guard images > 0 else { return nil }
        var covariance = SymmetricMatrix(size: width)
        for report in reports {
            covariance.add(upperTriangle: report.scatter, weight: 1 / images)
            for (place, label) in report.means.classes.enumerated() {
                let residual = (0..<width).map {
                    Double(report.means.means[place * width + $0]) - totals.means[label * width + $0]
                }
                covariance.add(residual, weight: Double(report.means.counts[place]) / images)
            }
        }
        let variance = covariance.trace / Double(width)
        guard variance > 0, variance.isFinite else { return nil }
        covariance.addToDiagonal(shrinkage * variance)
        covariance.factorize()

        let means = drawnToTheMiddle(totals, images: images)
        var (weight, bias): ([Double], [Double]) = ([], [])
        for label in 0..<classes {
            let mean = Array(means[label * width..<(label + 1) * width])
            let row = covariance.solve(mean)
            weight += row
            bias.append(-0.5 * zip(row, mean).reduce(0) { $0 + $1.0 * $1.1 })
        }
        return (weight, bias)
    }

    /// (N_c μ_c + μ) / (N_c + 1) of each class, μ the mean of all images.
    private static func drawnToTheMiddle(_ totals: ClassTotals, images: Double) -> [Double] {
        let width = totals.width
        var middle = [Double](repeating: 0, count: width)
        for (place, mean) in totals.means.enumerated() {
            middle[place % width] += totals.counts[place / width] / images * mean
        }
        return totals.means.enumerated().map { place, mean in
            let count = totals.counts[place / width]
            return (count * mean + middle[place % width]) / (count + 1)
        }
    }
}
