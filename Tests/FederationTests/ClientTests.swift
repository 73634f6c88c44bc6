import Federation
import PromptAggregation
import Testing

/// The client keeps its promises: it answers, keeps updates until they are settled, and begins anew with a new
/// aggregator.
@Suite struct ClientTests {
    private struct Seat {
        var client = Client(id: ClientID("a"), session: 7, sampleCount: 10, encoderDigest: "")
        var last: [ClientEffect] = []

        mutating func take(_ kind: ClientEvent.Kind) {
            last = client.handle(ClientEvent(time: Timestamp(nanoseconds: 0), kind: kind))
        }
        mutating func receive(_ message: AggregatorMessage, incarnation: UInt64 = 1) {
            take(.received(message, incarnation: incarnation))
        }
        mutating func welcome(contiguous: UInt64 = 0, incarnation: UInt64 = 1) {
            receive(
                .welcome(
                    .init(
                        client: client.id, session: 7, version: 0,
                        acknowledged: .init(client: client.id, session: 7, contiguous: contiguous, ahead: []),
                        heartbeatMilliseconds: 500)), incarnation: incarnation)
        }
        mutating func task(_ number: UInt64, version: Version = 0) {
            receive(.task(.init(client: client.id, number: number, version: version, seed: 1, plan: TrainingPlan())))
        }
        mutating func prompts(_ version: Version) {
            receive(.globalPrompts(.init(version: version, state: SummingStrategy().state)))
        }
        mutating func finishTraining(_ task: UInt64) {
            take(
                .trainingFinished(
                    TrainingResult(
                        task: task, baseVersion: 0, parameters: SummingStrategy().state.parameters, promptIDs: [0, 1],
                        sampleCount: 10, metrics: [])))
        }
        /// Carries out what the last event wanted stored.
        mutating func store() {
            let stores = stores
            for update in stores { take(.stored(update.id)) }
        }
        var stores: [ClientMessage.Update] {
            last.compactMap { if case .store(let update) = $0 { update } else { nil } }
        }
        func discards(_ settlement: Settlement) -> [UpdateID] {
            last.compactMap { if case .discard(let id, settlement) = $0 { id } else { nil } }
        }
        var sent: [ClientMessage] { last.compactMap { if case .send(let message) = $0 { message } else { nil } } }
        var orders: [TrainingOrder] { last.compactMap { if case .train(let order) = $0 { order } else { nil } } }
        var sequences: [UInt64] { sent.compactMap { if case .update(let it) = $0 { it.sequence } else { nil } } }
        var hellos: Int { sent.reduce(0) { if case .hello = $1 { $0 + 1 } else { $0 } } }
    }

    private func welcomed() -> Seat {
        var seat = Seat()
        seat.take(.started)
        seat.welcome()
        return seat
    }

    @Test func saysHelloUntilItIsWelcomed() {
        var seat = Seat()
        seat.take(.started)
        #expect(seat.hellos == 1)
        #expect(seat.last.contains(.setTimer(.hello, after: .milliseconds(200))))
        seat.take(.timerFired(.hello))
        #expect(seat.hellos == 1)
        #expect(seat.last.contains(.setTimer(.hello, after: .milliseconds(400))))
        seat.welcome()
        #expect(seat.last.contains(.setTimer(.heartbeat, after: .milliseconds(500))))
        seat.take(.timerFired(.hello))
        #expect(seat.hellos == 0)
    }

    @Test func waitsForThePromptsThatATaskNames() {
        var seat = welcomed()
        seat.task(1, version: 2)
        #expect(seat.orders.isEmpty)
        #expect(seat.client.activity == .waiting)
        seat.prompts(1)
        #expect(seat.orders.isEmpty)
        seat.prompts(3)
        #expect(seat.orders.map(\.base.version) == [3])
    }

    @Test func aTaskBeforeTheWelcomeIsLeftAlone() {
        var seat = Seat()
        seat.take(.started)
        seat.prompts(0)
        seat.task(1)
        #expect(seat.orders.isEmpty)
        seat.welcome()
        seat.task(1)
        #expect(seat.orders.map(\.task.number) == [1], "it is sent again when a heartbeat shows that it is missing")
    }

    @Test func aTaskIsDoneOnce() {
        var seat = welcomed()
        seat.prompts(0)
        seat.task(1)
        #expect(seat.orders.count == 1)
        seat.task(1)
        #expect(seat.orders.isEmpty)
        seat.finishTraining(1)
        seat.store()
        #expect(seat.sequences == [1])
        seat.task(1)
        #expect(seat.orders.isEmpty)
    }

