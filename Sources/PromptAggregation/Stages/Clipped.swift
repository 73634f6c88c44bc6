/// The stage that bounds how far an update can move the state (Sun et al. 2019, arXiv 1911.07963, section 4): a
/// displacement Δ longer than the bound C becomes Δ · C / ‖Δ‖. The norm is taken over all tensors of the state together.
///
/// It remembers nothing, so a snapshot is that of the strategy behind it.
struct Clipped: AggregationStrategy {
    static let setting = SettingDeclaration.number(
        "clip", 0, 0...1e9, "The most that an update may move the state, as a Euclidean norm; 0 for no bound.")

    private var inner: any AggregationStrategy
    private let bound: Double

    init(_ inner: any AggregationStrategy, to bound: Double) {
        self.inner = inner
        self.bound = bound
    }

    var state: PromptState { inner.state }
    var largestPool: Int { inner.largestPool }
    var formatID: String { inner.formatID }

    mutating func aggregate(inOrder contributions: [Contribution]) -> FlushReport {
        // Class statistics, which travel beside what is tuned, are not of the state and stay as they are.
        let names = inner.state.parameters.names
        return inner.aggregate(inOrder: contributions.map { $0.clipped(to: bound, in: names) })
    }

    func write(to writer: inout SnapshotWriter) { inner.write(to: &writer) }
    mutating func read(from reader: inout SnapshotReader) throws(SnapshotError) { try inner.read(from: &reader) }
}

extension Contribution {
    /// The same, moved by no more than `bound` in the tensors of these names.
    fileprivate func clipped(to bound: Double, in names: [String]) -> Contribution {
        let pairs = names.compactMap { name -> (name: String, base: [Float])? in
            guard let local = parameters[name], let base = base(of: name), base.count == local.values.count else {
                return nil
            }
            return (name, base)
        }
        var square = 0.0
        for (name, base) in pairs {
            for (local, start) in zip(parameters[name]?.values ?? [], base) {
                let moved = Double(local) - Double(start)
                square += moved * moved
            }
        }
        let norm = square.squareRoot()
        guard norm > bound else { return self }
        var shortened = self
        for (name, base) in pairs {
            guard var tensor = parameters[name] else { continue }
            for place in base.indices {
                let start = Double(base[place])
                tensor.values[place] = Float(
                    saturating: start + (Double(tensor.values[place]) - start) * (bound / norm))
            }
            shortened.parameters[name] = tensor
        }
        return shortened
    }

    /// Where each value of a tensor started.
    private func base(of name: String) -> [Float]? {
        guard name == Parameters.prompts else { return base.parameters[name]?.values }
        let started = RowIndex(base.promptIDs)
        var rows: [Float] = []
        for id in promptIDs {
            guard let row = started[id] else { return nil }
            rows += base.prompts.row(row)
        }
        return rows
    }
}

extension StrategyEntry {
    /// The same with a bound on how far an update can move the state.
    var withClip: StrategyEntry {
        let inner = make
        return StrategyEntry(
            name: name, summary: summary, source: source, settings: settings + [Clipped.setting], adapt: adapt,
            make: { settings, initial, seed throws(StrategyError) in
                let (strategy, bound) = (try inner(settings, initial, seed), settings.number(Clipped.setting.key))
                return bound > 0 ? Clipped(strategy, to: bound) : strategy
            })
    }
}
