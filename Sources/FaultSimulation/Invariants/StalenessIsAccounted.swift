import Federation
import PromptAggregation

/// Every contribution's staleness is the distance from the version that its client really trained on, lies within the
/// bound, and weighs what the configuration says; the totals agree.
struct StalenessIsAccounted: Invariant {
    let name = "staleness is accounted for"
    private var bases: [Int: Version] = [:]

    mutating func observe(_ observation: Observation) {
        if case .trained(let training) = observation { bases[training.number] = training.base }
    }

    func violations(in record: RunRecord) -> [String] {
        var found: [String] = []
        var late = 0
        for flush in record.flushes {
            for part in flush.parts {
                guard let base = Training.number(in: part.metrics).flatMap({ bases[$0] }) else { continue }
                let staleness = flush.version - 1 - base
                if staleness > 0 { late += 1 }
                if part.staleness != staleness || staleness < 0 || part.baseVersion != base {
                    found.append(
                        "a contribution of \(part.client) to version \(flush.version) was trained on \(base), and counts"
                            + " with base \(part.baseVersion) and staleness \(part.staleness)")
                }
                if staleness > record.configuration.maximumStaleness {
                    found.append("\(part.client) counts in version \(flush.version) with staleness \(staleness)")
                }
                let weight = record.configuration.stalenessWeight(max(0, staleness))
                if part.stalenessWeight != weight {
                    found.append(
                        "expected the weight \(weight) for staleness \(staleness) of \(part.client) in version"
                            + " \(flush.version), found \(part.stalenessWeight)")
                }
            }
        }
        if let counted = record.aggregator?.counts.usedLate, counted != late {
            found.append("\(late) late updates were used, and \(counted) were counted")
        }
        return found
    }
}
