/// How the learning rates of a run fall with its versions. A task's plan carries rates that are scaled already.
public enum LearningRateSchedule: Hashable, Sendable {
    case constant
    /// Half a cosine from 1 at version 0 to `floor` at `versions` (Loshchilov and Hutter 2017, equation 5).
    case cosine(versions: Int, floor: Double)
    /// A straight line from 1 at version 0 to `floor` at `versions`.
    case linear(versions: Int, floor: Double)
    /// Times `factor` at every multiple of `interval`.
    case step(interval: Int, factor: Double)

    /// What the learning rates are multiplied by in a task on that version.
    public func factor(at version: Version) -> Double {
        switch self {
        case .constant: return 1
        case .cosine(let versions, let floor):
            return floor + (1 - floor) * (1 + Elementary.cosOfTurns(0.5 * Self.share(version, of: versions))) / 2
        case .linear(let versions, let floor): return 1 - (1 - floor) * Self.share(version, of: versions)
        case .step(let interval, let factor):
            return Elementary.power(factor, Double(max(0, version) / max(1, interval)))
        }
    }

    /// How much of the versions is over, from 0 to 1.
    private static func share(_ version: Version, of versions: Int) -> Double {
        Double(min(max(0, version), versions)) / Double(max(1, versions))
    }
}

extension TrainingPlan {
    /// The plan with both learning rates multiplied.
    public func scalingRates(by factor: Double) -> TrainingPlan {
        var plan = self
        plan.promptLearningRate *= factor
        plan.headLearningRate *= factor
        return plan
    }
}
