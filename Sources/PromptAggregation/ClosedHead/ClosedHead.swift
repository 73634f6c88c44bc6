/// A head in closed form beside any strategy for the rest: clients send the class statistics of all their images,
/// taken without prompts, and every flush solves for the head (`LinearDiscriminant`).
///
/// The last statistics of each client count, whatever their staleness, so the head neither drifts with the clients' steps nor
/// waits for anybody, and does not depend on how the images are divided over the clients. Clients tune the prompts around
/// it and leave it alone. The state holds the three tensors of statistics, all zero: their shapes say what to send.
struct ClosedHead: AggregationStrategy {
    static let key = "head"
    static let shrinkageKey = "head_shrinkage"
    static let settings: [SettingDeclaration] = [
        .choice(
            key, "tuned", ["tuned", "closed"],
            "Whether clients tune the head, or it is solved from their class statistics."),
        .number(shrinkageKey, 0.1, 1e-6...1e6, "Closed head: the mean variance's share added to every variance."),
    ]

    /// Whether the settings, of whatever strategy, ask for it.
    static func isChosen(by settings: CheckedSettings) -> Bool {
        settings.keys.contains(key) && settings.text(key) == "closed"
    }

    let formatID = "closed-head"
    private(set) var state: PromptState
    private var inner: any AggregationStrategy
    private let shrinkage: Double
    private let classes: Int
    private let width: Int
    private var reports = ClientTable<ClassScatter>()

    /// - Parameter makeInner: the strategy for a state without the head.
    init(
        _ initial: PromptState, of strategy: String, shrinkage: Double,
        makeInner: (PromptState) throws(StrategyError) -> any AggregationStrategy
    ) throws(StrategyError) {
        let shape = try initial.linearHead(for: "\(strategy) \(Self.key)=closed")
        (classes, width) = (shape[0], shape[1])
        self.shrinkage = shrinkage
        state = initial
        state.parameters[Parameters.classMeans] = Tensor(zeros: shape)
        state.parameters[Parameters.classCounts] = Tensor(zeros: [classes])
        state.parameters[Parameters.classScatter] = Tensor(zeros: [ClassScatter.count(width: width)])
        var rest = initial
        for name in initial.parameters.names where Parameters.isOfHead(name) { rest.parameters[name] = nil }
        inner = try makeInner(rest)
    }

    mutating func aggregate(inOrder contributions: [Contribution]) -> FlushReport {
        let report = inner.aggregate(inOrder: contributions)
        for contribution in contributions where contribution.stalenessWeight > 0 && contribution.sampleCount > 0 {
            guard let scatter = ClassScatter(contribution.parameters, classes: classes, width: width) else { continue }
            reports[contribution.client] = scatter
        }
        publish()
        return report
    }

    private mutating func publish() {
        var parameters = state.parameters
        for entry in inner.state.parameters.entries { parameters[entry.name] = entry.tensor }
        let solved = LinearDiscriminant.head(
            of: reports.map(\.value), classes: classes, width: width, shrinkage: shrinkage)
        if let solved {
            parameters[Parameters.headWeight] = Tensor(
                shape: [classes, width], values: solved.weight.map { Float(saturating: $0) })
            parameters[Parameters.headBias] = Tensor(
                shape: [classes], values: solved.bias.map { Float(saturating: $0) })
        }
        state = PromptState(parameters: parameters, promptIDs: inner.state.promptIDs)
    }

    func write(to writer: inout SnapshotWriter) {
        writer.write(state)
        inner.writeNamed(to: &writer)
        reports.write(to: &writer) { $1.write(to: &$0) }
    }

    mutating func read(from reader: inout SnapshotReader) throws(SnapshotError) {
        state = try reader.state(like: state)
        try inner.readNamed(from: &reader)
        let (classes, width) = (classes, width)
        reports = try ClientTable(from: &reader) { reader throws(SnapshotError) in
            try ClassScatter(from: &reader, classes: classes, width: width)
        }
    }
}

extension StrategyEntry {
    /// The same with a choice of the head: tuned as the rest is, or in closed form.
    var withChoiceOfHead: StrategyEntry {
        let (inner, adaptInner, name) = (make, adapt, name)
        return StrategyEntry(
            name: name, summary: summary, source: source, settings: settings + ClosedHead.settings,
            adapt: { settings, plan in
                adaptInner(settings, &plan)
                if ClosedHead.isChosen(by: settings) { plan.headLearningRate = 0 }
            },
            make: { settings, initial, seed throws(StrategyError) in
                guard ClosedHead.isChosen(by: settings) else { return try inner(settings, initial, seed) }
                return try ClosedHead(
                    initial, of: name, shrinkage: settings.number(ClosedHead.shrinkageKey)
                ) { rest throws(StrategyError) in try inner(settings, rest, seed) }
            })
    }
}
