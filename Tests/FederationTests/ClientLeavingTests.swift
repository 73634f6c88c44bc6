import Federation
import PromptAggregation
import Testing

/// How a client stops: asked to, or because it may train no more.
@Suite struct ClientLeavingTests {
    @Test func aClientThatIsToStopFinishesItsTrainingAndWaitsForTheAcknowledgement() {
        var seat = Seat.welcomed()
        seat.prompts(0)
        seat.task(1)
        seat.take(.stopRequested(grace: .seconds(5)))
        #expect(seat.last.isEmpty && seat.client.nextDeadline == seat.now + .seconds(5))
        seat.take(.stopRequested(grace: .seconds(50)))
        #expect(seat.client.nextDeadline == seat.now + .seconds(5), "asking again gives no further time")
        seat.task(2)
        seat.finish(1)
        #expect(seat.orders.isEmpty, "nothing new begins")
        seat.store()
        #expect(seat.updates == [1])
        seat.ack(1)
        #expect(seat.sent == [.goodbye(.init(client: seat.client.id, session: 7))])
        #expect(seat.end == .stopped)
    }

    @Test func aClientThatIsToStopAbandonsWhatTakesLongerThanTheGrace() {
        var seat = Seat.welcomed()
        seat.answer(1)
        seat.task(2)
        seat.take(.stopRequested(grace: .seconds(5)))
        seat.wait(.seconds(5))
        #expect(seat.last.contains(.abandonTraining) && seat.end == .stopped)
        #expect(seat.client.outbox.count == 1, "an update that nobody acknowledged is kept for the next start")
        #expect(seat.discards(.acknowledged).isEmpty && seat.discards(.runFinished).isEmpty)
        #expect(seat.client.nextDeadline == nil)
    }

    @Test func anIdleClientStopsAtOnce() {
        var seat = Seat.welcomed()
        seat.take(.stopRequested(grace: .seconds(5)))
        #expect(seat.end == .stopped)
        seat = Seat.welcomed()
        seat.prompts(0)
        seat.task(1)
        seat.take(.stopRequested(grace: .zero))
        #expect(seat.last.contains(.abandonTraining) && seat.end == .stopped)
    }

    @Test func oneThatMayTrainNoMoreStaysUntilAllIsSettled() {
        var seat = Seat.welcomed()
        seat.answer(1)
        seat.task(2)
        seat.take(.retired("spent"))
        #expect(seat.last.contains(.abandonTraining) && seat.failures == [2])
        seat.task(3)
        #expect(seat.orders.isEmpty)
        seat.wait(.seconds(1))
        #expect(seat.updates == [1])
        seat.ack(1)
        #expect(seat.end == .retired("spent"))
        var idle = Seat.welcomed()
        idle.take(.retired("spent"))
        #expect(idle.end == .retired("spent"))
    }
}