    @Test func anUpdateIsKeptAndSentAgainUntilItIsAcknowledged() {
        var seat = welcomed()
        seat.prompts(0)
        seat.task(1)
        seat.finishTraining(1)
        seat.take(.timerFired(.resend))
        #expect(seat.sequences.isEmpty, "an update that is not stored yet is not sent")
        seat.finishTraining(1)
        #expect(seat.stores.isEmpty, "a training ends once")
        seat.take(.stored(UpdateID(session: 7, sequence: 1)))
        #expect(seat.sequences == [1])
        seat.take(.stored(UpdateID(session: 7, sequence: 1)))
        #expect(seat.last.isEmpty)
        seat.take(.timerFired(.resend))
        #expect(seat.sequences == [1])
        seat.receive(.ack(.init(client: seat.client.id, session: 7, contiguous: 1, ahead: [])))
        #expect(seat.client.outbox.isEmpty)
        #expect(seat.discards(.acknowledged) == [UpdateID(session: 7, sequence: 1)])
        seat.take(.timerFired(.resend))
        #expect(seat.last.isEmpty)
    }

    @Test func oneThatMayTrainNoMoreStaysUntilAllIsSettled() {
        var seat = welcomed()
        seat.prompts(0)
        seat.task(1)
        seat.finishTraining(1)
        seat.store()
        seat.task(2)
        #expect(seat.orders.count == 1)
        seat.take(.retired("spent"))
        #expect(seat.last == [.abandonTraining])
        seat.task(3)
        #expect(seat.orders.isEmpty)
        seat.take(.timerFired(.resend))
        #expect(seat.sequences == [1])
        seat.receive(.ack(.init(client: seat.client.id, session: 7, contiguous: 1, ahead: [])))
        #expect(seat.last.contains(.finish(.retired("spent"))))
        #expect(seat.sent == [.goodbye(.init(client: seat.client.id, session: 7))])
        var idle = welcomed()
        idle.take(.retired("spent"))
        #expect(idle.last.contains(.finish(.retired("spent"))))
    }

    @Test func aWelcomeBringsTheNextTryCloser() {
        var seat = welcomed()
        seat.prompts(0)
        seat.task(1)
        seat.finishTraining(1)
        seat.store()
        for _ in 0..<6 { seat.take(.timerFired(.resend)) }
        #expect(seat.last.contains(.setTimer(.resend, after: .seconds(30))))
        seat.welcome(incarnation: 2)
        #expect(seat.hellos == 1, "another aggregator is greeted first")
        seat.welcome(incarnation: 2)
        #expect(seat.sequences == [1] && seat.last.contains(.setTimer(.resend, after: .seconds(1))))
    }

    @Test func aRejectedUpdateIsGivenUpUnlessItMayBeTriedAgain() {
        var seat = welcomed()
        seat.prompts(0)
        seat.task(1)
        seat.finishTraining(1)
        seat.store()
        func reject(retryable: Bool) -> AggregatorMessage {
            .reject(
                .init(
                    client: ClientID("a"), session: 7, sequence: 1, code: .invalid, reason: "no", retryable: retryable))
        }
        seat.receive(reject(retryable: true))
        #expect(seat.client.outbox.count == 1)
        seat.receive(reject(retryable: false))
        #expect(seat.client.outbox.isEmpty)
        #expect(seat.discards(.rejected) == [UpdateID(session: 7, sequence: 1)])
    }

    @Test func aNewIncarnationIsGreetedAndGetsWhatWasNotAcknowledged() {
        var seat = welcomed()
        seat.prompts(0)
        seat.task(1)
        seat.finishTraining(1)
        seat.store()
        let beacon = AggregatorMessage.beacon(
            .init(
                phase: .running, version: 0, updates: 0, lateUpdates: 0, clientsAlive: 0, inFlight: 0, buffered: 0,
                pool: 2, metrics: []))
        seat.receive(beacon, incarnation: 2)
        #expect(seat.hellos == 1)
        #expect(seat.sequences.isEmpty)
        seat.welcome(incarnation: 2)
        #expect(seat.sequences == [1])
    }

    /// An update as an earlier start of the client stored it.
    private func earlier(_ sequence: UInt64) -> ClientMessage.Update {
        ClientMessage.Update(
            client: ClientID("a"), session: 6, sequence: sequence, task: sequence, baseVersion: 0, sampleCount: 10,
            parameters: SummingStrategy().state.parameters, promptIDs: [0, 1], metrics: [])
    }

    @Test func whatAnEarlierStartLeftIsSentUnderItsOwnSession() {
        var seat = Seat()
        seat.client = Client(
            id: ClientID("a"), session: 7, sampleCount: 10, encoderDigest: "", outbox: [earlier(2), earlier(3)])
        seat.take(.started)
        #expect(seat.sequences.isEmpty)
        seat.welcome(contiguous: 5)
        #expect(seat.sent.contains(.update(earlier(2))) && seat.sent.contains(.update(earlier(3))))
        #expect(seat.last.contains(.setTimer(.resend, after: .seconds(1))))
        #expect(seat.discards(.acknowledged).isEmpty, "the new session's acknowledgement says nothing of the old one")
        seat.receive(.ack(.init(client: seat.client.id, session: 6, contiguous: 0, ahead: [3])))
        #expect(seat.discards(.acknowledged) == [UpdateID(session: 6, sequence: 3)])
        seat.prompts(0)
        seat.task(9)
        seat.finishTraining(9)
        #expect(seat.stores.map(\.id) == [UpdateID(session: 7, sequence: 1)])
    }

