/// Mean and standard deviation of some values.
package struct Spread {
    package let count: Int
    /// NaN without values.
    package let mean: Double
    /// Of the sample (division by n − 1); NaN below two values.
    package let deviation: Double

    package init(_ values: [Double]) {
        let mean = values.reduce(0, +) / Double(values.count)
        count = values.count
        self.mean = mean
        deviation =
            values.count < 2
            ? .nan
            : (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
    }

    /// 61.2 ± 0.8; a single value alone, and a dash without any.
    package func text(_ digits: Int, scale: Double = 1) -> String {
        guard count > 0 else { return "-" }
        return decimal(mean * scale, digits) + (count < 2 ? "" : " ± " + decimal(deviation * scale, digits))
    }
}
