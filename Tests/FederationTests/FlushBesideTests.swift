import Federation
import PromptAggregation
import Testing

/// Flushes that are aggregated beside the core, and what continues meanwhile.
@Suite struct FlushBesideTests {
    private static func bench(
        _ mode: Mode = .buffered(.init(size: 2, flushAfter: .seconds(5))), from values: Int = 0,
        stop: StopCondition = StopCondition()
    ) throws -> Bench {
        var bench = try Bench(
            FederationConfiguration(seed: 1, mode: mode, stop: stop, flushBesideValues: values))
        for name in ["a", "b", "c"] { bench.hello(name) }
        return bench
    }

    /// Of a flush with the updates of a and b.
    private static func cut(_ mode: Mode = .buffered(.init(size: 2, flushAfter: .seconds(5)))) throws -> Bench {
        var bench = try bench(mode)
        bench.update("a", base: 0)
        bench.update("b", base: 0, values: [2, 0])
        #expect(bench.aggregator.flushUnderWay == 1 && bench.aggregator.version == 0)
        #expect(bench.flushes.isEmpty && bench.published.isEmpty && bench.acks.count == 1)
        return bench
    }

    @Test func updatesTasksAndSignsOfLifeContinueMeanwhile() throws {
        var bench = try Self.cut()
        bench.update("c", base: 0, values: [4, 0])
        #expect(bench.acks.map(\.client.name) == ["c"] && bench.aggregator.buffered == 3)
        bench.hello("d")
        #expect(bench.tasked == ["d"] && bench.tasks["d"]?.version == 0)
        bench.wait(.seconds(20))
        #expect(bench.aggregator.version == 0 && bench.flushes.isEmpty, "nothing is flushed twice")
        #expect(bench.aggregator.counts.clientsAlive == 0, "leases run on")

        bench.take(.aggregated(1))
        #expect(bench.published == [1, 1] || bench.published == [1])
        let parts = try #require(bench.flushes.first).parts
        #expect(parts.map(\.client.name) == ["a", "b"], "what came after the cut is for the next version")
        #expect(bench.aggregator.current.state.prompts.values[0] == 3)
        // The wait for c's update was over long before.
        #expect(bench.aggregator.flushUnderWay == 2)
        bench.take(.aggregated(2))
        #expect(bench.flushes.first?.parts.map(\.staleness) == [1])
        #expect(bench.aggregator.current.state.prompts.values[0] == 7 && bench.aggregator.buffered == 0)
    }

    @Test func whoeverIsInTheFlushIsAskedAgainOnTheNextVersion() throws {
        var bench = try Self.cut()
        #expect(bench.tasked.isEmpty)
        bench.heartbeat("a", .idle)
        #expect(bench.tasked.isEmpty, "a's update is of this version")
        bench.take(.aggregated(1))
        #expect(bench.tasked.sorted() == ["a", "b"] && bench.tasks["a"]?.version == 1)
    }

    @Test func anOutcomeFromElsewhereGivesTheSameBits() throws {
        let bench = try Self.cut()
        let work = try #require(bench.aggregator.flushWork)
        let event = AggregatorEvent(time: bench.now, kind: .aggregated(1))
        let outcome = work.perform()
        var (here, there) = (bench.aggregator, bench.aggregator)
        let effects = here.handle(event)
        #expect(effects == there.handle(event, with: outcome))
        #expect(here.snapshot() == there.snapshot() && here.version == 1)
        #expect(effects.contains(.publish(.all, .prompts(outcome.message))))
    }

    @Test func anyOtherVersionIsPassedOver() throws {
        var bench = try Self.cut()
        for version in [-1, 0, 2] {
            bench.take(.aggregated(version))
            #expect(bench.aggregator.version == 0 && bench.aggregator.flushUnderWay == 1)
        }
        bench.take(.aggregated(1))
        bench.take(.aggregated(1))
        #expect(bench.aggregator.version == 1 && bench.aggregator.flushUnderWay == nil)
    }

    /// What is accepted meanwhile counts a version later.
    @Test func stalenessIsBoundedByTheVersionAfterIt() throws {
        for (most, verdict) in [
            (1, Verdict.accepted), (0, .rejected(.tooStale, reason: "expected a base version from 1, found 0")),
        ] {
            var bench = try Bench(
                FederationConfiguration(
                    seed: 1, mode: .buffered(.init(size: 2, flushAfter: nil)), maximumStaleness: most,
                    flushBesideValues: 0))
            for name in ["a", "b", "c"] { bench.hello(name) }
            bench.update("a", base: 0)
            bench.update("b", base: 0)
            bench.update("c", base: 0)
            #expect(bench.verdicts == [verdict])
            bench.hello("d")
            #expect(bench.tasked.isEmpty == (most == 0))
        }
    }

