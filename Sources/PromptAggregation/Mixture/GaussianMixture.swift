/// The mixture baseline of the PFPT paper: the prompts of all clients are rows without an owner, a Bayesian Gaussian mixture
/// (`BayesianMixture`) is fitted to them, and the means of the components that some row belongs to are the new pool.
///
/// Unlike PFPT it may put two prompts of one client into one component. It begins with k-means, as scikit-learn does. Rows
/// weigh alike, whatever the client's sample count and staleness; what is tuned beside the prompts is averaged as FedAvg
/// does.
struct GaussianMixture: CatalogStrategy {
    static let entry = StrategyEntry(
        name: "gmm", summary: "A Bayesian Gaussian mixture over all local prompts; its means are the pool.",
        source: "Weng et al., NeurIPS 2024, baseline GMM-PT; Bishop 2006, section 10.2; scikit-learn's defaults",
        settings: [
            .integer("components", 0, 0...100_000, "Components of the mixture; 0 for as many as the initial pool has."),
            .integer("iterations", 100, 1...100_000, "The most iterations."),
            .number("tolerance", 1e-3, 0...1e6, "It ends when the lower bound changes by less, in nats."),
        ]
    ) { settings, initial, seed in
        GaussianMixture(settings: settings, initial: initial, seed: seed)
    }

    private(set) var state: PromptState
    var largestPool: Int { max(components, state.promptIDs.count) }
    private let components: Int
    private let iterations: Int
    private let tolerance: Double
    private let seed: UInt64
    private var flush: UInt64 = 0
    private var nextIdentity: PromptID

    private init(settings: CheckedSettings, initial: PromptState, seed: UInt64) {
        state = initial
        let components = settings.integer("components")
        self.components = components > 0 ? components : max(initial.promptIDs.count, 1)
        iterations = settings.integer("iterations")
        tolerance = settings.number("tolerance")
        self.seed = seed
        nextIdentity = PoolRound.firstFreeIdentity(after: initial)
    }

    mutating func aggregate(inOrder contributions: [Contribution]) -> FlushReport {
        let counts = contributions.map { $0.sampleCount > 0 && $0.stalenessWeight > 0 }
        state.average(contributions, weights: Weighing.samples.shares(of: contributions)) { $0 != Parameters.prompts }
        let counting = contributions.indices.filter { counts[$0] }.map { contributions[$0] }
        let weights = shares(counts.map { $0 ? 1 : 0 })
        let rows = counting.flatMap { PoolRound.rows(of: $0).map(Double.init) }
        guard !rows.isEmpty else { return FlushReport(weights: weights) }
        var random = SeededRandom(seed: seed, stream: flush)
        flush += 1

        let start = KMeans.labels(rows, width: state.width, clusters: components, random: &random)
        let used = (start.max() ?? 0) + 1
        var responsibilities = [Double](repeating: 0, count: start.count * used)
        for (row, label) in start.enumerated() { responsibilities[row * used + label] = 1 }
        var mixture = BayesianMixture(
            rows: rows, width: state.width, responsibilities: responsibilities, components: used)
        mixture.run(iterations: iterations, tolerance: tolerance)
        return publish(mixture, counting, weights)
    }

    private mutating func publish(
        _ mixture: BayesianMixture, _ counting: [Contribution], _ weights: [Double]
    ) -> FlushReport {
        let labels = mixture.labels
        let survivors = (0..<mixture.components).filter { labels.contains($0) }
        let means = survivors.flatMap { mixture.means[$0 * mixture.width..<($0 + 1) * mixture.width] }
        var first = 0
        let matches = counting.map { contribution in
            defer { first += contribution.promptIDs.count }
            return Array(labels[first..<first + contribution.promptIDs.count])
        }
        let old = state.promptIDs
        let identities = PoolRound.identities(
            of: survivors, matches: matches, origins: counting.map(\.promptIDs), pool: old, next: &nextIdentity)
        state.replacePool(rows: means.map { Float(saturating: $0) }, identities: identities)
        return FlushReport(
            weights: weights, births: identities.filter { !old.contains($0) },
            deaths: old.filter { !identities.contains($0) },
            objectiveAfter: mixture.lowerBound.isFinite ? mixture.lowerBound : nil)
    }

    func write(to writer: inout SnapshotWriter) {
        writer.write(state)
        writer.write(flush)
        writer.write(nextIdentity)
    }

    mutating func read(from reader: inout SnapshotReader) throws(SnapshotError) {
        state = try reader.state(like: state)
        flush = UInt64(try reader.counter("flush"))
        nextIdentity = PromptID(try reader.counter("next identity"))
    }
}
