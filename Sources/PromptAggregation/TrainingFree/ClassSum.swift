/// What all clients report of one class, summed up while reports come and go:
///
///     N_c = Σ_k n_kc,   μ_c = r + d,   d = Σ_k n_kc (μ_kc − r) / N_c,
///     Σ_k n_kc (μ_kc − μ_c)(μ_kc − μ_c)ᵀ = Σ_k n_kc (μ_kc − r)(μ_kc − r)ᵀ − N_c d dᵀ
///
/// r is fixed and near μ_c: the mean of the reports that the sum began with. So little cancels in the differences.
package struct ClassSum: Sendable {
    /// N_c.
    private(set) var count = 0.0
    /// K_c, the number of clients that have images of the class.
    package private(set) var holders = 0
    /// r.
    private let origin: [Double]
    /// Σ_k n_kc (μ_kc − r).
    private var first: [Double]
    /// Σ_k n_kc (μ_kc − r)(μ_kc − r)ᵀ.
    private var second: SymmetricMatrix
    /// The largest count and the largest trace of `second` so far.
    private var (largestCount, largestTrace) = (0.0, 0.0)

    /// The sum of some reports; nil without any.
    init?(_ reports: [ClassMeans.OfClass], width: Int) {
        guard !reports.isEmpty else { return nil }
        let count = reports.reduce(0) { $0 + $1.count }
        var mean = [Double](repeating: 0, count: width)
        for report in reports {
            for (column, value) in report.mean.enumerated() { mean[column] += report.count * Double(value) }
        }
        origin = mean.map { $0 / count }
        first = [Double](repeating: 0, count: width)
        second = SymmetricMatrix(size: width)
        for report in reports { add(report) }
    }

    mutating func add(_ report: ClassMeans.OfClass) {
        holders += 1
        add(report, weight: report.count)
    }

    mutating func remove(_ report: ClassMeans.OfClass) {
        holders -= 1
        add(report, weight: -report.count)
    }

    private mutating func add(_ report: ClassMeans.OfClass, weight: Double) {
        var residual = origin
        for (column, value) in report.mean.enumerated() {
            residual[column] = Double(value) - origin[column]
            first[column] += weight * residual[column]
        }
        count += weight
        second.add(residual, weight: weight)
        largestCount = max(largestCount, count)
        largestTrace = max(largestTrace, second.trace)
    }

    /// Whether so much was removed that what rounding left of it may be more than 2⁻³⁹ of the rest. It is then to be summed
    /// up again.
    var hasLostDigits: Bool {
        let offset = zip(first, first).reduce(0) { $0 + $1.0 * $1.1 } / count
        // Below this the traces are rounding themselves: all clients have the same mean.
        let noise = 0x1p-100 * largestCount * origin.reduce(0) { $0 + $1 * $1 }
        return count < 0x1p-14 * largestCount
            || largestTrace > noise && second.trace - offset < 0x1p-14 * largestTrace
    }

    /// μ_c: [width].
    var mean: [Double] { zip(origin, first).map { $0 + $1 / count } }

    /// Adds weight · Σ_k n_kc (μ_kc − μ_c)(μ_kc − μ_c)ᵀ.
    func addScatter(to matrix: inout SymmetricMatrix, weight: Double) {
        matrix.add(second, weight: weight)
        matrix.add(first.map { $0 / count }, weight: -weight * count)
    }
}
