import Federation
import PromptAggregation
import Testing

/// What an update must hold to count.
@Suite struct UpdateTests {
    private func bench() throws -> Bench {
        var bench = try Bench(mode: .buffered(.init(size: 100, flushAfter: .seconds(1))), maximumStaleness: 1)
        for name in ["a", "b", "c"] { bench.hello(name) }
        return bench
    }

    @Test(
        "what does not fit is refused with a reason",
        arguments: [
            (base: 1, values: [1, 0], ids: [0], samples: 10, "expected a base version up to 0, found 1"),
            (
                base: -1, values: [1, 0], ids: [0], samples: 10,
                "expected a base version from 0, which the task names, found -1"
            ),
            (base: 0, values: [1, .nan], ids: [0], samples: 10, "prompts: expected finite values, found nan at 1"),
            (
                base: 0, values: [1, -3e38], ids: [0], samples: 10,
                "prompts: expected values within ±1e+15, found -3e+38 at 1"
            ),
            (base: 0, values: [1, 0], ids: [7], samples: 10, "prompt identities: 7 is not in version 0"),
            (base: 0, values: [1, 0, 0, 0], ids: [1, 1], samples: 10, "prompt identities: 1 is given twice"),
            (base: 0, values: [1, 0], ids: [0], samples: 0, "expected a sample count of at least 1, found 0"),
        ] as [(base: Int, values: [Float], ids: [PromptID], samples: Int, String)])
    func misfit(base: Int, values: [Float], ids: [PromptID], samples: Int, reason: String) throws {
        var bench = try bench()
        let task = bench.tasks["a"]!.number
        bench.update("a", base: base, values: values, ids: ids, samples: samples)
        #expect(bench.rejects.map(\.reason) == [reason] && bench.rejects.map(\.task) == [task])
        #expect(bench.aggregator.buffered == 0)
        #expect(bench.tasked == ["a"], "the client is asked again")
        bench.update("a", task: task, base: 0)
        #expect(bench.verdicts == [.duplicate], "a task is judged once")
        #expect(bench.rejects.map(\.task) == [task] && bench.acks.isEmpty, "and a lost rejection is told again")
        bench.update("a", base: 0)
        #expect(bench.verdicts == [.accepted])
    }

    @Test func tensorsMustBeTheOnesThatWerePublished() throws {
        var bench = try bench()
        func send(_ parameters: Parameters, _ ids: [PromptID]) {
            bench.take(
                .received(
                    .update(
                        .init(
                            client: ClientID("a"), session: 1, run: Bench.run, task: bench.tasks["a"]!.number,
                            baseVersion: 0, sampleCount: 1, parameters: parameters, promptIDs: ids, metrics: []))))
        }
        send(Parameters([("head", Tensor(zeros: [1]))]), [])
        #expect(bench.rejects.map(\.reason) == ["expected the tensors [\"prompts\"], found [\"head\"]"])
        send(Parameters([(Parameters.prompts, Tensor(zeros: [1, 3]))]), [0])
        #expect(bench.rejects.map(\.reason) == ["prompts: expected shape [1, 2], found [1, 3]"])
    }

    @Test func aChangeOrASampleCountAboveTheBoundIsRefused() throws {
        var bench = try Bench(mode: .continuous, checks: UpdateChecks(maximumNorm: 5, maximumSampleCount: 50))
        bench.hello("a")
        bench.update("a", base: 0, values: [3, 4], ids: [1])
        #expect(bench.verdicts == [.accepted], "3² + 4² = 5² is within the bound")
        bench.update("a", base: 1, values: [0, 0, 6, 4.5], ids: [1, 0])
        #expect(bench.rejects.map(\.code) == [.invalid])
        #expect(bench.rejects.allSatisfy { $0.reason.hasPrefix("expected a change of at most 5.0") })
        bench.update("a", base: 1, samples: 51)
        #expect(bench.rejects.map(\.reason) == ["expected a sample count of at most 50, found 51"])
        bench.update("a", base: 1, samples: 50)
        #expect(bench.verdicts == [.accepted] && bench.aggregator.counts.accepted == 2)
    }

    @Test func theNormIsOfTheChangeAndNotOfTheValues() throws {
        var bench = try Bench(mode: .continuous, checks: UpdateChecks(maximumNorm: 2))
        bench.hello("a")
        for turn in 1...5 {
            // The strategy adds the first value to the pool's first prompt, which so moves on by 1 each time.
            let start = bench.aggregator.current.state.prompts.values[0]
            bench.update("a", base: bench.aggregator.version, values: [start + 1, 0])
            #expect(bench.verdicts == [.accepted], "turn \(turn) from \(start)")
        }
        #expect(bench.aggregator.current.state.prompts.values[0] > 2)
    }

