import Federation
import PromptAggregation
import Testing

/// An aggregator that is asked to come to rest, and one that goes on afterwards.
@Suite struct DrainTests {
    private func running(_ mode: Mode = .buffered(.init(size: 3, flushAfter: .seconds(30)))) -> Bench {
        var bench = Bench(mode: mode, stop: StopCondition(versions: 0, updates: 5, duration: nil))
        for name in ["a", "b", "c"] { bench.hello(name) }
        return bench
    }

    @Test func itWaitsForTheTasksInFlightGivesOutNoneAndMakesALastVersion() {
        var bench = running()
        bench.update("a", 1, base: 0)
        bench.take(.drainRequested(within: .seconds(60)))
        #expect(bench.aggregator.phase == .draining && bench.timers == [.drainDeadline])
        bench.update("b", 1, base: 0)
        #expect(bench.tasked.isEmpty && bench.published.isEmpty && !bench.last.contains(.rest))
        bench.update("c", 1, base: 0)
        #expect(bench.published == [1] && bench.tasked.isEmpty)
        #expect(bench.last.last == .rest && bench.aggregator.phase == .resting)
    }

    @Test func aTrainingThatFailedHoldsUpNoDrainAndWhatIsBufferedMakesAVersion() {
        var bench = running()
        bench.update("a", 1, base: 0)
        bench.update("b", 1, base: 0)
        bench.take(.drainRequested(within: .seconds(60)))
        let idle = ClientMessage.Heartbeat(
            client: ClientID("c"), session: 1, activity: .idle, lastVersion: 0, task: 1_000, outstanding: 0)
        bench.take(.received(.heartbeat(idle)))
        #expect(bench.published == [1] && bench.last.last == .rest && bench.aggregator.buffered == 0)
    }

    @Test func theDeadlineEndsTheWait() {
        var bench = running()
        bench.update("a", 1, base: 0)
        bench.take(.drainRequested(within: .seconds(1)))
        bench.take(.timerFired(.drainDeadline))
        #expect(bench.published == [1] && bench.last.last == .rest)
        #expect(bench.aggregator.counts.inFlight == 2)
    }

    @Test func aClientThatIsLostHoldsUpNoDrain() {
        var bench = running(.continuous)
        bench.take(.drainRequested(within: .seconds(600)))
        bench.pass(.seconds(11))
        bench.take(.timerFired(.leaseSweep))
        #expect(bench.aggregator.counts.inFlight == 0 && bench.last.last == .rest)
    }

    @Test func atRestNothingHappensAndWhatStillArrivesIsKeptForLater() {
        var bench = running()
        bench.take(.drainRequested(within: .zero))
        bench.take(.timerFired(.drainDeadline))
        bench.update("a", 1, base: 0)
        #expect(bench.acks.count == 1 && bench.aggregator.buffered == 1)
        #expect(bench.tasked.isEmpty && bench.published.isEmpty)
        for late in [AggregatorTimer.flushDeadline(0), .runDeadline, .drainDeadline] {
            bench.take(.timerFired(late))
            #expect(bench.last.isEmpty, "\(late)")
        }
        bench.take(.drainRequested(within: .zero))
        #expect(bench.last.isEmpty)
    }

    @Test func startedAgainItGoesOnFromASnapshotAsFromItself() throws {
        var bench = running()
        bench.update("a", 1, base: 0)
        bench.take(.drainRequested(within: .seconds(1)))
        let draining = try restored(bench)
        #expect(draining.phase == .draining)
        bench.take(.timerFired(.drainDeadline))
        bench.aggregator = try restored(bench)
        bench.take(.started)
        #expect(bench.aggregator.phase == .running && bench.aggregator.version == 1)
        bench.hello("a", session: 2)
        #expect(bench.tasked == ["a"])
        for sequence in 1...4 { bench.update("a", UInt64(sequence), session: 2, base: 1) }
        #expect(bench.finished)
    }

    @Test func aRunThatEndsWhileItDrainsHasFinished() {
        var bench = running(.continuous)
        bench.take(.drainRequested(within: .seconds(60)))
        bench.take(.timerFired(.runDeadline))
        #expect(bench.finished && bench.aggregator.phase == .finished)
        bench.take(.timerFired(.drainDeadline))
        bench.take(.drainRequested(within: .zero))
        #expect(bench.aggregator.phase == .finished)
    }

    private func restored(_ bench: Bench) throws -> Aggregator {
        try Aggregator(
            configuration: bench.aggregator.configuration, strategy: SummingStrategy(),
            snapshot: bench.aggregator.snapshot())
    }
}
