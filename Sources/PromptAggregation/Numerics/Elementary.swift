import CKernels

/// Elementary functions that give the same bits on every machine (`CElementary.h` states their errors).
///
/// The system's library is free to give other bits on another processor or in another version, and a replay would not
/// meet the recorded versions; so nothing here or in the strategies calls it.
package enum Elementary {
    /// eˣ.
    package static func exp(_ x: Double) -> Double { elementary_exp(x) }
    /// eˣ − 1, exact for small x.
    package static func expm1(_ x: Double) -> Double { elementary_expm1(x) }
    /// The natural logarithm; −∞ at 0, NaN below.
    package static func log(_ x: Double) -> Double { elementary_log(x) }
    /// log(1 + x), exact for small x.
    package static func log1p(_ x: Double) -> Double { elementary_log1p(x) }
    /// `base` to the power of `exponent`, for a base of at least 0.
    package static func power(_ base: Double, _ exponent: Double) -> Double { elementary_pow(base, exponent) }
    /// cos(2πx).
    package static func cosOfTurns(_ x: Double) -> Double { elementary_cos_turns(x) }
    /// log Γ(x) for x > 0.
    package static func logGamma(_ x: Double) -> Double { elementary_lgamma(x) }
    /// log(1 + eˣ).
    package static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

    /// The derivative of log Γ at x > 0, to 1e-14 · max(1, |result|): recurrence up to 10, then the asymptotic series
    /// (Abramowitz and Stegun 6.3.18).
    package static func digamma(_ x: Double) -> Double {
        var (x, result) = (x, 0.0)
        while x < 10 {
            result -= 1 / x
            x += 1
        }
        let inverse = 1 / (x * x)
        var series = 0.0
        for term in [1.0 / 12, 691.0 / 32760, 1.0 / 132, 1.0 / 240, 1.0 / 252, 1.0 / 120, 1.0 / 12] {
            series = inverse * (term - series)
        }
        return result + log(x) - 0.5 / x - series
    }
}
