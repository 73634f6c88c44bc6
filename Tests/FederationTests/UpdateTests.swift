import Federation
import PromptAggregation
import Testing

/// Each update counts once, or is refused with a reason.
@Suite struct UpdateTests {
    private func bench() -> Bench {
        var bench = Bench(mode: .buffered(.init(size: 100, flushAfter: .seconds(1))), maximumStaleness: 1)
        for name in ["a", "b", "c"] { bench.hello(name) }
        return bench
    }

    @Test func aDuplicateIsAcknowledgedAgainAndNotUsed() {
        var bench = bench()
        bench.update("a", 1, base: 0)
        bench.update("a", 1, base: 0)
        #expect(bench.acks.map(\.contiguous) == [1])
        #expect(bench.aggregator.buffered == 1)
        #expect(bench.aggregator.counts.duplicates == 1)
    }

    @Test func sequencesOutOfOrderAreAcknowledgedAhead() {
        var bench = bench()
        bench.update("a", 3, base: 0)
        bench.update("a", 2, base: 0)
        #expect(bench.acks == [.init(client: ClientID("a"), session: 1, contiguous: 0, ahead: [2, 3])])
        bench.update("b", 1, base: 0)
        var other = bench
        other.update("a", 1, base: 0)
        #expect(other.acks == [.init(client: ClientID("a"), session: 1, contiguous: 3, ahead: [])])
    }

    @Test func anEarlierSessionsUpdateIsStillDroppedAsDuplicate() {
        var bench = bench()
        bench.update("a", 1, session: 1, base: 0)
        bench.hello("a", session: 2)
        bench.update("a", 1, session: 1, base: 0)
        #expect(bench.aggregator.counts.duplicates == 1)
        bench.update("a", 1, session: 2, base: 0)
        #expect(bench.aggregator.buffered == 2)
    }

    @Test(
        "what does not fit is refused with a reason",
        arguments: [
            (base: 1, values: [1, 0], ids: [0], samples: 10, "expected a base version from 0 to 0, found 1"),
            (base: -1, values: [1, 0], ids: [0], samples: 10, "expected a base version from 0 to 0, found -1"),
            (base: 0, values: [1, .nan], ids: [0], samples: 10, "prompts: expected finite values, found nan at 1"),
            (
                base: 0, values: [1, -3e38], ids: [0], samples: 10,
                "prompts: expected values within ±1e+15, found -3e+38 at 1"
            ),
            (base: 0, values: [1, 0], ids: [7], samples: 10, "prompt identities: 7 is not in version 0"),
            (base: 0, values: [1, 0, 0, 0], ids: [1, 1], samples: 10, "prompt identities: 1 is given twice"),
            (base: 0, values: [1, 0], ids: [0], samples: 0, "expected a sample count of at least 1, found 0"),
        ] as [(base: Int, values: [Float], ids: [PromptID], samples: Int, String)])
    func misfit(base: Int, values: [Float], ids: [PromptID], samples: Int, reason: String) {
        var bench = bench()
        bench.update("a", 1, base: base, values: values, ids: ids, samples: samples)
        #expect(bench.rejects.map(\.reason) == [reason])
        #expect(bench.rejects.allSatisfy { !$0.retryable })
        #expect(bench.aggregator.buffered == 0)
        bench.update("a", 2, base: 0)
        #expect(bench.acks.map(\.contiguous) == [2], "a refused update does not hold up those after it")
    }

    @Test func tensorsMustBeTheOnesThatWerePublished() {
        var bench = bench()
        var update = ClientMessage.Update(
            client: ClientID("a"), session: 1, sequence: 1, task: 1, baseVersion: 0, sampleCount: 1,
            parameters: Parameters([("head", Tensor(zeros: [1]))]), promptIDs: [], metrics: [])
        bench.take(.received(.update(update)))
        #expect(bench.rejects.map(\.reason) == ["expected the tensors [\"prompts\"], found [\"head\"]"])
        update.sequence = 2
        update.parameters = Parameters([(Parameters.prompts, Tensor(zeros: [1, 3]))])
        update.promptIDs = [0]
        bench.take(.received(.update(update)))
        #expect(bench.rejects.map(\.reason) == ["prompts: expected shape [1, 2], found [1, 3]"])
    }

    @Test func aBaseOlderThanTheHistoryIsTooStale() {
        var bench = bench()
        for sequence in 1...2 as ClosedRange<UInt64> {
            bench.update("a", sequence, base: bench.aggregator.version)
            bench.take(.timerFired(.flushDeadline(bench.aggregator.version)))
        }
        bench.update("b", 1, base: 0)
        #expect(bench.rejects.map(\.code) == [.tooStale])
        bench.update("c", 1, base: 1)
        #expect(bench.rejects.isEmpty)
    }

    @Test func anUnknownClientIsToldToSayHello() {
        var bench = bench()
        bench.update("stranger", 1, base: 0)
        #expect(bench.rejects.map(\.retryable) == [true])
    }

    @Test func anotherEncoderIsRefused() {
        var bench = Bench(mode: .continuous, encoderDigest: "one")
        bench.hello("a", encoder: "two")
        #expect(bench.rejects.map(\.code) == [.encoderMismatch])
        #expect(bench.aggregator.counts.clientsAlive == 0)
    }

