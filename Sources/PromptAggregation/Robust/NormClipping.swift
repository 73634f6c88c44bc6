/// Norm clipping in front of another strategy (Sun et al. 2019, section 4): a displacement Δ longer than the bound C is
/// replaced by Δ · C / ‖Δ‖, the norm being taken over all tensors together.
struct NormClipping: CatalogStrategy {
    /// The strategies that it may stand in front of, each with its own settings at their defaults.
    private static let inner = [
        FedAvg.entry, FedBuff.entry, FedOpt.entry, FedAsync.entry, Ca2fl.entry, CoordinateMedian.entry,
        TrimmedMean.entry, Pfpt.entry, AsyncPfpt.entry,
    ]

    static let entry = StrategyEntry(
        name: "norm-clipping", summary: "Shortens long displacements, then aggregates as another strategy does.",
        source: "Sun et al., arXiv 1911.07963, section 4",
        settings: [
            .number("bound", 1, 1e-9...1e9, "The most that an update may move the state, as a Euclidean norm."),
            .choice("inner", FedAvg.entry.name, inner.map(\.name), "The strategy that gets the shortened updates."),
        ]
    ) { settings, initial, seed throws(StrategyError) in
        let name = settings.text("inner")
        guard let entry = inner.first(where: { $0.name == name }) else {
            throw .unknownStrategy(name: name, known: inner.map(\.name))
        }
        let standard = try StrategySettings().checked(against: entry.settings, of: name)
        return NormClipping(inner: try entry.make(standard, initial, seed), bound: settings.number("bound"))
    }

    private var inner: any AggregationStrategy
    private let bound: Double

    private init(inner: any AggregationStrategy, bound: Double) {
        self.inner = inner
        self.bound = bound
    }

    var state: PromptState { inner.state }

    mutating func aggregate(inOrder contributions: [Contribution]) -> FlushReport {
        inner.aggregate(inOrder: contributions.map(clipped))
    }

    private func clipped(_ contribution: Contribution) -> Contribution {
        let pairs = contribution.parameters.entries.compactMap { entry -> (name: String, base: [Float])? in
            guard let base = Self.base(of: contribution, entry.name), base.count == entry.tensor.values.count else {
                return nil
            }
            return (entry.name, base)
        }
        var square = 0.0
        for (name, base) in pairs {
            for (local, start) in zip(contribution.parameters[name]?.values ?? [], base) {
                let moved = Double(local) - Double(start)
                square += moved * moved
            }
        }
        let norm = square.squareRoot()
        guard norm > bound else { return contribution }
        var shortened = contribution
        for (name, base) in pairs {
            guard var tensor = contribution.parameters[name] else { continue }
            for place in base.indices {
                let start = Double(base[place])
                tensor.values[place] = Float(
                    saturating: start + (Double(tensor.values[place]) - start) * (bound / norm))
            }
            shortened.parameters[name] = tensor
        }
        return shortened
    }

    /// Where each value of a contribution's tensor started.
    private static func base(of contribution: Contribution, _ name: String) -> [Float]? {
        guard name == Parameters.prompts else { return contribution.base.parameters[name]?.values }
        let started = RowIndex(contribution.base.promptIDs)
        var rows: [Float] = []
        for id in contribution.promptIDs {
            guard let row = started[id] else { return nil }
            rows += contribution.base.prompts.row(row)
        }
        return rows
    }

    func write(to writer: inout SnapshotWriter) { inner.writeNamed(to: &writer) }

    mutating func read(from reader: inout SnapshotReader) throws(SnapshotError) { try inner.readNamed(from: &reader) }
}
