/// How much all of a client's updates together may reveal of its data, where each was clipped and given Gaussian noise.
///
/// The Gaussian mechanism with noise multiplier z has the Rényi divergence α ρ of every order α > 1, with ρ = 1 / (2 z²)
/// (Mironov 2017, corollary 3). Under composition the ρ add up. They are converted to (ε, δ) by
///
///     ε = min over α of  α ρ + log((α − 1) / α) − (log δ + log α) / (α − 1)
///
/// (Balle et al. 2020, theorem 21; Canonne, Kamath and Steinke 2020, proposition 12). Any α gives a bound that holds, so the
/// search for the best one need not be exact. No amplification by sampling is claimed: who trains is no secret here.
public enum PrivacyAccountant {
    /// What one update with this noise multiplier adds.
    public static func rho(noiseMultiplier: Double) -> Double { 1 / (2 * noiseMultiplier * noiseMultiplier) }

    /// - Parameters:
    ///   - rho: the sum over all updates, at least 0.
    ///   - delta: in (0, 1).
    /// - Returns: at least 0; infinite where rho is.
    public static func epsilon(rho: Double, delta: Double) -> Double {
        guard rho > 0 else { return 0 }
        guard rho.isFinite else { return .infinity }
        func bound(_ logarithm: Double) -> Double {
            // α = 1 + e^logarithm, so that orders close to 1 keep their digits.
            let excess = Elementary.exp(logarithm)
            let order = 1 + excess
            return order * rho + logarithm - Elementary.log(order) - (Elementary.log(delta) + Elementary.log(order))
                / excess
        }
        let grid = stride(from: -20.0, through: 20, by: 0.25)
        let best = grid.min { bound($0) < bound($1) }!
        return max(0, bound(leastPoint(of: bound, from: best - 0.25, to: best + 0.25)))
    }

    /// Where a function that falls and then rises is least, by the golden section.
    private static func leastPoint(of function: (Double) -> Double, from start: Double, to end: Double) -> Double {
        let share = (5.0.squareRoot() - 1) / 2
        var (low, high) = (start, end)
        while high - low > 1e-9 {
            let (left, right) = (high - share * (high - low), low + share * (high - low))
            if function(left) < function(right) { high = right } else { low = left }
        }
        return (low + high) / 2
    }
}
