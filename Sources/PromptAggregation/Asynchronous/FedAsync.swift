/// FedAsync (Xie et al. 2019, algorithm 1): each update is mixed in as it comes, x = (1 − α_τ) x + α_τ x_local with
/// α_τ = α · s(τ). A client returns its whole pool: a prompt that it did not touch counts at its base value.
///
/// Of a buffer of several updates each is mixed in turn, in the contributions' order.
struct FedAsync: MemorylessStrategy {
    static let entry = StrategyEntry(
        name: "fedasync", summary: "Mixes each update into the state at once, the staler the less.",
        source: "Xie et al., arXiv 1903.03934, algorithm 1",
        settings: [.number("mixing", 0.6, 0...1, "The mixing weight α of an update without staleness.")]
    ) { settings, initial, _ in
        FedAsync(state: initial, mixing: settings.number("mixing"))
    }

    var state: PromptState
    private let mixing: Double

    mutating func aggregate(inOrder contributions: [Contribution]) -> FlushReport {
        var weights: [Double] = []
        for contribution in contributions {
            let alpha = mixing * contribution.stalenessWeight
            mix(contribution, alpha)
            // What came before keeps 1 − α of its share.
            weights = weights.map { $0 * (1 - alpha) } + [alpha]
        }
        return FlushReport(weights: shares(weights))
    }

    private mutating func mix(_ contribution: Contribution, _ alpha: Double) {
        guard alpha > 0 else { return }
        for entry in state.parameters.entries where !Parameters.isFixed(entry.name) {
            var tensor = entry.tensor
            for (place, value) in Self.whole(contribution, entry.name, like: state).enumerated() {
                guard let value else { continue }
                tensor.values[place] = Float(
                    saturating: (1 - alpha) * Double(tensor.values[place]) + alpha * Double(value))
            }
            state.parameters[entry.name] = tensor
        }
    }

    /// A tensor of the client after training; nil where neither the client nor its base holds a value.
    private static func whole(_ contribution: Contribution, _ name: String, like state: PromptState) -> [Float?] {
        let count = state.parameters[name]?.values.count ?? 0
        let local = contribution.parameters[name]
        guard name == Parameters.prompts else {
            let values = local?.values ?? []
            return values.count == count ? values : [Float?](repeating: nil, count: count)
        }
        let (tuned, base) = (RowIndex(contribution.promptIDs), RowIndex(contribution.base.promptIDs))
        return state.promptIDs.flatMap { id -> [Float?] in
            if let row = tuned[id], let local { return Array(local.row(row)) }
            if let row = base[id] { return Array(contribution.base.prompts.row(row)) }
            return [Float?](repeating: nil, count: state.width)
        }
    }
}
