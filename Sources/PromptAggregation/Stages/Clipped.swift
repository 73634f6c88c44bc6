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
        // Against its own base, so that prompts that have left the pool since count too.
        let tensors = names.compactMap { AlignedTensor(self, $0, in: base) }
        var square = 0.0
        for tensor in tensors {
            for row in tensor.touchedRows {
                for moved in tensor.moved(row) { square += moved * moved }
            }
        }
        let norm = square.squareRoot()
        guard norm > bound else { return self }
        var shortened = self
        for tensor in tensors {
            var values = tensor.local
            for row in tensor.touchedRows {
                for (column, moved) in tensor.moved(row).enumerated() {
                    values[row.local + column] = Float(
                        saturating: Double(tensor.base[row.base + column]) + moved * (bound / norm))
                }
            }
            shortened.parameters[tensor.name]?.values = values
        }
        return shortened
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
