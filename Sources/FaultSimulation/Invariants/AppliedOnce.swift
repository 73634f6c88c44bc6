import Federation
import PromptAggregation

/// A training counts once, whatever names its update goes by, and only if it was accepted; and what was accepted counts.
struct AppliedOnce: Invariant {
    let name = "no update is applied twice, and every accepted one is"

    mutating func observe(_ observation: Observation) {}

    func violations(in record: RunRecord) -> [String] {
        var found: [String] = []
        var versions: [Int: Version] = [:]
        var used: Set<RunRecord.UpdateName> = []
        for flush in record.flushes {
            for part in flush.parts {
                let name = RunRecord.UpdateName(
                    client: part.client, id: UpdateID(run: record.run, task: part.task))
                used.insert(name)
                if record.verdicts[name] != .accepted {
                    found.append("\(name) counts in version \(flush.version) and was not accepted")
                }
                guard let training = Training.number(in: part.metrics) else {
                    found.append("\(name) in version \(flush.version) comes from no training")
                    continue
                }
                if let earlier = versions.updateValue(flush.version, forKey: training) {
                    found.append(
                        "training \(training) of \(part.client) counts in version \(earlier) and again in"
                            + " \(flush.version), as \(name)")
                }
            }
        }
        return found + omissions(used, in: record)
    }

    /// Accepted updates that are in no version, though none waits in the buffer or came too late for its round.
    private func omissions(_ used: Set<RunRecord.UpdateName>, in record: RunRecord) -> [String] {
        guard let aggregator = record.aggregator else { return [] }
        let accepted = record.verdicts.values.count { $0 == .accepted }
        let accounted = used.count + aggregator.counts.discardedLate + aggregator.buffered
        guard accepted == accounted, aggregator.counts.accepted == accepted else {
            return [
                "\(accepted) updates were accepted (the aggregator counts \(aggregator.counts.accepted)): \(used.count)"
                    + " in versions, \(aggregator.counts.discardedLate) too late, \(aggregator.buffered) waiting"
            ]
        }
        return []
    }
}
