import Federation
import PromptAggregation
import Testing

/// When versions are made and who is asked to train, for each mode.
@Suite struct ModeTests {
    static let round = Mode.Synchronous(cohort: 2, overSelection: 0, quorum: 1, deadline: .seconds(5), late: .discard)

    @Test func continuousFlushesAtEachUpdate() {
        var bench = Bench(mode: .continuous)
        bench.hello("a")
        #expect(bench.tasked == ["a"])
        bench.update("a", 1, base: 0)
        #expect(bench.published == [1])
        #expect(bench.tasked == ["a"], "the client trains on from the new version")
    }

    @Test func aTasksRatesAreThoseOfItsVersion() {
        var bench = Bench(mode: .continuous, schedule: .linear(versions: 4, floor: 0))
        let rate = TrainingPlan().headLearningRate
        bench.hello("a")
        bench.hello("b")
        #expect(bench.plans.map(\.headLearningRate) == [rate])
        for version in 0..<3 {
            bench.update("a", UInt64(version) + 1, base: version)
            #expect(bench.plans == [TrainingPlan().scalingRates(by: 1 - Double(version + 1) / 4)])
        }
        // Client b's task went lost on version 0 and comes again as it was.
        bench.take(
            .received(
                .heartbeat(
                    .init(
                        client: ClientID("b"), session: 1, activity: .idle, lastVersion: 0, task: 0, outstanding: 0))))
        #expect(bench.plans.map(\.headLearningRate) == [rate])
    }

    @Test func bufferedFlushesAfterSizeUpdatesWithTheirStaleness() {
        var bench = Bench(mode: .buffered(.init(size: 2, flushAfter: nil)))
        for name in ["a", "b", "c"] { bench.hello(name) }
        bench.update("a", 1, base: 0)
        #expect(bench.published.isEmpty)
        bench.update("b", 1, base: 0)
        #expect(bench.published == [1])
        bench.update("c", 1, base: 0)
        bench.update("a", 2, base: 1)
        let parts = bench.flushes[0].parts
        #expect(parts.map(\.client.name) == ["a", "c"], "summed in the order of the clients")
        #expect(parts.map(\.staleness) == [0, 1])
        #expect(parts[1].stalenessWeight == 1 / (2.0).squareRoot())
        #expect(bench.aggregator.counts.usedLate == 1)
    }

    @Test func aClientWaitsWhileItsUpdateOfTheCurrentVersionIsInTheBuffer() {
        var bench = Bench(mode: .buffered(.init(size: 3, flushAfter: nil)))
        for name in ["a", "b", "c"] { bench.hello(name) }
        bench.update("a", 1, base: 0)
        #expect(bench.tasked.isEmpty)
    }

    @Test func aBufferLargerThanTheFederationDoesNotHang() {
        var bench = Bench(mode: .buffered(.init(size: 10, flushAfter: nil)))
        bench.hello("a")
        bench.hello("b")
        bench.update("a", 1, base: 0)
        #expect(bench.published.isEmpty)
        bench.update("b", 1, base: 0)
        #expect(bench.published == [1])
    }

    @Test func aClientThatIsLostNoLongerHoldsUpTheBuffer() {
        var bench = Bench(mode: .buffered(.init(size: 2, flushAfter: nil)))
        bench.hello("a")
        bench.hello("b")
        bench.pass(.seconds(8))
        bench.update("a", 1, base: 0)
        bench.pass(.seconds(3))
        bench.take(.timerFired(.leaseSweep))
        #expect(bench.last.contains(.presenceChanged(ClientID("b"), .lost)))
        #expect(bench.published == [1])
    }

    @Test func theFlushDeadlineGuardsItsVersion() {
        var bench = Bench(mode: .buffered(.init(size: 2, flushAfter: .seconds(1))))
        for name in ["a", "b", "c"] { bench.hello(name) }
        bench.update("a", 1, base: 0)
        #expect(bench.timers == [.flushDeadline(0)])
        bench.update("b", 1, base: 0)
        bench.update("c", 1, base: 0)
        bench.take(.timerFired(.flushDeadline(0)))
        #expect(bench.published.isEmpty, "the deadline of version 0 must not publish version 2 early")
        bench.take(.timerFired(.flushDeadline(1)))
        #expect(bench.published == [2])
    }

