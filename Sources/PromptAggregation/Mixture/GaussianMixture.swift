/// The mixture baseline of the PFPT paper: the prompts of all clients are rows without an owner, a Bayesian Gaussian mixture
/// (`BayesianMixture`) is fitted to them, and the means of the components that some row belongs to are the new pool.
///
/// Unlike PFPT it may put two prompts of one client into one component. It begins with k-means, as scikit-learn does. Rows
/// weigh alike, whatever the client's sample count and staleness; what is tuned beside the prompts is averaged as FedAvg
/// does.
struct GaussianMixture: AggregationStrategy {
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

    mutating func aggregate(_ contributions: [Contribution]) -> FlushReport {
        let counts = contributions.map { $0.sampleCount > 0 && $0.stalenessWeight > 0 }
        state.average(
            contributions, weights: shares(contributions.map { Double($0.sampleCount) * $0.stalenessWeight })
        ) { $0 != Parameters.prompts }
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
        flush = try reader.word()
        nextIdentity = try reader.word()
    }
}

/// Lloyd's algorithm from the seeds of k-means++ (Arthur and Vassilvitskii 2007).
enum KMeans {
    private static let iterations = 20

    /// The cluster of each row, numbered from 0 without gaps; at most `clusters` of them.
    static func labels(_ rows: [Double], width: Int, clusters: Int, random: inout SeededRandom) -> [Int] {
        let count = rows.count / width
        var centres = seeds(rows, width: width, clusters: min(clusters, count), random: &random)
        var labels = [Int](repeating: 0, count: count)
        for _ in 0..<iterations {
            let next = (0..<count).map { nearest(rows, $0, centres, width).centre }
            if next == labels { break }
            labels = next
            for centre in 0..<centres.count / width {
                let members = labels.indices.filter { labels[$0] == centre }
                guard !members.isEmpty else { continue }
                for column in 0..<width {
                    centres[centre * width + column] =
                        members.reduce(0) { $0 + rows[$1 * width + column] / Double(members.count) }
                }
            }
        }
        let used = (0..<centres.count / width).filter { labels.contains($0) }
        return labels.map { label in used.firstIndex(of: label) ?? 0 }
    }

    /// Each next centre is a row, chosen with a probability in proportion to its squared distance from those before; fewer
    /// than `clusters` where all rows coincide with a centre.
    private static func seeds(
        _ rows: [Double], width: Int, clusters: Int, random: inout SeededRandom
    ) -> [Double] {
        let count = rows.count / width
        func row(_ place: Int) -> ArraySlice<Double> { rows[place * width..<(place + 1) * width] }
        var centres = Array(row(Int(random.next(upperBound: UInt64(count)))))
        while centres.count < clusters * width {
            let squares = (0..<count).map { nearest(rows, $0, centres, width).square }
            let total = squares.reduce(0, +)
            guard total > 0, total.isFinite else { break }
            var left = random.nextUniform() * total
            let choice = squares.firstIndex { square in
                left -= square
                return left < 0
            }
            centres += row(choice ?? squares.indices.last { squares[$0] > 0 } ?? 0)
        }
        return centres
    }

    private static func nearest(
        _ rows: [Double], _ row: Int, _ centres: [Double], _ width: Int
    ) -> (centre: Int, square: Double) {
        var best = (centre: 0, square: Double.infinity)
        for centre in 0..<centres.count / width {
            var square = 0.0
            for column in 0..<width {
                let residual = rows[row * width + column] - centres[centre * width + column]
                square += residual * residual
            }
            if square < best.square { best = (centre, square) }
        }
        return best
    }
}
