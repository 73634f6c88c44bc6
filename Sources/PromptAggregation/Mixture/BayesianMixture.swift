/// Variational inference of a mixture of Gaussians with diagonal covariances and a Dirichlet process over the weights
/// (Bishop 2006, section 10.2; Blei and Jordan 2006), with the priors that scikit-learn's `BayesianGaussianMixture` takes
/// by default: weight concentration 1 / components, mean of the rows with precision 1, `width` degrees of freedom, variance
/// of the rows, 1e-6 added to every variance.
package struct BayesianMixture: Sendable {
    package let count: Int
    package let width: Int
    package let components: Int
    /// [count, width]
    private let rows: [Double]
    private let priorMean: [Double]
    private let priorVariance: [Double]
    private var priorConcentration: Double { 1 / Double(components) }

    /// [count, components]: the probability of each component for each row.
    package private(set) var responsibilities: [Double]
    /// [components, width]
    package private(set) var means: [Double] = []
    package private(set) var variances: [Double] = []
    private var meanPrecision: [Double] = []
    private var degrees: [Double] = []
    /// Beta(a, b) of each stick of the process.
    private var sticks: [(a: Double, b: Double)] = []
    /// The evidence lower bound up to a constant, in nats; −∞ before the first iteration.
    package private(set) var lowerBound = -Double.infinity

    /// - Parameters:
    ///   - rows: [count, width], at least one row.
    ///   - responsibilities: [count, components], with which it begins; each row sums to 1.
    package init(rows: [Double], width: Int, responsibilities: [Double], components: Int) {
        self.rows = rows
        self.width = width
        self.components = components
        self.responsibilities = responsibilities
        let count = responsibilities.count / components
        self.count = count
        var mean = [Double](repeating: 0, count: width)
        for (place, value) in rows.enumerated() { mean[place % width] += value / Double(count) }
        var variance = [Double](repeating: 0, count: width)
        for (place, value) in rows.enumerated() {
            let residual = value - mean[place % width]
            variance[place % width] += residual * residual / Double(max(count - 1, 1))
        }
        priorMean = mean
        priorVariance = variance
        maximize()
    }

    /// Alternates expectation and maximization until the bound changes by less than `tolerance`.
    package mutating func run(iterations: Int, tolerance: Double) {
        for _ in 0..<iterations {
            let before = lowerBound
            expect()
            maximize()
            lowerBound = bound()
            if abs(lowerBound - before) < tolerance { break }
        }
        expect()
    }

    /// The likeliest component of each row, the first among equals.
    package var labels: [Int] {
        (0..<count).map { row in
            (0..<components).reduce(0) { best, component in
                responsibilities[row * components + component] > responsibilities[row * components + best]
                    ? component : best
            }
        }
    }

    private mutating func maximize() {
        var totals = [Double](repeating: 10 * Double.ulpOfOne, count: components)
        var averages = [Double](repeating: 0, count: components * width)
        for row in 0..<count {
            for component in 0..<components {
                let share = responsibilities[row * components + component]
                totals[component] += share
                guard share > 0 else { continue }
                for column in 0..<width { averages[component * width + column] += share * rows[row * width + column] }
            }
        }
        for place in averages.indices { averages[place] /= totals[place / width] }
        var spreads = [Double](repeating: 0, count: components * width)
        for row in 0..<count {
            for component in 0..<components {
                let share = responsibilities[row * components + component]
                guard share > 0 else { continue }
                for column in 0..<width {
                    let residual = rows[row * width + column] - averages[component * width + column]
                    spreads[component * width + column] += share * residual * residual
                }
            }
        }
        meanPrecision = totals.map { 1 + $0 }
        degrees = totals.map { Double(width) + $0 }
        var rest = totals.reduce(0, +)
        sticks = totals.map { total in
            rest -= total
            return (1 + total, priorConcentration + max(rest, 0))
        }
        means = averages
        variances = spreads
        for place in means.indices {
            let (component, column) = (place / width, place % width)
            let total = totals[component]
            let spread = spreads[place] / total + 1e-6
            let shift = averages[place] - priorMean[column]
            means[place] = (priorMean[column] + total * averages[place]) / meanPrecision[component]
            variances[place] =
                (priorVariance[column] + total * (spread + shift * shift / meanPrecision[component]))
                / degrees[component]
        }
    }

    private mutating func expect() {
        let constants = componentConstants()
        let precisions = variances.map { 1 / $0 }
        let likeliest = labels
        for row in 0..<count {
            var logs = constants
            // Of one without a share any value that is small enough.
            func density(_ component: Int, least: Double) -> Double {
                constants[component] - 0.5
                    * square(row, component, precisions, most: 2 * (constants[component] - least))
            }
            // The component that was likeliest before shows how small the others may be without a share.
            var largest = density(likeliest[row], least: -.infinity)
            for component in 0..<components {
                logs[component] = density(component, least: largest - Self.negligible)
                largest = max(largest, logs[component])
            }
            let total = logs.reduce(0) { $0 + Elementary.exp($1 - largest) }
            for component in 0..<components {
                responsibilities[row * components + component] = Elementary.exp(logs[component] - largest) / total
            }
        }
    }

    /// e to the power of less than minus this is 0.
    private static let negligible = 800.0

    /// Σ_d (x_d − m_d)² / v_d; where it is above `most`, perhaps only a part that is above it too.
    private func square(_ row: Int, _ component: Int, _ precisions: [Double], most: Double) -> Double {
        let (values, range) = (
            rows.span.extracting(row * width..<(row + 1) * width), component * width..<(component + 1) * width
        )
        let (means, precisions) = (means.span.extracting(range), precisions.span.extracting(range))
        var square = 0.0
        for column in 0..<width {
            let residual = values[unchecked: column] - means[unchecked: column]
            square += residual * residual * precisions[unchecked: column]
            if column % 32 == 31 && square > most { break }
        }
        return square
    }

    /// What the logarithm of each component's density has beside the squares: its expected log weight and log precision.
    private func componentConstants() -> [Double] {
        let extent = Double(width)
        var remaining = 0.0
        return (0..<components).map { component in
            let (a, b) = sticks[component]
            let weight = Elementary.digamma(a) - Elementary.digamma(a + b) + remaining
            remaining += Elementary.digamma(b) - Elementary.digamma(a + b)
            let degrees = degrees[component]
            let digammas = (0..<width).reduce(0) { $0 + Elementary.digamma(0.5 * (degrees - Double($1))) }
            return weight + halfLogPrecision(component)
                + 0.5
                * (digammas + extent
                    * (Elementary.log(2) - Elementary.log(degrees) - Elementary.log(2 * .pi) - 1
                        / meanPrecision[component]))
        }
    }

    private func halfLogPrecision(_ component: Int) -> Double {
        -0.5 * variances[component * width..<(component + 1) * width].reduce(0) { $0 + Elementary.log($1) }
    }

    private func bound() -> Double {
        let extent = Double(width)
        var total = 0.0
        for share in responsibilities where share > 0 { total -= share * Elementary.log(share) }
        for component in 0..<components {
            let degrees = degrees[component]
            let halfLogPrecision = halfLogPrecision(component) - 0.5 * extent * Elementary.log(degrees)
            let gammas = (0..<width).reduce(0) { $0 + Elementary.logGamma(0.5 * (degrees - Double($1))) }
            total += degrees * halfLogPrecision + 0.5 * degrees * extent * Elementary.log(2) + gammas
            let (a, b) = sticks[component]
            total += Elementary.logGamma(a) + Elementary.logGamma(b) - Elementary.logGamma(a + b)
            total -= 0.5 * extent * Elementary.log(meanPrecision[component])
        }
        return total
    }
}
