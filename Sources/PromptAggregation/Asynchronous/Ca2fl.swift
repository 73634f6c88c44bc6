/// CA2FL (Wang et al., ICLR 2024, algorithm 1): the last displacement h_i of every client calibrates the buffer,
///
///     v = h + (1/K) Σ_{i in buffer} (Δ_i − h_i),   h = (1/n) Σ_i h_i,   x = x + η v
///
/// with h_i = 0 for clients not heard yet. n is the number of all clients; where it is not given, of those heard so far,
/// with the present buffer.
struct Ca2fl: CatalogStrategy {
    static let entry = StrategyEntry(
        name: "ca2fl", summary: "Buffered averaging calibrated by every client's last displacement.",
        source: "Wang et al., ICLR 2024, algorithm 1",
        settings: [
            .number("server_rate", 1, 1e-8...100, "The server's step size η."),
            .integer("clients", 0, 0...10_000_000, "The number n of all clients; 0 for those heard so far."),
        ]
    ) { settings, initial, _ in
        Ca2fl(state: initial, rate: settings.number("server_rate"), clients: settings.integer("clients"))
    }

    private(set) var state: PromptState
    private let rate: Double
    private let clients: Int
    /// h_i of every client that was heard, and their sum.
    private var cache: DisplacementCache

    private init(state: PromptState, rate: Double, clients: Int) {
        self.state = state
        self.rate = rate
        self.clients = clients
        cache = DisplacementCache(like: state)
    }

    mutating func aggregate(inOrder contributions: [Contribution]) -> FlushReport {
        guard !contributions.isEmpty else { return FlushReport(weights: []) }
        // Contributions are sorted by client.
        let newest = contributions.indices.filter {
            $0 + 1 == contributions.count || contributions[$0 + 1].client != contributions[$0].client
        }.map { contributions[$0] }
        let strangers = newest.count { cache[$0.client] == nil }
        let total = Double(max(clients, cache.count + strangers))
        let buffered = Double(contributions.count)
        var step = Displacement(like: state)
        step.add(cache.sum, weight: 1 / total)
        for contribution in contributions {
            step.add(contribution, weight: 1 / buffered, like: state)
            cache[contribution.client]?.add(to: &step, weight: -1 / buffered)
        }
        cache.replace(by: newest, like: state)
        state.move(by: step, rate: rate)
        return FlushReport(weights: contributions.map { _ in 1 / buffered })
    }

    func write(to writer: inout SnapshotWriter) {
        writer.write(state)
        cache.write(to: &writer)
    }

    mutating func read(from reader: inout SnapshotReader) throws(SnapshotError) {
        state = try reader.state(like: state)
        cache = try DisplacementCache(from: &reader, like: state)
    }
}
