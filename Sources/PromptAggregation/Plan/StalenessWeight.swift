/// s(τ): how much an update counts that started τ versions ago. s(0) = 1 and s never grows.
public enum StalenessWeight: Hashable, Sendable {
    /// s = 1.
    case constant
    /// s = (1 + τ)^−exponent (FedAsync, Xie et al. 2019, section 5.2).
    case polynomial(exponent: Double)
    /// s = 1 up to `grace`, then 1 / (slope · (τ − grace) + 1) (FedAsync, section 5.2).
    case hinge(slope: Double, grace: Int)
    /// s = 1 / √(1 + τ) (FedBuff, Nguyen et al. 2022, section 5).
    case inverseSquareRoot

    /// - Parameter staleness: τ ≥ 0, in versions.
    public func callAsFunction(_ staleness: Int) -> Double {
        switch self {
        case .constant: 1
        case .polynomial(let exponent): Elementary.power(1 + Double(staleness), -exponent)
        case .hinge(let slope, let grace): staleness <= grace ? 1 : 1 / (slope * Double(staleness - grace) + 1)
        case .inverseSquareRoot: 1 / (1 + Double(staleness)).squareRoot()
        }
    }
}
