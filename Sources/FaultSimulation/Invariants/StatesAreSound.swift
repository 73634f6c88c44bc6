/// No core, the aggregator's or a client's, is ever in a state that contradicts itself.
struct StatesAreSound: Invariant {
    let name = "every state is sound"
    private var found: [String] = []

    mutating func observe(_ observation: Observation) {
        if case .unsound(let violation) = observation, found.count < 3 { found.append(violation) }
    }

    func violations(in record: RunRecord) -> [String] { found }
}
