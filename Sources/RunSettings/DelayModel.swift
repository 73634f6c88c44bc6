import Foundation
import PromptAggregation

/// How long a client dawdles over a task beyond its tuning. For trying out stragglers; real clients bring their own.
public struct DelayModel: Hashable, Sendable {
    enum Law: Hashable, Sendable {
        case none, constant, exponential, halfNormal, lognormal, pareto
    }
    var law: Law
    /// In seconds: the value (constant), the mean (exponential), σ (half-normal), the median (lognormal), the least
    /// value (Pareto).
    package var scale: Double
    /// σ of the logarithm (lognormal) or the tail's exponent (Pareto).
    package var shape: Double

    init(name: String, scale: Double, shape: Double) {
        law =
            switch name {
            case "constant": .constant
            case "exponential": .exponential
            case "half-normal": .halfNormal
            case "lognormal": .lognormal
            case "pareto": .pareto
            default: .none
            }
        self.scale = scale
        self.shape = shape
    }

    /// Draws one delay.
    package func draw(_ random: inout SeededRandom) -> Duration {
        let seconds =
            switch law {
            case .none: 0.0
            case .constant: scale
            case .exponential: -scale * log(1 - random.nextUniform())
            case .halfNormal: scale * abs(random.nextNormal())
            case .lognormal: scale * exp(shape * random.nextNormal())
            case .pareto: scale * pow(1 - random.nextUniform(), -1 / shape)
            }
        return .seconds(min(seconds, 86_400))
    }
}
