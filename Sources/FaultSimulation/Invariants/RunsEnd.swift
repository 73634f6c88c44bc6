/// While a client lives, the run comes to its end.
struct RunsEnd: Invariant {
    let name = "a run never hangs"

    mutating func observe(_ observation: Observation) {}

    func violations(in record: RunRecord) -> [String] {
        record.hasEnded ? [] : ["long after the last crash the run has not ended: \(record.state)"]
    }
}
