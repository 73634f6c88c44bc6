import RunLog

/// Whoever has the aggregator's public key can show that the log is the aggregator's, up to its last record where it was
/// closed, however often the process died.
struct LogIsSigned: Invariant {
    let name = "the log is what the aggregator signed"

    mutating func observe(_ observation: Observation) {}

    func violations(in record: RunRecord) -> [String] {
        guard let found = record.verification else { return [] }
        if let problem = found.problem { return [problem] }
        return record.hasEnded && !found.isClosed ? ["the run has ended, and its log has no closing checkpoint"] : []
    }
}