    @Test func aChangeOrASampleCountAboveTheBoundIsRefused() {
        var bench = Bench(mode: .continuous, checks: UpdateChecks(maximumNorm: 5, maximumSampleCount: 50))
        bench.hello("a")
        bench.update("a", 1, base: 0, values: [3, 4], ids: [1])
        #expect(bench.rejects.isEmpty, "3² + 4² = 5² is within the bound")
        bench.update("a", 2, base: 1, values: [0, 0, 6, 4.5], ids: [1, 0])
        #expect(bench.rejects.map(\.code) == [.invalid])
        #expect(bench.rejects.allSatisfy { $0.reason.hasPrefix("expected a change of at most 5.0") })
        bench.update("a", 3, base: 1, samples: 51)
        #expect(bench.rejects.map(\.reason) == ["expected a sample count of at most 50, found 51"])
        bench.update("a", 4, base: 1, samples: 50)
        #expect(bench.rejects.isEmpty && bench.aggregator.counts.accepted == 2)
    }

    @Test func theNormIsOfTheChangeAndNotOfTheValues() {
        var bench = Bench(mode: .continuous, checks: UpdateChecks(maximumNorm: 2))
        bench.hello("a")
        for turn in 1...5 as ClosedRange<UInt64> {
            // The strategy adds the first value to the pool's first prompt, which so moves on by 1 each time.
            let start = bench.aggregator.current.state.prompts.values[0]
            bench.update("a", turn, base: bench.aggregator.version, values: [start + 1, 0])
            #expect(bench.rejects.isEmpty, "turn \(turn) from \(start)")
        }
        #expect(bench.aggregator.current.state.prompts.values[0] > 2)
    }

    @Test func aClientThatKeepsSendingInvalidUpdatesIsQuarantinedAndToldWhy() {
        var bench = Bench(
            mode: .buffered(.init(size: 2, flushAfter: nil)), checks: UpdateChecks(quarantineAfter: 2))
        bench.hello("a")
        bench.hello("b")
        bench.update("a", 1, base: 0, values: [.infinity, 0])
        bench.update("a", 2, base: 0)
        bench.update("a", 3, base: 9)
        #expect(bench.aggregator.counts.quarantined == 0, "an accepted update in between begins the count anew")
        bench.update("a", 4, base: 0, ids: [8])
        #expect(bench.rejects.map(\.code) == [.invalid, .quarantined])
        #expect(bench.rejects.map(\.sequence) == [4, 0])
        #expect(bench.rejects[1].reason.contains("8 is not in version 0"))
        #expect(bench.last.contains(.presenceChanged(ClientID("a"), .quarantined)))
        #expect(bench.published == [1], "the buffer of two waits for nobody but the one client that is left")

        bench.update("a", 5, base: 1)
        #expect(bench.rejects.map(\.code) == [.quarantined])
        bench.update("a", 2, base: 0)
        #expect(bench.acks.map(\.contiguous) == [4], "what was accepted stays acknowledged")
        bench.hello("a", session: 2)
        #expect(bench.rejects.map(\.code) == [.quarantined] && bench.rejects[0].sequence == 0)
        #expect(bench.tasked.isEmpty && bench.aggregator.counts.clientsAlive == 1)
        bench.update("b", 1, base: 1)
        #expect(bench.published == [2])
    }

    @Test func lateUpdatesAreNoOffence() {
        var bench = Bench(mode: .continuous, maximumStaleness: 0, checks: UpdateChecks(quarantineAfter: 1))
        bench.hello("a")
        bench.hello("b")
        bench.update("a", 1, base: 0)
        bench.update("b", 1, base: 0)
        #expect(bench.rejects.map(\.code) == [.tooStale])
        #expect(bench.aggregator.counts.quarantined == 0)
    }

    @Test func aLostTaskIsSentAgainAndAFailedOneGivenAnew() {
        var bench = Bench(mode: .continuous)
        bench.hello("a")
        let first = bench.last
        func heartbeat(task: UInt64) -> AggregatorEvent.Kind {
            .received(
                .heartbeat(
                    .init(
                        client: ClientID("a"), session: 1, activity: .idle, lastVersion: 0, task: task, outstanding: 0))
            )
        }
        bench.take(heartbeat(task: 0))
        #expect(bench.last.count == 1 && first.contains(bench.last[0]), "the same task again")
        bench.take(heartbeat(task: 1))
        #expect(bench.tasked == ["a"], "the client is idle after the task: it gets another")
        #expect(bench.aggregator.counts.inFlight == 1)
    }

    @Test func aHelloThatArrivesBehindTheNextStartsDoesNotLastinglyTakeItsPlace() {
        var bench = Bench(mode: .continuous)
        bench.hello("a", session: 2)
        bench.hello("a", session: 1)
        func heartbeat(_ session: UInt64) -> AggregatorEvent.Kind {
            .received(
                .heartbeat(
                    .init(
                        client: ClientID("a"), session: session, activity: .idle, lastVersion: 0, task: 9,
                        outstanding: 0)))
        }
        bench.take(heartbeat(2))
        #expect(bench.rejects.map(\.session) == [2] && bench.rejects.map(\.sequence) == [0])
        #expect(bench.rejects.map(\.retryable) == [true])
        bench.hello("a", session: 2)
        #expect(bench.tasked == ["a"])
        bench.take(heartbeat(2))
        #expect(bench.rejects.isEmpty)
    }

    @Test func aLateWaiterGetsThePromptsItMissed() {
        var bench = Bench(mode: .continuous)
        bench.hello("a")
        bench.hello("b")
        bench.update("a", 1, base: 0)
        bench.take(
            .received(
                .heartbeat(
                    .init(
                        client: ClientID("a"), session: 1, activity: .waiting, lastVersion: 0, task: 3, outstanding: 0))
            ))
        #expect(
            bench.last.contains {
                if case .publish(.client, .globalPrompts(let it)) = $0 { it.version == 1 } else { false }
            })
    }
}