    @Test func concurrencyLimitsTheTasksInFlight() {
        var bench = Bench(mode: .continuous, concurrency: 2)
        for name in ["a", "b", "c", "d"] { bench.hello(name) }
        #expect(bench.aggregator.counts.inFlight == 2)
        #expect(bench.tasked.isEmpty)
        bench.update("a", 1, base: 0)
        #expect(bench.tasked.count == 1)
        #expect(bench.aggregator.counts.inFlight == 2)
    }

    @Test func synchronousAsksACohortAndMore() {
        var bench = Bench(
            mode: .synchronous(
                .init(cohort: 2, overSelection: 0.5, quorum: 1, deadline: .seconds(5), late: .discard)),
            clientsToStart: 5)
        for name in ["a", "b", "c", "d"] { bench.hello(name) }
        #expect(bench.tasked.isEmpty, "the run waits until its clients have gathered")
        bench.hello("e")
        #expect(bench.tasked.count == 3)
        #expect(bench.timers.contains(.roundDeadline(0)))
        let asked = bench.tasked
        bench.update(asked[0], 1, base: 0)
        bench.update(asked[1], 1, base: 0)
        #expect(bench.published == [1])
        bench.update(asked[2], 1, base: 0)
        #expect(bench.acks.count == 1)
        #expect(bench.aggregator.counts.discardedLate == 1)
        #expect(bench.aggregator.buffered == 0)
    }

    @Test func synchronousCarriesLateUpdatesOver() {
        var round = Self.round
        round.overSelection = 0.5
        round.late = .carryOver
        var bench = Bench(mode: .synchronous(round), clientsToStart: 3)
        for name in ["a", "b", "c"] { bench.hello(name) }
        bench.update("a", 1, base: 0)
        bench.update("b", 1, base: 0)
        bench.update("c", 1, base: 0)
        bench.update("a", 2, base: 1)
        bench.update("b", 2, base: 1)
        #expect(bench.flushes[0].parts.map(\.staleness) == [0, 0, 1])
    }

    @Test func theRoundDeadlineNeedsTheQuorum() {
        var round = Self.round
        round.cohort = 3
        round.quorum = 2
        var bench = Bench(mode: .synchronous(round), clientsToStart: 3)
        for name in ["a", "b", "c"] { bench.hello(name) }
        bench.update("a", 1, base: 0)
        bench.take(.timerFired(.roundDeadline(0)))
        #expect(bench.published.isEmpty)
        bench.update("b", 1, base: 0)
        #expect(bench.published == [1])
        bench.update("c", 1, base: 1)
        bench.take(.timerFired(.roundDeadline(0)))
        #expect(bench.published.isEmpty, "a stale deadline must not end the next round")
    }

    @Test func aRoundAsksOthersWhenOneOfItsClientsLeaves() {
        var round = Self.round
        round.cohort = 1
        var bench = Bench(mode: .synchronous(round), clientsToStart: 2)
        bench.hello("a")
        bench.hello("b")
        let asked = bench.tasked[0]
        bench.take(.received(.goodbye(.init(client: ClientID(asked), session: 1))))
        #expect(bench.tasked == [asked == "a" ? "b" : "a"])
    }

    @Test func theRunEndsAtItsVersionAndAnswersWhatStillComes() {
        var bench = Bench(mode: .continuous, stop: StopCondition(versions: 1))
        bench.hello("a")
        bench.hello("b")
        bench.update("a", 1, base: 0)
        #expect(bench.finished)
        #expect(bench.tasked.isEmpty)
        bench.update("b", 1, base: 0)
        #expect(bench.rejects.map(\.code) == [.finished])
    }

    @Test func whatWasAcknowledgedMakesALastVersion() {
        var bench = Bench(
            mode: .buffered(.init(size: 3, flushAfter: nil)), stop: StopCondition(duration: .seconds(60)))
        for name in ["a", "b", "c"] { bench.hello(name) }
        bench.update("a", 1, base: 0)
        bench.take(.timerFired(.runDeadline))
        #expect(bench.published == [1])
        #expect(bench.finished)
    }
}
