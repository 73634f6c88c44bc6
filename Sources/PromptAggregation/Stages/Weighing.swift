/// The stage that says how much each contribution counts; n is its sample count, s its staleness weight.
enum Weighing: Hashable, Sendable {
    /// n s over the sum of all.
    case samples
    /// s over the sum of all.
    case staleness
    /// s over the number of contributions, so that late ones also shorten the step.
    case stalenessOverBuffer
    /// Alike, all that count at all.
    case alike

    /// Each contribution's share: the sum is 1, or all are 0 where none counts.
    func shares(of contributions: [Contribution]) -> [Double] {
        PromptAggregation.shares(
            contributions.map { contribution in
                switch self {
                case .samples: Double(contribution.sampleCount) * contribution.stalenessWeight
                case .staleness, .stalenessOverBuffer: contribution.stalenessWeight
                case .alike: contribution.stalenessWeight > 0 ? 1 : 0
                }
            })
    }

    /// What each displacement is multiplied by in a sum of them, times `rate`.
    func weights(of contributions: [Contribution], rate: Double) -> [Double] {
        guard self == .stalenessOverBuffer else { return shares(of: contributions).map { rate * $0 } }
        let buffered = Double(contributions.count)
        return contributions.map { rate * $0.stalenessWeight / buffered }
    }
}

/// Weights that sum to 1: each value's share of the total, all zero when the total is zero.
func shares(_ values: [Double]) -> [Double] {
    let total = values.reduce(0, +)
    return total > 0 ? values.map { $0 / total } : values.map { _ in 0 }
}
