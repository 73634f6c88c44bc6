/// SCAFFOLD (Karimireddy et al., ICML 2020, algorithm 1 with option II): clients correct their steps by the difference
/// between the common control variate c and their own c_i, so that each moves as the average client would.
///
///     client  y = y − η (g(y) − c_i + c), K times;   c_i' = c_i − c + (x − y) / (K η)
///     server  x = x + η_g · mean_S (y_i − x),   c = c + |S| / N · mean_S (c_i' − c_i)
///
/// c travels in the state, `control.<name>` beside each tuned tensor. An update holds (x − y) / (K η) under the same name:
/// its displacement from the base is c_i' − c_i. c_i stays with the client.
///
/// Deviations: late updates enter the mean of x by their staleness weights (the paper is synchronous); their c_i has
/// changed all the same, so that of c has none. N is the number of clients heard so far where it is not given, and c
/// shrinks when it grows: a newcomer's c_i is 0, and c stays the mean of all c_i.
struct Scaffold: CatalogStrategy {
    static let entry = StrategyEntry(
        name: "scaffold", summary: "Averaging whose clients correct their steps by control variates.",
        source: "Karimireddy et al., ICML 2020, algorithm 1, option II",
        settings: [
            .number("server_rate", 1, 1e-8...100, "The server's step size for the tuned values."),
            .integer("clients", 0, 0...10_000_000, "The number N of all clients; 0 for those heard so far."),
        ],
        adapt: { _, plan in
            plan.controlVariates = true
            plan.optimizer = .sgd
            plan.momentum = 0
        },
        make: { settings, initial, _ in
            Scaffold(initial, rate: settings.number("server_rate"), clients: settings.integer("clients"))
        })

    /// That a client was heard is all that is known of it.
    private struct Heard: Hashable, Sendable {}

    private(set) var state: PromptState
    private let rate: Double
    private let clients: Int
    /// The clients whose c_i is in c.
    private var heard = ClientTable<Heard>()

    private init(_ initial: PromptState, rate: Double, clients: Int) {
        state = initial
        for entry in initial.parameters.entries where !Parameters.isFixed(entry.name) {
            state.parameters[Parameters.control(of: entry.name)] = Tensor(zeros: entry.tensor.shape)
        }
        self.rate = rate
        self.clients = clients
    }

    private var known: Int { max(clients, heard.count) }

    mutating func aggregate(inOrder contributions: [Contribution]) -> FlushReport {
        let weights = Weighing.staleness.shares(of: contributions)
        let counting = contributions.filter { $0.stalenessWeight > 0 }
        guard !counting.isEmpty else { return FlushReport(weights: weights) }
        let before = known
        for contribution in counting { heard[contribution.client] = Heard() }
        if known > before { scaleControl(by: Double(before) / Double(known)) }
        state.average(contributions, weights: weights.map { rate * $0 }) { !Parameters.isControl($0) }
        state.average(
            counting, weights: counting.map { _ in 1 / Double(known) }, including: Parameters.isControl)
        return FlushReport(weights: weights)
    }

    private mutating func scaleControl(by factor: Double) {
        for entry in state.parameters.entries where Parameters.isControl(entry.name) {
            state.parameters[entry.name] = Tensor(
                shape: entry.tensor.shape, values: entry.tensor.values.map { Float(Double($0) * factor) })
        }
    }

    func write(to writer: inout SnapshotWriter) {
        writer.write(state)
        heard.write(to: &writer) { _, _ in }
    }

    mutating func read(from reader: inout SnapshotReader) throws(SnapshotError) {
        state = try reader.state(like: state)
        heard = try ClientTable(from: &reader) { _ throws(SnapshotError) in Heard() }
    }
}
