/// Weights that sum to 1: each value's share of the total, all zero when the total is zero.
func shares(_ values: [Double]) -> [Double] {
    let total = values.reduce(0, +)
    return total > 0 ? values.map { $0 / total } : values.map { _ in 0 }
}
