/// What a client made in another run stays on its disk for that run.
struct ForeignUpdatesStay: Invariant {
    let name = "updates of other runs are kept for them"

    mutating func observe(_ observation: Observation) {}

    func violations(in record: RunRecord) -> [String] {
        record.foreign.subtracting(record.kept).map { "\($0) of another run is gone" }.sorted()
    }
}
