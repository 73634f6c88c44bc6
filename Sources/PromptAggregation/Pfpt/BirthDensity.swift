/// What a row gains from a prompt of its own: the density of a prompt not yet seen, under the spread of the present
/// pool. A new prompt equal to the row would always fit best, so a birth is judged by its prior predictive density N(ω
/// | m, v + α), as Yurochkin et al. (ICML 2019, equation 9) judge new neurons: m and v are the mean and variance of the
/// pool by coordinate and α the pool's mean variance of a local prompt around its own. A row is then born only when it
/// is about as far from every prompt as prompts are from each other.
///
/// In many dimensions the densities differ by hundreds of nats, and a covariance that has learnt small movements would
/// let every client that tunes a little longer have prompts of its own. So a row must also lie at a least distance from
/// every prompt, measured in the typical distance between the pool's prompts.
struct BirthDensity: Hashable, Sendable {
    private let mean: [Double]
    private let precision: [Double]
    private let constant: Double
    /// The mean squared distance between two prompts of the pool.
    let squaredDistance: Double

    /// - Parameters:
    ///   - prompts: the pool, [rows, width], at least one row.
    ///   - precisions: 1 / α of each coordinate of each row.
    ///   - logOdds: of a client's using a prompt that no one has used.
    init(prompts: [Float], precisions: [Float], width: Int, logOdds: Double) {
        let rows = Double(prompts.count / max(width, 1))
        var mean = [Double](repeating: 0, count: width)
        for (place, value) in prompts.enumerated() { mean[place % width] += Double(value) / rows }
        var spread = [Double](repeating: 0, count: width)
        for (place, precision) in precisions.enumerated() { spread[place % width] += 1 / (Double(precision) * rows) }
        for (place, value) in prompts.enumerated() {
            let residual = Double(value) - mean[place % width]
            spread[place % width] += residual * residual / rows
        }
        self.mean = mean
        let deviation = prompts.enumerated().reduce(0.0) { sum, item in
            let residual = Double(item.element) - mean[item.offset % width]
            return sum + residual * residual
        }
        squaredDistance = rows > 1 ? 2 * deviation / (rows - 1) : 0
        precision = spread.map { 1 / max($0, 1e-12) }
        constant = logOdds - 0.5 * spread.reduce(0) { $0 + Elementary.log(2 * .pi * max($1, 1e-12)) }
    }

    func logDensity(_ row: ArraySlice<Float>) -> Double {
        var square = 0.0
        for (place, value) in row.enumerated() {
            let residual = Double(value) - mean[place]
            square += residual * residual * precision[place]
        }
        return constant - 0.5 * square
    }
}
