import Federation
import FederationRun
import Lab
import PromptAggregation
import RunLog
import RunSettings
import TestSupport
import Testing

/// Recorded updates aggregated in other ways.
@Suite(.serialized) struct WhatIfTests {
    @Test(
        "the recorded method gives the recorded state, bit for bit",
        arguments: [
            ["strategy.name=pfpt-async", "training.prompt_learning_rate=10"],
            ["strategy.name=pfpt", "strategy.sweeps=5"],
            ["strategy.name=fedopt", "federation.mode=continuous"],
            ["strategy.name=scaffold", "training.prompt_learning_rate=0.05", "training.head_learning_rate=0.05"],
            [
                "strategy.name=fedavg", "federation.mode=synchronous", "federation.cohort=2",
                "federation.over_selection=1", "run.updates=20",
            ],
        ])
    func identity(settings: [String]) throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(folder, settings)
            let same = try WhatIf(log: run.log, methods: WhatIfMethods())
            #expect(same.others.count == 1 && same.recorded.versions > 3)
            for outcome in same.others { expectNoDifference(outcome, same.recorded) }
            let middle = try WhatIf(log: run.log, methods: WhatIfMethods(), until: 2)
            #expect(middle.recorded.versions == 2)
            expectNoDifference(middle.others[0], middle.recorded)
            #expect(middle.start.headDistance > 0 && middle.start.headDistance != same.start.headDistance)
        }
    }

    @Test func anUpdateThatComesDuringAFlushIsForTheNext() throws {
        try withTemporaryFolder { folder in
            let run = try ScriptedRun.write(
                to: folder, ["federation.flush_beside_values=0", "strategy.name=fedbuff", "federation.concurrency=3"])
            var waiting: Set<UInt64> = []
            var meanwhile = 0
            _ = try Replay(path: run.log) { step in
                switch step {
                case .judged(let update, .accepted): waiting.insert(update.task)
                case .effect(.flushed(let flush)):
                    waiting.subtract(flush.parts.map(\.task))
                    meanwhile += waiting.count
                default: break
                }
            }
            #expect(meanwhile > 2, "a flush within an event leaves nothing over")
            let same = try WhatIf(log: run.log, methods: WhatIfMethods())
            #expect(same.recorded.versions > 3)
            expectNoDifference(same.others[0], same.recorded)
        }
    }

    private func expectNoDifference(_ outcome: WhatIf.Outcome, _ recorded: WhatIf.Outcome) {
        #expect(outcome.headDistance == 0 && outcome.promptDistance == 0)
        #expect(outcome.versions == recorded.versions && outcome.updates == recorded.updates)
        #expect(outcome.pool == recorded.pool)
    }

    /// The last versions may be made of fewer updates, when fewer clients are alive; here all stay.
    @Test func aBufferOfTheRecordedSizeIsTheRecordedRun() throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(folder, ["federation.flush_after_seconds=0", "run.updates=11"])
            func methods(_ size: Int) -> WhatIfMethods {
                WhatIfMethods(strategies: ["pfpt-async"], assignments: ["federation.buffer_size=\(size)"])
            }
            let same = try WhatIf(log: run.log, methods: methods(2))
            #expect(same.recorded.updates == 11)
            expectNoDifference(same.others[0], same.recorded)
            let each = try WhatIf(log: run.log, methods: methods(1)).others[0]
            #expect(each.versions == 11 && each.updates == 11 && each.headDistance > 0)
            let all = try WhatIf(log: run.log, methods: methods(1_000)).others[0]
            #expect(all.versions == 1 && all.updates == 11 && all.headDistance > 0)
        }
    }

    @Test func fedAvgIsTheSumOfTheRecordedDisplacements() throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(folder, ["training.prompt_learning_rate=10"])
            let twin = try FedAvgTwin(log: run.log)
            let fedAvg = try WhatIf(
                log: run.log,
                methods: WhatIfMethods(
                    strategies: ["fedavg"], assignments: ["federation.staleness_weight=constant"])
            ).others[0]
            #expect(abs(fedAvg.headDistance - twin.headDistance) < 1e-5 * twin.headDistance)
            #expect(twin.headDistance > 1e-3, "the methods differ")
            #expect(twin.strayRows > 0, "some prompts were born in the run")
            #expect(fedAvg.strayShare == Double(twin.strayRows) / Double(twin.rows))
        }
    }

    @Test func stalenessIsCountedInTheMethodsOwnVersions() throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(folder, ["strategy.name=fedbuff", "federation.staleness_weight=constant"])
            let late = try RunInspection(log: run.log).updates.filter { ($0.staleness ?? 0) > 0 }.count
            #expect(late > 0)
            func distance(_ staleness: String, _ buffer: Int?) throws -> Double {
                let settings =
                    ["federation.staleness_weight=\(staleness)"]
                    + (buffer.map { ["federation.buffer_size=\($0)"] } ?? [])
                return try WhatIf(log: run.log, methods: WhatIfMethods(assignments: settings)).others[0].headDistance
            }
            #expect(try distance("constant", nil) == 0)
            #expect(try distance("inverse-sqrt", nil) > 0)
            // A single version of everything knows no staleness, so its policy makes no difference.
            #expect(try distance("inverse-sqrt", 1_000) == distance("constant", 1_000))
        }
    }

    @Test func settingsGoToTheStrategiesThatHaveThem() throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(folder)
            func others(_ strategies: [String], _ settings: [String]) throws -> [WhatIf.Outcome] {
                try WhatIf(log: run.log, methods: WhatIfMethods(strategies: strategies, assignments: settings)).others
            }
            let both = try others(["fedavg", "fedasync"], ["strategy.mixing=0.5"])
            #expect(both.map(\.method) == ["fedavg", "fedasync"])
            let plain = try others(["fedavg", "fedasync"], [])
            #expect(both[0].headDistance == plain[0].headDistance && both[1].headDistance != plain[1].headDistance)
            let wrong: [(WhatIfMethods, String)] = [
                (.init(strategies: ["fedsum"]), "unknown strategy 'fedsum'"),
                (.init(assignments: ["strategy.server_rate=1"]), "none of pfpt-async has such a setting"),
                (.init(assignments: ["strategy.sweeps=none"]), "'sweeps' must be a whole number"),
                (.init(assignments: ["data.alpha=1"]), "--set data.alpha: expected a setting of a strategy"),
                (.init(assignments: ["federation.staleness_weight=never"]), "expected one of constant, polynomial"),
                (
                    .init(assignments: ["federation.buffer_size=0"]),
                    "--set: federation.buffer_size: expected a whole number from 1 to 1000000, found '0'"
                ),
                (
                    .init(strategies: ["fedavg", "scaffold"]),
                    "--strategy scaffold: expected updates that were made for it"
                ),
                (.init(strategies: ["fedcof"]), "whose clients send something else"),
                (.init(strategies: ["isolated"]), "found those of a run with pfpt-async"),
            ]
            for (methods, words) in wrong {
                let error = #expect(throws: ConfigurationError.self) { try WhatIf(log: run.log, methods: methods) }
                #expect(error?.description.contains(words) ?? false, "\(error?.description ?? "") lacks \(words)")
            }
            #expect(throws: ReplayError.self) { try WhatIf(log: run.log, methods: WhatIfMethods(), until: 99) }
        }
    }

    @Test func aGeneratorTakesUpdatesThatWereMadeForIt() throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(folder, ["strategy.name=fedavg", "head.personal=true", "run.updates=4"])
            let error = #expect(throws: ConfigurationError.self) {
                try WhatIf(log: run.log, methods: WhatIfMethods(strategies: ["pfedpg"]))
            }
            #expect(error?.description.contains("whose clients send something else") ?? false)
        }
    }

    /// Another strategy takes a closed head over: the clients left it alone and sent statistics.
    @Test func aClosedHeadStaysClosed() throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(folder, ["strategy.name=pfpt-async", "strategy.head=closed"])
            let other = try WhatIf(log: run.log, methods: WhatIfMethods(strategies: ["fedavg"]))
            #expect(other.others[0].headDistance == 0 && other.start.headDistance > 0)
            #expect(other.others[0].promptDistance > 0)
            let wrong: [(WhatIfMethods, String)] = [
                (.init(strategies: ["fedavg"], assignments: ["strategy.head=tuned"]), "strategy.head=closed"),
                (.init(strategies: ["pfpt-async"], assignments: ["strategy.head=tuned"]), "sent class statistics"),
            ]
            for (methods, words) in wrong {
                let error = #expect(throws: ConfigurationError.self) { try WhatIf(log: run.log, methods: methods) }
                #expect(error?.description.contains(words) ?? false, "\(error?.description ?? "") lacks \(words)")
            }
        }
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(folder, ["run.updates=4"])
            let error = #expect(throws: ConfigurationError.self) {
                try WhatIf(log: run.log, methods: WhatIfMethods(assignments: ["strategy.head=closed"]))
            }
            #expect(error?.description.contains("sent no class statistics") ?? false)
        }
    }

    @Test func accuracyIsThatOfTheVersion() throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(folder, ["run.updates=6", "data.test_samples=50"])
            let evaluation = try RunEvaluation(log: run.log, version: nil, split: .test, threads: 2)
            let comparison = try WhatIf(
                log: run.log, methods: WhatIfMethods(strategies: ["pfpt-async", "fedavg"]), split: .test, threads: 2)
            #expect(comparison.recorded.accuracy == evaluation.accuracy)
            #expect(comparison.others[0].loss == evaluation.loss)
            #expect(comparison.others[1].loss != evaluation.loss && comparison.others[1].accuracy != nil)
            let table = comparison.lines
            #expect(table.count { $0.hasPrefix("fedavg ") || $0.hasPrefix("as recorded ") } == 2)
            #expect(table.contains { $0.hasPrefix("Open loop") })
        }
    }
}

