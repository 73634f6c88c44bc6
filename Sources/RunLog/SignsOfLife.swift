import Federation
import PromptWire

extension Tick {
    /// What the record hands to the core.
    var event: AggregatorEvent.Kind { heard.isEmpty ? .tick : .heard(heard) }
}

/// Clients that said nothing since the last sweep but that they are alive, by their index among all clients.
struct SignsOfLife {
    private var places = Set<Int>()
    /// When the first of them was heard; nil while there are none.
    private(set) var since: Timestamp?

    mutating func add(_ found: [Int], at time: Timestamp) {
        places.formUnion(found)
        if !places.isEmpty { since = since ?? time }
    }

    /// All of them in runs of neighbours, ascending; there are none afterwards.
    mutating func take() -> [Range<Int>] {
        var runs: [Range<Int>] = []
        for place in places.sorted() {
            if let last = runs.last, last.upperBound == place {
                runs[runs.count - 1] = last.lowerBound..<place + 1
            } else {
                runs.append(place..<place + 1)
            }
        }
        self = SignsOfLife()
        return runs
    }
}
