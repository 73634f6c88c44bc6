import PromptAggregation

/// What a chain of stages computes, value by value in the plainest way.
struct SlowChain {
    var strategy: String
    var rule = "plain"
    var (rate, beta1, beta2, epsilon) = (1.0, 0.9, 0.98, 1e-3)
    var trim = 0.1
    var clip = 0.0
    var state: PromptState
    /// By tensor and position.
    private var first: [String: Double] = [:]
    private var second: [String: Double] = [:]

    init(_ strategy: String, rule: String = "plain", rate: Double = 1, clip: Double = 0, state: PromptState) {
        (self.strategy, self.rule, self.rate, self.clip, self.state) = (strategy, rule, rate, clip, state)
    }

    mutating func aggregate(_ sent: [Contribution]) {
        let contributions = sent.map { Self.clipped($0, to: clip, in: state.parameters.names) }
        let values = contributions.map { contribution -> Double in
            switch strategy {
            case "fedbuff": contribution.stalenessWeight
            case "median", "trimmed-mean": contribution.stalenessWeight > 0 ? 1 : 0
            default: Double(contribution.sampleCount) * contribution.stalenessWeight
            }
        }
        let total = strategy == "fedbuff" ? Double(values.count) : values.reduce(0, +)
        guard values.contains(where: { $0 > 0 }) else { return }
        let weights = values.map { $0 / total }
        var next = state
        for entry in state.parameters.entries where !entry.name.hasPrefix("fixed.") {
            for place in entry.tensor.values.indices {
                let moved = zip(contributions, weights).compactMap { contribution, weight -> (Double, Double)? in
                    let change = Self.change(contribution, entry.name, place, state)
                    return weight > 0 ? change.map { (weight, $0) } : nil
                }
                let x = Double(entry.tensor.values[place])
                let step = rate * direction("\(entry.name) \(place)", combined(moved))
                next.parameters[entry.name]!.values[place] = Float(x + step)
            }
        }
        state = next
    }

    private func combined(_ moved: [(weight: Double, change: Double)]) -> Double {
        let sorted = moved.map(\.change).sorted()
        guard !sorted.isEmpty else { return 0 }
        switch strategy {
        case "median":
            let (low, high) = (sorted[(sorted.count - 1) / 2], sorted[sorted.count / 2])
            return sorted.count % 2 == 1 ? low : low / 2 + high / 2
        case "trimmed-mean":
            let out = Int(trim * Double(sorted.count))
            let kept = sorted[out..<sorted.count - out]
            return kept.reduce(0) { $0 + $1 / Double(kept.count) }
        default: return moved.reduce(0) { $0 + $1.weight * $1.change }
        }
    }

    private mutating func direction(_ key: String, _ change: Double) -> Double {
        let square = change * change
        let (m, v) = (first[key] ?? 0, second[key] ?? epsilon * epsilon)
        switch rule {
        case "plain": return change
        case "momentum":
            first[key] = beta1 * m + change
            return first[key]!
        case "adam": second[key] = beta2 * v + (1 - beta2) * square
        case "yogi": second[key] = v > square ? v - (1 - beta2) * square : v < square ? v + (1 - beta2) * square : v
        default: second[key] = v + square
        }
        first[key] = beta1 * m + (1 - beta1) * change
        return first[key]! / (second[key]!.squareRoot() + epsilon)
    }

    /// What a contribution changed at one position of a tensor of the state; nil where it did not touch it.
    static func change(_ contribution: Contribution, _ name: String, _ place: Int, _ state: PromptState) -> Double? {
        guard let local = contribution.parameters[name]?.values, let base = contribution.base.parameters[name]?.values
        else { return nil }
        guard name == Parameters.prompts else { return Double(local[place]) - Double(base[place]) }
        let (id, column) = (state.promptIDs[place / state.width], place % state.width)
        guard let row = contribution.promptIDs.firstIndex(of: id),
            let start = contribution.base.promptIDs.firstIndex(of: id)
        else { return nil }
        return Double(local[row * state.width + column]) - Double(base[start * state.width + column])
    }

    /// Each value between where it started and where it came to, such that all changes together are no longer than the
    /// bound; 0 for no bound.
    static func clipped(_ contribution: Contribution, to bound: Double, in names: [String]) -> Contribution {
        var places: [(name: String, place: Int, start: Float)] = []
        for (name, tensor) in contribution.parameters.entries.map({ ($0.name, $0.tensor) }) where names.contains(name) {
            for place in tensor.values.indices {
                var origin = place
                if name == Parameters.prompts {
                    let width = contribution.base.width
                    let id = contribution.promptIDs[place / width]
                    origin = contribution.base.promptIDs.firstIndex(of: id)! * width + place % width
                }
                places.append((name, place, contribution.base.parameters[name]!.values[origin]))
            }
        }
        func moved(_ name: String, _ place: Int, _ start: Float) -> Double {
            Double(contribution.parameters[name]!.values[place]) - Double(start)
        }
        let norm = places.reduce(0) { $0 + moved($1.name, $1.place, $1.start) * moved($1.name, $1.place, $1.start) }
            .squareRoot()
        guard bound > 0, norm > bound else { return contribution }
        var shortened = contribution
        for (name, place, start) in places {
            shortened.parameters[name]!.values[place] = Float(
                Double(start) + moved(name, place, start) * (bound / norm))
        }
        return shortened
    }
}
