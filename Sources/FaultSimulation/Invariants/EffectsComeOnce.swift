import PromptAggregation

/// What comes of a record is done once, in the order of the records: no flush reaches the observers twice, none is left
/// out.
struct EffectsComeOnce: Invariant {
    let name = "what is to be done is done once"
    private var found: [String] = []

    mutating func observe(_ observation: Observation) {
        guard case .flushed(let version, let known) = observation, version != known + 1 else { return }
        found.append("the flush of version \(version) came to an observer that knew those up to version \(known)")
    }

    func violations(in record: RunRecord) -> [String] { found }
}
