import Foundation
import PromptAggregation

extension SeededRandom {
    /// The logarithm of a gamma variate with that shape and scale 1 (Marsaglia and Tsang 2000; below shape 1 with the
    /// boost of their section 6). The logarithm stays finite where the variate itself would vanish.
    ///
    /// - Parameter shape: above 0.
    mutating func nextLogGamma(shape: Double) -> Double {
        guard shape >= 1 else {
            return nextLogGamma(shape: shape + 1) + log(1 - nextUniform()) / shape
        }
        let d = shape - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = nextNormal()
            let root = 1 + c * x
            guard root > 0 else { continue }
            let v = root * root * root
            if log(1 - nextUniform()) < x * x / 2 + d - d * v + d * log(v) { return log(d) + log(v) }
        }
    }

    /// Shares drawn from the symmetric Dirichlet distribution; their sum is 1.
    ///
    /// - Parameters:
    ///   - concentration: α, above 0.
    ///   - count: of the shares, at least 1.
    mutating func nextShares(concentration: Double, count: Int) -> [Double] {
        let logarithms = (0..<count).map { _ in nextLogGamma(shape: concentration) }
        let largest = logarithms.max() ?? 0
        let parts = logarithms.map { exp($0 - largest) }
        let sum = parts.reduce(0, +)
        return parts.map { $0 / sum }
    }
}
