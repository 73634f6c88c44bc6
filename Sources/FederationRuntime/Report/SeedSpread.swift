/// The mean of a figure over the seeds of a method, and how far they spread.
package struct SeedSpread: Hashable, Sendable {
    let mean: Double
    /// With the denominator n − 1; nil for a single value.
    let deviation: Double?

    /// nil without values.
    package init?(_ values: [Double]) {
        guard !values.isEmpty else { return nil }
        let mean = values.reduce(0, +) / Double(values.count)
        self.mean = mean
        deviation =
            values.count < 2
            ? nil
            : (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
    }

    /// 61.2 ± 0.8
    package func text(_ digits: Int, scale: Double = 1) -> String {
        decimal(mean * scale, digits) + (deviation.map { " ± " + decimal($0 * scale, digits) } ?? "")
    }
}
