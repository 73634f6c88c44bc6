import Federation
import PromptAggregation
import Testing

/// What the order in which messages arrive must not change, for every strategy of the catalog.
@Suite struct ArrivalTests {
    private static let initial = PromptState(
        parameters: Parameters([
            (Parameters.prompts, Tensor(shape: [4, 2], values: (0..<8).map { Float($0) / 8 })),
            (Parameters.headBias, Tensor(zeros: [3])),
            (Parameters.headWeight, Tensor(zeros: [3, 2])),
        ]), promptIDs: [0, 1, 2, 3])

    private struct Run {
        var aggregator: Aggregator
        var tasks: [ClientID: AggregatorMessage.Task] = [:]

        init(_ strategy: any AggregationStrategy) throws {
            aggregator = try Aggregator(
                configuration: FederationConfiguration(
                    seed: 1, mode: .buffered(.init(size: 5, flushAfter: nil)), clientsToStart: 6),
                run: 1, strategy: strategy)
            take(.started)
            for index in 0..<6 {
                take(.received(.hello(.init(client: ClientID("c\(index)"), session: 1, sampleCount: 10))))
            }
        }

        mutating func take(_ kind: AggregatorEvent.Kind) {
            for case .publish(_, .task(let task)) in aggregator.handle(.init(time: .init(nanoseconds: 0), kind: kind)) {
                tasks[task.client] = task
            }
        }
    }

    /// Each client's update follows from its name and task alone.
    private func update(_ task: AggregatorMessage.Task, of index: Int, base: PromptState) -> ClientMessage.Update {
        var random = SeededRandom(seed: UInt64(index), stream: UInt64(task.version))
        var parameters = base.parameters
        for entry in base.parameters.entries {
            var tensor = entry.tensor
            for place in tensor.values.indices { tensor.values[place] += Float(random.nextNormal()) / 8 }
            parameters[entry.name] = tensor
        }
        return .init(
            client: task.client, session: 1, run: 1, task: task.number, baseVersion: task.version,
            sampleCount: 10 + 7 * index, parameters: parameters, promptIDs: base.promptIDs, metrics: [])
    }

    /// The last of six stays out of the first flush and is stale in the second.
    @Test(arguments: StrategyCatalog.names.filter { !["fedcof", "pfedpg", "scaffold"].contains($0) })
    func theOrderWithinAFlushChangesNothing(name: String) throws {
        let settings = try StrategyCatalog.entry(name).settings.map(\.key)
        let quick = [(key: "sweeps", value: "3"), (key: "hidden", value: "8")].filter { settings.contains($0.key) }
        let strategy = try StrategyCatalog.make(
            name: name, settings: StrategySettings(quick), initial: Self.initial, seed: 5)
        var states: [PromptState] = []
        for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3]] {
            var run = try Run(strategy)
            for flush in 0..<2 {
                let base = run.aggregator.current
                let tasks = run.tasks
                for index in order {
                    // In the second flush the last client answers its first task, in place of the first one's second.
                    let client = flush == 1 && index == 0 ? 5 : index
                    let task = tasks[ClientID("c\(client)")]!
                    let state = task.version == base.version ? base.state : Self.initial
                    run.take(.received(.update(update(task, of: client, base: state))))
                }
                #expect(run.aggregator.version == flush + 1)
            }
            states.append(run.aggregator.current.state)
        }
        #expect(states[1] == states[0] && states[2] == states[0])
        #expect((states[0] != Self.initial) == (name != "isolated"))
    }
}