    @Test func aRestartBeginsTheFlushAgain() throws {
        var bench = try Self.cut()
        bench.update("c", base: 0)
        let before = bench.aggregator.snapshot()
        #expect(try bench.restored().snapshot() == before)
        try bench.restart()
        #expect(bench.aggregator.flushUnderWay == 1 && bench.aggregator.flushWork?.version == 1)
        bench.take(.aggregated(1))
        #expect(bench.aggregator.current.state.prompts.values[0] == 3 && bench.aggregator.buffered == 1)
    }

    @Test func theEndOfTheRunWaitsForIt() throws {
        for stop in [StopCondition(updates: 2), StopCondition(versions: 1), StopCondition(duration: .seconds(3))] {
            var bench = try Self.bench(stop: stop)
            bench.update("a", base: 0)
            bench.update("b", base: 0)
            #expect(!bench.wait(.seconds(4)).contains(.finish), "\(stop)")
            bench.update("c", base: 0)
            #expect(bench.acks.count == 1)
            bench.take(.aggregated(1))
            #expect(bench.aggregator.phase == .running, "c's update was acknowledged, so it makes a version")
            bench.take(.aggregated(2))
            #expect(bench.finished && bench.aggregator.version == 2 && bench.aggregator.buffered == 0, "\(stop)")
        }
    }

    @Test func aDrainWaitsForIt() throws {
        var bench = try Self.cut()
        bench.take(.drainRequested(within: .seconds(1)))
        #expect(!bench.wait(.seconds(3)).contains(.rest))
        bench.take(.aggregated(1))
        #expect(bench.last.contains(.rest) && bench.aggregator.phase == .resting)
    }

    @Test(arguments: Mode.Synchronous.LateUpdates.allCases)
    func aRoundThatIsCutIsOver(late: Mode.Synchronous.LateUpdates) throws {
        var bench = try Self.cut(
            .synchronous(.init(cohort: 2, overSelection: 0.5, quorum: 1, deadline: .seconds(9), late: late)))
        bench.update("c", base: 0)
        #expect(bench.verdicts == [late == .discard ? .tooLate : .accepted])
        bench.hello("d")
        #expect(bench.tasked.isEmpty, "the next round is of the next version")
        bench.take(.aggregated(1))
        #expect(bench.flushes.first?.parts.count == 2 && bench.tasks["a"]?.version == 1)
        #expect(bench.aggregator.buffered == (late == .discard ? 0 : 1))
    }

    @Test func smallFlushesAreMadeWithinTheirEvent() throws {
        // An update has two values here.
        for (bound, isBeside) in [(4, true), (5, false)] {
            var bench = try Self.bench(from: bound)
            bench.update("a", base: 0)
            bench.update("b", base: 0)
            #expect((bench.aggregator.flushUnderWay == 1) == isBeside && bench.aggregator.version == (isBeside ? 0 : 1))
        }
    }

    /// Where aggregation takes no time, all effects are those of flushes within events.
    @Test(arguments: SnapshotTests.modes, DispatchOrder.allCases)
    func aFlushThatTakesNoTimeChangesNothing(mode: Mode, order: DispatchOrder) throws {
        for seed in UInt64(1)...20 {
            var effects: [[AggregatorEffect]] = []
            for bound in [0, Int.max] {
                var random = SeededRandom(seed: seed)
                var bench = try Bench(
                    FederationConfiguration(
                        seed: seed, mode: mode, concurrency: 3, order: order, maximumStaleness: 3,
                        stop: StopCondition(updates: 30), flushBesideValues: bound))
                var all = bench.last
                func add(_ bench: inout Bench) {
                    all += bench.last
                    while let version = bench.aggregator.flushUnderWay {
                        bench.take(.aggregated(version))
                        all += bench.last
                    }
                }
                for _ in 0..<120 {
                    let name = ["a", "b", "c", "d", "e"][Int(random.next(upperBound: 5))]
                    switch random.next(upperBound: 6) {
                    case 0: bench.hello(name)
                    case 1: bench.heartbeat(name)
                    case 2: bench.goodbye(name)
                    default: bench.update(name, base: bench.tasks[name]?.version ?? 0)
                    }
                    add(&bench)
                    let end = bench.now + .milliseconds(Int64(random.next(upperBound: 900)))
                    while let next = bench.aggregator.nextDeadline, next <= end {
                        bench.now = next
                        bench.take(.tick)
                        add(&bench)
                    }
                    bench.now = end
                }
                #expect(bench.aggregator.version > 3)
                effects.append(all)
            }
            #expect(effects[0] == effects[1], "seed \(seed)")
        }
    }
}
