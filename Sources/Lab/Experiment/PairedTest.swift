import Foundation
import Text

/// Student's t-test of pairs: whether the mean of their differences is 0.
package struct PairedTest {
    package var differences: Spread

    /// - Parameter differences: one a pair.
    package init(_ differences: [Double]) {
        self.differences = Spread(differences)
    }

    /// Of the mean; NaN below two pairs.
    package var standardError: Double { differences.deviation / Double(differences.count).squareRoot() }

    /// The probability of a mean at least as far from 0, on either side, when the true one is 0 and differences are
    /// normal. NaN below two pairs; equal differences give 0, or 1 when they are all 0.
    package var pValue: Double {
        guard differences.count >= 2 else { return .nan }
        guard standardError > 0 else { return differences.mean == 0 ? 1 : 0 }
        let freedom = Double(differences.count - 1)
        let t = differences.mean / standardError
        return incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5)
    }
}

/// P values of tests that belong together, each corrected for the number of tests (Holm 1979): whoever takes those up to a
/// level for differences errs at all with a probability of at most that level. In the order given; NaN, which is no test, stays.
package func holm(_ pValues: [Double]) -> [Double] {
    let tests = pValues.indices.filter { !pValues[$0].isNaN }.sorted { (pValues[$0], $0) < (pValues[$1], $1) }
    var corrected = pValues
    var least = 0.0
    for (place, test) in tests.enumerated() {
        least = max(least, min(1, Double(tests.count - place) * pValues[test]))
        corrected[test] = least
    }
    return corrected
}

/// The regularised incomplete beta function I_x(a, b), by its continued fraction (NIST's Digital Library of Mathematical
/// Functions, 8.17.22) after Lentz.
///
/// - Parameters:
///   - x: from 0 to 1.
///   - a: above 0, as b.
package func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    guard x > 0 else { return 0 }
    guard x < 1 else { return 1 }
    // The fraction converges fast on this side of the mean.
    guard x <= (a + 1) / (a + b + 2) else { return 1 - incompleteBeta(1 - x, b, a) }
    let scale: Double = lgamma(a + b) - lgamma(a) - lgamma(b)
    let powers: Double = a * log(x) + b * log(1 - x)
    let front = exp(scale + powers) / a
    let tiny = 1e-300
    func kept(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
    var c = 1.0
    let first: Double = 1 - (a + b) * x / (a + 1)
    var d = 1 / kept(first)
    var fraction = d
    for step in 1...500 {
        let m = Double(step)
        let twice = a + 2 * m
        let even: Double = m * (b - m) * x / ((twice - 1) * twice)
        d = 1 / kept(1 + even * d)
        c = kept(1 + even / c)
        fraction *= c * d
        let odd: Double = -(a + m) * (a + b + m) * x / (twice * (twice + 1))
        d = 1 / kept(1 + odd * d)
        c = kept(1 + odd / c)
        fraction *= c * d
        if abs(c * d - 1) < 1e-15 { break }
    }
    return front * fraction
}