/// What FedAvg with a constant staleness weight makes of a run's updates, worked out flush by flush in the plainest way,
/// for the head alone.
private struct FedAvgTwin {
    /// Between the head that comes out and the recorded one.
    private(set) var headDistance = 0.0
    /// Prompts of the updates, and those that the initial pool did not hold.
    private(set) var rows = 0
    private(set) var strayRows = 0

    init(log: String) throws {
        var states: [Int: PromptState] = [:]
        var waiting: [ClientMessage.Update] = []
        var head: [String: [Double]] = [:]
        var pool: [PromptID] = []
        let replay = try Replay(path: log) { step in
            switch step {
            case .began(_, let initial):
                states[0] = initial
                pool = initial.promptIDs
                for entry in initial.parameters.entries where Self.isHead(entry.name) {
                    head[entry.name] = entry.tensor.values.map(Double.init)
                }
            case .judged(let update, .accepted): waiting.append(update)
            case .effect(.publishVersion(let prompts)): states[prompts.version] = prompts.state
            case .effect(.flushed(let flush)):
                let samples = Double(flush.parts.reduce(0) { $0 + $1.sampleCount })
                for update in waiting {
                    rows += update.promptIDs.count
                    strayRows += update.promptIDs.filter { !pool.contains($0) }.count
                    for (name, values) in head {
                        let base = states[update.baseVersion]!.parameters[name]!.values
                        let local = update.parameters[name]!.values
                        head[name] = values.indices.map {
                            values[$0] + Double(update.sampleCount) / samples * (Double(local[$0]) - Double(base[$0]))
                        }
                    }
                }
                waiting = []
            case .resumed, .segment, .event, .started, .judged, .effect, .checked, .validated, .checkpoint: break
            }
        }
        let recorded = replay.aggregator!.current.state
        var sum = 0.0
        for (name, values) in head {
            for (value, other) in zip(values, recorded.parameters[name]!.values) {
                sum += (value - Double(other)) * (value - Double(other))
            }
        }
        headDistance = sum.squareRoot()
    }

    private static func isHead(_ name: String) -> Bool { name != Parameters.prompts && !Parameters.isFixed(name) }
}
