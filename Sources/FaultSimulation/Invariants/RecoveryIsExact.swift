import Federation
import PromptAggregation
import RunLog

/// An aggregator that is started again has the very state that it had, whether it started from a snapshot or not, and
/// replaying the whole log in one go gives the same once more, with every digest that was written down.
struct RecoveryIsExact: Invariant {
    let name = "recovery gives the state of an uninterrupted run"
    private var found: [String] = []
    private var last: Digest?

    mutating func observe(_ observation: Observation) {
        switch observation {
        case .recovered(let digest, let candidates):
            if !candidates.contains(digest) { found.append("an aggregator came back with a state that it never had") }
        case .resumed(let digest, let whole):
            if digest != whole { found.append("an aggregator recovered to another state than its log gives") }
        case .begunAnew: found.append("an aggregator that had committed found nothing and began again")
        case .ended(let digest): last = digest
        default: break
        }
    }

    func violations(in record: RunRecord) -> [String] {
        var found = found
        if let last, let aggregator = record.aggregator, Digest(of: aggregator.snapshot()) != last {
            found.append("the replay of the whole log ends in another state than the aggregator had")
        }
        for publication in record.publications where !publication.isEqual {
            found.append("version \(publication.version) replays to another digest than the log has")
        }
        return found
    }
}