    @Test func whatStrangersSendIsAnsweredWithoutAnEvent() throws {
        var bench = try Bench(mode: .continuous, checks: UpdateChecks(quarantineAfter: 1))
        bench.hello("a")
        bench.hello("b")
        bench.update("b", task: 99, base: 0)
        func answer(_ name: String, run: UInt64 = Bench.run, task: UInt64 = 1) -> AggregatorMessage.Reject.Code? {
            let update = ClientMessage.Update(
                client: ClientID(name), session: 1, run: run, task: task, baseVersion: 0, sampleCount: 1,
                parameters: SummingStrategy().state.parameters, promptIDs: [0, 1], metrics: [])
            guard case .reject(let reject) = bench.aggregator.turnsAway(.update(update)) else { return nil }
            return reject.code
        }
        #expect(answer("nobody") == .unknownTask && answer("a", run: 4) == .otherRun)
        #expect(answer("b", task: 2) == .quarantined)
        #expect(answer("a") == nil && answer("a", task: 50) == nil, "what a client does counts, also where it is wrong")
        let hello = ClientMessage.hello(.init(client: ClientID("nobody"), session: 1, sampleCount: 1))
        #expect(bench.aggregator.turnsAway(hello) == nil)
    }

    @Test func anAcceptedUpdateBeginsTheCountOfInvalidOnesAnew() throws {
        var bench = try Bench(mode: .continuous, checks: UpdateChecks(quarantineAfter: 2))
        bench.hello("a")
        for _ in 0..<3 {
            bench.update("a", base: bench.aggregator.version, values: [.infinity, 0])
            bench.update("a", base: bench.aggregator.version)
        }
        #expect(bench.aggregator.counts.quarantined == 0)
        bench.update("a", base: bench.aggregator.version, values: [.infinity, 0])
        bench.update("a", base: bench.aggregator.version, ids: [8])
        #expect(bench.last.contains(.presenceChanged(ClientID("a"), .quarantined)))
        #expect(bench.refusals.allSatisfy { $0.reason.contains("8 is not in version 3") })
        bench.update("a", task: 2, base: 0)
        #expect(bench.acks.map(\.task) == [2], "what was accepted stays acknowledged")
    }

    @Test func aTasksRatesAreThoseOfItsVersion() throws {
        var bench = try Bench(mode: .continuous, schedule: .linear(versions: 4, floor: 0))
        let rate = TrainingPlan().headLearningRate
        bench.hello("a")
        bench.hello("b")
        #expect(bench.plans.map(\.headLearningRate) == [rate])
        for version in 0..<3 {
            bench.update("a", base: version)
            #expect(bench.plans == [TrainingPlan().scalingRates(by: 1 - Double(version + 1) / 4)])
        }
        // Client b's task went lost on version 0 and comes again as it was.
        bench.heartbeat("b", .idle, task: 0)
        #expect(bench.plans.map(\.headLearningRate) == [rate])
    }

    @Test func stalenessWeighsAndIsCounted() throws {
        var bench = try Bench(mode: .buffered(.init(size: 2, flushAfter: nil)))
        for name in ["a", "b", "c"] { bench.hello(name) }
        bench.update("a", base: 0)
        bench.update("b", base: 0)
        #expect(bench.published == [1])
        bench.update("c", base: 0)
        bench.update("a", base: 1)
        let parts = bench.flushes[0].parts
        #expect(parts.map(\.client.name) == ["a", "c"], "summed in the order of the clients")
        #expect(parts.map(\.staleness) == [0, 1])
        #expect(parts[1].stalenessWeight == 1 / (2.0).squareRoot())
        #expect(bench.aggregator.counts.usedLate == 1)
    }

    @Test func aPresenceIsTheHeartbeatsThatItHolds() throws {
        var bench = try Bench(mode: .continuous)
        bench.hello("a")
        bench.hello("b")
        var one = bench
        func beat(_ name: String, task: UInt64) -> ClientMessage.Heartbeat {
            .init(client: ClientID(name), session: 1, activity: .idle, task: task, outstanding: 0)
        }
        bench.take(.received(.presence(.init(heartbeats: [beat("b", task: 0), beat("c", task: 0)]))))
        one.take(.received(.heartbeat(beat("b", task: 0))))
        let first = one.last
        one.take(.received(.heartbeat(beat("c", task: 0))))
        #expect(bench.last == first + one.last && bench.tasked == ["b"])
        #expect(bench.aggregator.snapshot() == one.aggregator.snapshot())
    }

    @Test func concurrencyLimitsTheTasksInFlight() throws {
        var bench = try Bench(mode: .continuous, concurrency: 2)
        for name in ["a", "b", "c", "d"] { bench.hello(name) }
        #expect(bench.aggregator.counts.inFlight == 2 && bench.tasked.isEmpty)
        bench.update("a", base: 0)
        #expect(bench.tasked.count == 1 && bench.aggregator.counts.inFlight == 2)
    }

    /// Every client gets about as many tasks as any other: the draw is uniform over the idle ones.
    @Test func tasksAreDrawnEvenly() throws {
        var bench = try Bench(mode: .continuous, concurrency: 1)
        let names = (0..<10).map { "c\($0)" }
        for name in names { bench.hello(name) }
        var given: [String: Int] = [:]
        for _ in 0..<2_000 {
            let name = bench.aggregator.clientStates.first { $0.taskVersion != nil }!.id.name
            bench.update(name, base: bench.aggregator.version)
            given[name, default: 0] += 1
        }
        // 200 each, with a standard deviation of 13.4.
        #expect(names.allSatisfy { (145...255).contains(given[$0] ?? 0) }, "\(given)")
    }
}
