import Federation
import PromptAggregation
import Testing

/// What a client does that is asked to evaluate versions on what it holds out.
@Suite struct ClientEvaluationTests {
    private func seat(heldOut: Int = 5) -> Seat {
        var seat = Seat(heldOut: heldOut)
        seat.welcome()
        return seat
    }

    private func evaluation(_ version: Version) -> ClientMessage.Evaluation {
        .init(client: ClientID("a"), session: 7, version: version, loss: 1, total: [5], correct: [3])
    }

    @Test func evaluatesWhatItHoldsAndSaysSo() {
        var seat = seat()
        seat.prompts(1)
        seat.receive(.evaluate(.init(version: 1)))
        #expect(seat.assessed == [1])
        seat.receive(.evaluate(.init(version: 1)))
        #expect(seat.assessed.isEmpty, "one version is evaluated once")
        seat.take(.evaluated(evaluation(1)))
        #expect(seat.evaluations == [1])
    }

    @Test func asksForAStateThatItLacksAndTakesANewerOne() {
        var seat = seat()
        seat.receive(.evaluate(.init(version: 4)))
        #expect(seat.assessed.isEmpty && seat.fetches == [-1])
        seat.wait(.seconds(60))
        #expect(seat.fetches == [-1], "a fetch may be lost, so each heartbeat repeats it")
        seat.prompts(5)
        #expect(seat.assessed == [5])
    }

    @Test func oneEvaluationIsUnderWayAtATime() {
        var seat = seat()
        seat.prompts(1)
        seat.receive(.evaluate(.init(version: 1)))
        seat.prompts(3)
        seat.receive(.evaluate(.init(version: 3)))
        #expect(seat.assessed.isEmpty)
        seat.take(.evaluated(nil))
        #expect(seat.evaluations.isEmpty && seat.assessed == [3], "one that failed is not spoken of")
    }

    @Test func whoHoldsNothingOutIsNotConcerned() {
        var seat = seat(heldOut: 0)
        seat.prompts(1)
        seat.receive(.evaluate(.init(version: 1)))
        #expect(seat.last.isEmpty)
    }

    @Test func theRunsEndWaitsForTheLastEvaluation() {
        var seat = seat()
        seat.answer(1)
        seat.prompts(2)
        seat.receive(.evaluate(.init(version: 2)))
        seat.task(2, version: 2)
        seat.receive(Seat.finished)
        #expect(seat.end == nil && seat.last.contains(.abandonTraining) && seat.discards(.runFinished) == [1])
        seat.task(3, version: 2)
        #expect(seat.orders.isEmpty, "the run has ended")
        seat.take(.evaluated(evaluation(2)))
        #expect(seat.evaluations == [2] && seat.end == .runFinished)
    }

    @Test func anAnswerThatWasLostIsSentAgain() {
        var seat = seat()
        seat.prompts(1)
        seat.receive(.evaluate(.init(version: 1)))
        seat.receive(.evaluate(.init(version: 1)))
        #expect(seat.evaluations.isEmpty, "it is under way")
        seat.take(.evaluated(evaluation(1)))
        seat.receive(.evaluate(.init(version: 1)))
        #expect(seat.evaluations == [1] && seat.assessed.isEmpty)
        seat.receive(Seat.beacon(asking: 1))
        #expect(seat.last.isEmpty, "a beacon asks everybody, also those who answered")
        seat.prompts(3)
        seat.receive(.evaluate(.init(version: 3)))
        seat.take(.evaluated(nil))
        seat.receive(.evaluate(.init(version: 3)))
        #expect(seat.last.isEmpty, "what failed is not tried again with the same version")
    }

    @Test func theBeaconStandsInForAnOrderThatWasLost() {
        var seat = seat()
        seat.prompts(1)
        seat.receive(Seat.beacon(asking: 1))
        #expect(seat.assessed == [1])
        seat.receive(Seat.beacon(asking: 1))
        #expect(seat.last.isEmpty)
    }

    @Test func theLastVersionIsEvaluatedAlsoByWhoHasHeardOfNothingButTheEnd() {
        var seat = seat()
        seat.prompts(1)
        seat.receive(Seat.beacon(.finished, asking: 2))
        #expect(seat.end == nil && seat.fetches == [1] && seat.assessed.isEmpty)
        seat.receive(Seat.beacon(.finished, asking: 2))
        #expect(seat.end == nil)
        seat.prompts(2)
        #expect(seat.assessed == [2])
        seat.take(.evaluated(evaluation(2)))
        #expect(seat.evaluations == [2] && seat.end == .runFinished)
    }

    @Test func aStateThatNeverComesKeepsNobodyForEver() {
        var seat = seat()
        seat.receive(Seat.beacon(.finished, asking: 2))
        seat.wait(.seconds(601))
        #expect(seat.end == .runFinished)
    }

    @Test func anEvaluationThatNeverEndsKeepsNobodyForEver() {
        var seat = seat()
        seat.prompts(1)
        seat.receive(.evaluate(.init(version: 1)))
        seat.receive(Seat.finished)
        #expect(seat.end == nil)
        seat.wait(.seconds(599))
        #expect(seat.end == nil)
        seat.wait(.seconds(2))
        #expect(seat.end == .runFinished)
    }
}

extension Seat {
    fileprivate static var finished: AggregatorMessage { beacon(.finished, asking: nil) }

    fileprivate static func beacon(
        _ phase: AggregatorMessage.Beacon.Phase = .running, asking version: Version?
    ) -> AggregatorMessage {
        .beacon(
            .init(
                phase: phase, version: 2, updates: 1, lateUpdates: 0, clientsAlive: 1, inFlight: 0, buffered: 0,
                pool: 2, metrics: [], evaluate: version.map { .init(version: $0) }))
    }
}