    @Test func anUpdateOfASessionThatIsForgottenIsGivenUp() {
        var seat = Seat()
        seat.client = Client(id: ClientID("a"), session: 7, sampleCount: 10, encoderDigest: "", outbox: [earlier(2)])
        seat.take(.started)
        seat.welcome()
        seat.receive(
            .reject(
                .init(
                    client: seat.client.id, session: 6, sequence: 2, code: .invalid, reason: "unknown", retryable: true)
            ))
        #expect(seat.discards(.rejected) == [UpdateID(session: 6, sequence: 2)])
    }

    @Test func theEndOfTheRunAbandonsTheTraining() {
        var seat = welcomed()
        seat.prompts(0)
        seat.task(1)
        seat.receive(
            .beacon(
                .init(
                    phase: .finished, version: 1, updates: 1, lateUpdates: 0, clientsAlive: 1, inFlight: 1, buffered: 0,
                    pool: 2, metrics: [])))
        #expect(seat.last.contains(.abandonTraining))
        #expect(seat.last.contains(.finish(.runFinished)))
        seat.task(2)
        #expect(seat.last.isEmpty)
    }

    @Test func aClientThatIsToStopFinishesItsTrainingAndWaitsForTheAcknowledgement() {
        var seat = welcomed()
        seat.prompts(0)
        seat.task(1)
        seat.take(.stopRequested(grace: .seconds(5)))
        #expect(seat.last == [.setTimer(.grace, after: .seconds(5))])
        seat.take(.stopRequested(grace: .seconds(5)))
        #expect(seat.last.isEmpty, "asking again gives no further time")
        seat.task(2)
        seat.finishTraining(1)
        #expect(seat.orders.isEmpty, "nothing new begins")
        seat.store()
        #expect(seat.sequences == [1])
        seat.receive(.ack(.init(client: seat.client.id, session: 7, contiguous: 1, ahead: [])))
        #expect(seat.sent == [.goodbye(.init(client: seat.client.id, session: 7))])
        #expect(seat.last.last == .finish(.stopped))
    }

    @Test func aClientThatIsToStopAbandonsWhatTakesLongerThanTheGrace() {
        var seat = welcomed()
        seat.prompts(0)
        seat.task(1)
        seat.take(.stopRequested(grace: .seconds(5)))
        seat.take(.timerFired(.grace))
        #expect(
            seat.last == [
                .abandonTraining, .send(.goodbye(.init(client: seat.client.id, session: 7))), .finish(.stopped),
            ])

        seat = welcomed()
        seat.prompts(0)
        seat.task(1)
        seat.finishTraining(1)
        seat.store()
        seat.take(.stopRequested(grace: .seconds(5)))
        seat.take(.timerFired(.grace))
        #expect(seat.last.contains(.finish(.stopped)))
        #expect(seat.client.outbox.count == 1, "an update that nobody acknowledged is kept for the next start")
        #expect(seat.discards(.acknowledged).isEmpty && seat.discards(.runFinished).isEmpty)
    }

    @Test func anIdleClientStopsAtOnce() {
        var seat = welcomed()
        seat.take(.stopRequested(grace: .seconds(5)))
        #expect(seat.last.last == .finish(.stopped))
        seat = welcomed()
        seat.prompts(0)
        seat.task(1)
        seat.take(.stopRequested(grace: .zero))
        #expect(seat.last.contains(.abandonTraining) && seat.last.last == .finish(.stopped))
    }

    @Test func aSessionThatIsNotTheCurrentOneSaysHelloAgain() {
        var seat = welcomed()
        let reject = AggregatorMessage.reject(
            .init(
                client: seat.client.id, session: 7, sequence: 0, code: .invalid, reason: "say hello", retryable: true))
        seat.receive(reject)
        #expect(seat.hellos == 1)
        seat.receive(reject)
        #expect(seat.hellos == 0, "the timer repeats it")
        seat.take(.timerFired(.heartbeat))
        #expect(seat.sent.isEmpty)
        seat.welcome()
        seat.take(.timerFired(.heartbeat))
        #expect(seat.sent.count == 1)
    }

    @Test func aRefusedHelloEndsTheClientWithTheReason() {
        var seat = Seat()
        seat.take(.started)
        seat.receive(
            .reject(
                .init(
                    client: seat.client.id, session: 7, sequence: 0, code: .encoderMismatch, reason: "another encoder",
                    retryable: false)))
        #expect(seat.last.contains(.finish(.refused("another encoder"))))
    }
}
