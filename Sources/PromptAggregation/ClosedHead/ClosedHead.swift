/// A head in closed form beside any strategy for the rest: clients send the class statistics of all their images, and every
/// flush that brings new ones solves for the head (`LinearDiscriminant`).
///
/// The last statistics of each client count, whatever their staleness, so the head neither drifts with the clients' steps nor
/// waits for anybody, and does not depend on how the images are divided over the clients. Clients tune the prompts around
/// it and leave it alone. The state holds the three tensors of statistics, all zero: their shapes say what to send.
///
/// What a client tuned counts only if the head that it tuned under knew the classes of nine tenths of its images. A head is
/// wrong about every image of a class that it does not know, and prompts that follow such losses go astray.
///
/// Statistics are first taken without prompts. With `head_refresh` tuning and measuring take turns: after so many versions
/// the published prompts stand still, and clients take their statistics with these and no step. Once most images of
/// each class are known, the head is solved and published with exactly the prompts that it was solved under, and these are
/// tuned on. What clients that were asked before bring too late, while the prompts stand, is not used.
struct ClosedHead: AggregationStrategy {
    static let key = "head"
    static let shrinkageKey = "head_shrinkage"
    static let refreshKey = "head_refresh"
    static let settings: [SettingDeclaration] = [
        .choice(
            key, "tuned", ["tuned", "closed"],
            "Whether clients tune the head, or it is solved from their class statistics."),
        .number(shrinkageKey, 0.1, 1e-6...1e6, "Closed head: the mean variance's share added to every variance."),
        .integer(
            refreshKey, 0, 0...1_000_000,
            "Closed head: versions of tuning before it is solved again, under the prompts of then; 0 for never."),
    ]

    /// Whether the settings, of whatever strategy, ask for it.
    static func isChosen(by settings: CheckedSettings) -> Bool {
        settings.keys.contains(key) && settings.text(key) == "closed"
    }

    /// Contributions of clients that measure which are waited for, for each client that the head knows.
    private static let patience = 3
    /// Of a client's images, those of classes that the head has to know so that what the client tuned counts.
    private static let knownShare = 0.9

    let formatID = "closed-head"
    var largestPool: Int { inner.largestPool }
    private(set) var state: PromptState
    private var inner: any AggregationStrategy
    private let shrinkage: Double
    private let classes: Int
    private let width: Int
    private let refresh: Int
    /// What the head is solved from: the last statistics of each client.
    private var reports = ClientTable<ClassScatter>()
    /// How often clients had been asked to measure when these were asked for; 0 for those without prompts.
    private var generation = 0
    /// How often they have been asked.
    private var asked = 0
    /// What they measured since, under the prompts that stand still meanwhile; nil while they tune.
    private var measured: ClientTable<ClassScatter>?
    /// All flushes.
    private var flushes = 0
    /// The number of flushes when a head was first solved with images of a class: [classes], `.max` before.
    private var knownSince: [Int]
    /// Flushes of tuning in this turn.
    private var moves = 0
    /// Contributions since measuring began.
    private var waited = 0

    /// - Parameters:
    ///   - refresh: the flushes of tuning after which clients measure; 0 for never.
    ///   - makeInner: the strategy for a state without the head.
    init(
        _ initial: PromptState, of strategy: String, shrinkage: Double, refresh: Int,
        makeInner: (PromptState) throws(StrategyError) -> any AggregationStrategy
    ) throws(StrategyError) {
        let shape = try initial.linearHead(for: "\(strategy) \(Self.key)=closed")
        (classes, width) = (shape[0], shape[1])
        self.shrinkage = shrinkage
        self.refresh = refresh
        knownSince = [Int](repeating: .max, count: classes)
        state = initial
        var rest = initial
        for name in initial.parameters.names where Parameters.isOfHead(name) { rest.parameters[name] = nil }
        inner = try makeInner(rest)
        askForStatistics()
    }

    mutating func aggregate(inOrder contributions: [Contribution]) -> FlushReport {
        let report =
            measured == nil
            ? movePrompts(contributions)
            : FlushReport(weights: shares(contributions.map { isMeasured(by: $0) ? $0.stalenessWeight : 0 }))
        flushes += 1
        // Reports stand still between two turns, and the head that they give with them.
        var hasNews = false
        for contribution in contributions where contribution.stalenessWeight > 0 && contribution.sampleCount > 0 {
            guard let scatter = ClassScatter(contribution.parameters, classes: classes, width: width) else { continue }
            // Most clients report the same in every task.
            if measurement(of: contribution) == generation, reports[contribution.client] != scatter {
                reports[contribution.client] = scatter
                hasNews = true
            }
            if isMeasured(by: contribution) { measured?[contribution.client] = scatter }
        }
        if refresh > 0, takeTurns(contributions.count) { hasNews = true }
        if hasNews { solveHead() }
        publish()
        return report
    }

    /// Has the strategy move the prompts by what counts.
    private mutating func movePrompts(_ contributions: [Contribution]) -> FlushReport {
        let counted = contributions.indices.filter { areClassesKnown(of: contributions[$0]) }
        guard !counted.isEmpty else { return FlushReport(weights: contributions.map { _ in 0 }) }
        moves += 1
        return inner.aggregate(inOrder: counted.map { contributions[$0] }).spread(
            over: contributions.count, at: counted)
    }

