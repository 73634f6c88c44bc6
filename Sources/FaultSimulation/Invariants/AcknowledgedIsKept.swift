import Federation
import PromptAggregation

/// What was acknowledged is in the log for good, and what a client has on its disk stays there until it is settled.
struct AcknowledgedIsKept: Invariant {
    let name = "no acknowledged update is lost"
    private var acknowledged: Set<RunRecord.UpdateName> = []
    private var stored: Set<RunRecord.UpdateName> = []
    private var released: [RunRecord.UpdateName: Settlement] = [:]

    mutating func observe(_ observation: Observation) {
        switch observation {
        case .acknowledged(let client, let id): acknowledged.insert(.init(client: client, id: id))
        case .stored(let client, let id): stored.insert(.init(client: client, id: id))
        case .discarded(let client, let id, let settlement): released[.init(client: client, id: id)] = settlement
        default: break
        }
    }

    func violations(in record: RunRecord) -> [String] {
        let lost = acknowledged.filter { record.verdicts[$0] == nil }
            .map { "\($0) was acknowledged and is not in the log" }
        let released = released.filter { $0.value == .acknowledged && record.verdicts[$0.key] == nil }
            .map { "\($0.key) was let go as acknowledged and is not in the log" }
        let forgotten = stored.filter {
            self.released[$0] == nil && !record.kept.contains($0) && record.verdicts[$0] == nil
        }.map { "\($0) was on its client's disk, was never settled, and is gone" }
        return (lost + released + forgotten).sorted()
    }
}
