import Federation
import PromptAggregation
import RunSettings

/// What one seed stands for: a federation, and the faults that befall it.
package struct FaultScenario: Sendable {
    let seed: UInt64
    let configuration: RunConfiguration
    /// The configuration without what is as usual, in YAML.
    let briefYAML: String
    let initial: PromptState
    let rates: SimulatedNetwork.Rates
    /// Mean time between two faults of a process or connection, in seconds.
    let meanTimeBetweenFaults: Double
    /// The share of trainings that give values that are not finite.
    let badUpdates: Double
    /// After this time nothing dies any more and nobody is cut off; messages are lost as before.
    let calmAfter: Duration
    /// By then the run must have ended: many times what a round, a lease and every delay can take.
    let deadline: Duration

    /// The run's number, unique among all runs.
    let run: UInt64
    /// Clients that are started a second time while they run.
    let twins: [Int]
    /// The client to whom everything comes late.
    let lagging: Int?
    private let foreign: [Bool]

    private static let width = 4
    private static let classes = 3

    init(seed: UInt64) throws {
        var random = SeededRandom(seed: seed, stream: 1)
        self.seed = seed
        var layers = ConfigurationLayers()
        var assignments = try Self.assignments(seed: seed, &random)
        var rhythm = SeededRandom(seed: seed, stream: 3)
        assignments.append("run.snapshot_versions=\(rhythm.pick([0, 1, 1, 3]))")
        assignments.append("evaluation.client_versions=\(rhythm.pick([0, 1, 4]))")
        var storage = SeededRandom(seed: seed, stream: 8)
        assignments.append("log.segment_bytes=\(storage.pick([95_000, 130_000, 200_000, 1 << 28]))")
        assignments.append("log.keep_segments=\(storage.pick([0, 1, 2]))")
        assignments.append("log.compress=\(storage.pick(["none", "zstd"]))")
        var flushing = SeededRandom(seed: seed, stream: 9)
        assignments.append("federation.flush_beside_values=\(flushing.pick([0, 60, 16_384]))")
        for assignment in assignments { try layers.add(assignment: assignment) }
        briefYAML = Self.yaml(assignments)
        configuration = try RunConfiguration(layers)
        initial = Self.initialState(pool: configuration.prompts.pool, &random)
        rates = SimulatedNetwork.Rates(&random)
        meanTimeBetweenFaults = random.number(in: 3...50)
        badUpdates = random.chance(0.7) ? 0 : random.number(in: 0.02...0.2)
        calmAfter = random.duration(inSeconds: 20...120)
        deadline = calmAfter + .seconds(2000)
        var others = SeededRandom(seed: seed, stream: 6)
        run = others.next() | 1
        let clients = configuration.data.clients
        twins = others.chance(0.3) ? [others.integer(in: 0...clients - 1)] : []
        lagging = others.chance(0.2) ? others.integer(in: 0...clients - 1) : nil
        foreign = (0..<clients).map { _ in others.chance(0.1) }
    }

    /// Whether a client keeps an update of another run.
    func hasForeignUpdate(_ client: Int) -> Bool { foreign[client] }

    /// An update that a client made in another run.
    func foreignUpdate(of client: ClientID) -> ClientMessage.Update {
        ClientMessage.Update(
            client: client, session: 1, run: run &+ 2, task: 1, baseVersion: 0, sampleCount: 1,
            parameters: initial.parameters, promptIDs: initial.promptIDs, metrics: [])
    }

    private static func assignments(seed: UInt64, _ random: inout SeededRandom) throws -> [String] {
        let clients = random.integer(in: 1...6)
        let cohort = random.integer(in: 1...clients + 1)
        let entry = random.pick(StrategyCatalog.entries)
        return [
            "run.seed=\(seed)",
            random.pick(["run.versions=\(random.integer(in: 3...25))", "run.updates=40", "run.seconds=60"]),
            "data.clients=\(clients)", "prompts.pool=\(random.integer(in: 1...4))",
            "federation.mode=\(random.pick(["synchronous", "buffered", "continuous"]))",
            "federation.concurrency=\(random.integer(in: 0...clients))",
            "federation.order=\(random.pick(DispatchOrder.allCases).rawValue)",
            "federation.clients_to_start=\(random.integer(in: 1...clients))",
            "federation.maximum_staleness=\(random.pick([0, 2, 10, 100]))",
            "federation.buffer_size=\(random.integer(in: 1...clients + 1))",
            "federation.flush_after_seconds=\(random.pick([0, 3, 10]))",
            "federation.cohort=\(cohort)", "federation.quorum=\(random.integer(in: 1...cohort))",
            "federation.over_selection=\(random.pick([0, 0.5]))",
            "federation.deadline_seconds=\(random.integer(in: 2...20))",
            "federation.late_updates=\(random.pick(["discard", "carry-over"]))",
            "federation.staleness_weight=\(random.pick(["constant", "polynomial", "hinge", "inverse-sqrt"]))",
            "federation.lease_seconds=\(random.integer(in: 4...10))", "federation.heartbeat_seconds=2",
            "federation.beacon_seconds=\(random.integer(in: 1...3))",
            // Bad updates are the learner's fault here, not the client's.
            "federation.quarantine_after=0", "strategy.name=\(entry.name)",
        ] + entry.settings.compactMap { quick[$0.key].map { "strategy.\($0)" } }
    }

    private static func yaml(_ assignments: [String]) -> String {
        let settings = assignments.map { $0.split(separator: ".", maxSplits: 1) }
        return Dictionary(grouping: settings) { $0[0] }.sorted { $0.key < $1.key }.map { section, settings in
            "\(section): {\(settings.map { $0[1].replacing("=", with: ": ") }.joined(separator: ", "))}\n"
        }.joined()
    }

    /// Small figures for the strategies' costly settings.
    private static let quick = [
        "sweeps": "sweeps=2", "hidden": "hidden=3", "iterations": "iterations=3", "restarts": "restarts=1",
    ]

    private static func initialState(pool: Int, _ random: inout SeededRandom) -> PromptState {
        func tensor(_ shape: [Int]) -> Tensor {
            Tensor(shape: shape, values: (0..<shape.reduce(1, *)).map { _ in Float(random.nextNormal()) })
        }
        return PromptState(
            parameters: Parameters([
                (Parameters.prompts, tensor([pool, width])), (Parameters.headWeight, tensor([classes, width])),
                (Parameters.headBias, tensor([classes])),
            ]), promptIDs: (0..<pool).map { PromptID($0) })
    }

    /// The scenario in a line, for whoever looks into a seed.
    var summary: String {
        let mode =
            switch configuration.federation.mode {
            case .synchronous: "synchronous"
            case .buffered: "buffered"
            case .continuous: "continuous"
            }
        return "\(configuration.strategy.name), \(mode), \(configuration.data.clients) clients"
    }
}