    /// Whether the head that the client tuned under knew the classes of most of its images, as far as it says which it has.
    private func areClassesKnown(of contribution: Contribution) -> Bool {
        guard let counts = contribution.parameters[Parameters.classCounts]?.values, counts.count == classes else {
            return true
        }
        let base = flushes - contribution.staleness
        var (all, known) = (0.0, 0.0)
        for (label, count) in counts.enumerated() where count > 0 {
            all += Double(count)
            if knownSince[label] <= base { known += Double(count) }
        }
        return known >= Self.knownShare * all
    }

    /// How often clients had been asked to measure when the contribution's base was published.
    private func measurement(of contribution: Contribution) -> Int {
        contribution.base.parameters[Parameters.statisticsGeneration]?.values.first.map(Int.init) ?? 0
    }

    /// Whether the contribution has what clients are asked to measure now. Another one, which comes late, is not used
    /// while the prompts stand still.
    private func isMeasured(by contribution: Contribution) -> Bool {
        measurement(of: contribution) == asked
    }

    /// Has clients measure when that is due, and tune again once most images were measured, or waited for in vain.
    /// - Returns: whether the head is to be solved from other reports.
    private mutating func takeTurns(_ contributions: Int) -> Bool {
        guard let found = measured else {
            guard moves >= refresh, !reports.isEmpty else { return false }
            (measured, waited) = (ClientTable(), 0)
            asked += 1
            return false
        }
        waited += contributions
        let isComplete = found.covers(reports, classes: classes)
        if isComplete { (reports, generation) = (found, asked) }
        if isComplete || waited >= Self.patience * reports.count { (measured, moves) = (nil, 0) }
        return isComplete
    }

    private mutating func solveHead() {
        let solved = LinearDiscriminant.head(
            of: reports.map(\.value), classes: classes, width: width, shrinkage: shrinkage)
        guard let solved else { return }
        for label in reports.flatMap(\.value.means.classes) where knownSince[label] == .max {
            knownSince[label] = flushes
        }
        state.parameters[Parameters.headWeight] = Tensor(
            shape: [classes, width], values: solved.weight.map { Float(saturating: $0) })
        state.parameters[Parameters.headBias] = Tensor(
            shape: [classes], values: solved.bias.map { Float(saturating: $0) })
    }

    private mutating func publish() {
        var parameters = state.parameters
        for entry in inner.state.parameters.entries { parameters[entry.name] = entry.tensor }
        state = PromptState(parameters: parameters, promptIDs: inner.state.promptIDs)
        askForStatistics()
    }

    /// Has the state ask for statistics without prompts until the first are replaced, then only while clients measure.
    private mutating func askForStatistics() {
        let isAsked = generation == 0 || measured != nil
        state.parameters[Parameters.classMeans] = isAsked ? Tensor(zeros: [classes, width]) : nil
        state.parameters[Parameters.classCounts] = isAsked ? Tensor(zeros: [classes]) : nil
        state.parameters[Parameters.classScatter] = isAsked ? Tensor(zeros: [ClassScatter.count(width: width)]) : nil
        state.parameters[Parameters.statisticsGeneration] = measured.map { _ in
            Tensor(shape: [1], values: [Float(asked)])
        }
    }
}

// MARK: Snapshots

extension ClosedHead {
    func write(to writer: inout SnapshotWriter) {
        writer.write(flushes)
        writer.write(knownSince)
        if refresh > 0 {
            for count in [generation, asked, moves, waited] { writer.write(count) }
            writer.write(measured) { writer, table in table.write(to: &writer) { $1.write(to: &$0) } }
        }
        writer.write(state)
        inner.writeNamed(to: &writer)
        reports.write(to: &writer) { $1.write(to: &$0) }
    }

    mutating func read(from reader: inout SnapshotReader) throws(SnapshotError) {
        flushes = try reader.counter("flushes")
        knownSince = try reader.integers("flushes since which classes are known", in: 0...Int.max, count: classes)
        if refresh > 0 {
            generation = try reader.counter("generation of the head")
            asked = try reader.counter("times that clients were asked to measure")
            moves = try reader.counter("flushes of tuning")
            waited = try reader.counter("contributions while measuring")
            measured = try reader.optional { reader throws(SnapshotError) in try readReports(from: &reader) }
            askForStatistics()
        }
        state = try reader.state(like: state)
        try inner.readNamed(from: &reader)
        reports = try readReports(from: &reader)
    }

    private func readReports(from reader: inout SnapshotReader) throws(SnapshotError) -> ClientTable<ClassScatter> {
        try ClientTable(from: &reader) { reader throws(SnapshotError) in
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
                    initial, of: name, shrinkage: settings.number(ClosedHead.shrinkageKey),
                    refresh: settings.integer(ClosedHead.refreshKey)
                ) { rest throws(StrategyError) in try inner(settings, rest, seed) }
            })
    }
}
