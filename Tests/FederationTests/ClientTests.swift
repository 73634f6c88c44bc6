import Federation
import PromptAggregation
import Testing

/// The client keeps its promises: it answers, keeps updates until they are settled, and says hello to each start of the
/// aggregator.
@Suite struct ClientTests {
    /// An update as an earlier start of the client stored it.
    private func earlier(_ task: UInt64, run: UInt64 = Seat.run) -> ClientMessage.Update {
        ClientMessage.Update(
            client: ClientID("a"), session: 6, run: run, task: task, baseVersion: 0, sampleCount: 10,
            parameters: SummingStrategy().state.parameters, promptIDs: [0, 1], metrics: [])
    }

    @Test func saysHelloUntilItIsWelcomedAndAnswersTheWelcome() {
        var seat = Seat()
        #expect(seat.hellos == 1)
        seat.wait(.milliseconds(200))
        #expect(seat.hellos == 1)
        seat.wait(.milliseconds(399))
        #expect(seat.hellos == 0)
        seat.wait(.milliseconds(1))
        #expect(seat.hellos == 1)
        seat.wait(.seconds(60))
        #expect((11...16).contains(seat.hellos), "every 5 s at last: \(seat.hellos)")
        seat.welcome()
        #expect(seat.heartbeats == 1 && seat.last.contains(.joined(Origin(run: 3, epoch: 1), keptForOtherRuns: 0)))
        seat.wait(.seconds(59))
        #expect(seat.sent.isEmpty)
        seat.wait(.seconds(1))
        #expect(seat.heartbeats == 1 && seat.hellos == 0)
    }

    @Test func asksForTheStateThatATaskNames() {
        var seat = Seat.welcomed()
        seat.task(1, version: 2)
        #expect(seat.orders.isEmpty && seat.fetches == [-1])
        #expect(seat.client.activity == .waiting)
        seat.prompts(1)
        #expect(seat.orders.isEmpty && seat.fetches == [1])
        seat.wait(.seconds(60))
        #expect(seat.fetches == [1], "a fetch may be lost, so each heartbeat repeats it")
        seat.prompts(3)
        #expect(seat.orders.map(\.base.version) == [3])
    }

    @Test func takesWhatIsLeftOutFromWhatItHolds() {
        var seat = Seat.welcomed()
        let bias = Tensor(shape: [1], values: [5])
        func partial(_ version: Version, since: Version) -> AggregatorMessage {
            .prompts(
                .init(
                    version: version, changed: SummingStrategy().state,
                    unchanged: [.init(name: Parameters.headBias, since: since)]))
        }
        seat.task(1, version: 4)
        seat.receive(partial(4, since: 0))
        #expect(seat.orders.isEmpty && seat.fetches == [-1], "it holds nothing to make it whole with")
        seat.receive(
            .prompts(.init(version: 2, changed: SummingStrategy(beside: [(Parameters.headBias, bias)]).state)))
        seat.receive(partial(4, since: 3))
        #expect(seat.orders.isEmpty && seat.fetches == [2], "the tensor changed after what it holds")
        seat.receive(partial(4, since: 2))
        #expect(seat.orders.map(\.base.version) == [4])
        #expect(seat.orders.first?.base.state.parameters[Parameters.headBias] == bias)
    }

    @Test func aTaskIsDoneOnceAndForItsSessionAlone() {
        var seat = Seat()
        seat.prompts(0)
        seat.task(1)
        #expect(seat.orders.isEmpty, "before the welcome there is nobody to answer to")
        seat.welcome()
        seat.prompts(0)
        seat.task(1, session: 8)
        #expect(seat.orders.isEmpty)
        seat.task(1)
        #expect(seat.orders.count == 1)
        seat.task(1)
        #expect(seat.orders.isEmpty)
        seat.finish(1)
        seat.finish(1)
        #expect(seat.stores.isEmpty, "a training ends once")
        seat.task(1)
        #expect(seat.orders.isEmpty)
    }

    @Test func anUpdateIsKeptAndSentAgainUntilItIsSettled() {
        var seat = Seat.welcomed()
        seat.prompts(0)
        seat.task(1)
        seat.finish(1)
        seat.wait(.seconds(5))
        #expect(seat.updates.isEmpty, "an update that is not stored yet is not sent")
        seat.take(.stored(UpdateID(run: 3, task: 1)))
        #expect(seat.updates == [1])
        seat.take(.stored(UpdateID(run: 3, task: 1)))
        #expect(seat.last.isEmpty)
        seat.wait(.seconds(7))
        #expect(seat.updates == [1, 1, 1], "after 1, 2 and 4 seconds")
        seat.ack(9)
        #expect(seat.client.outbox.count == 1)
        seat.ack(1)
        #expect(seat.client.outbox.isEmpty && seat.discards(.acknowledged) == [1])
        seat.wait(.seconds(50))
        #expect(seat.updates.isEmpty)
    }

    @Test func aRejectedUpdateIsGivenUp() {
        var seat = Seat.welcomed()
        seat.answer(1)
        let reject = AggregatorMessage.Reject(client: ClientID("a"), run: 3, task: 1, code: .invalid, reason: "no")
        seat.receive(.reject(reject))
        #expect(seat.client.outbox.isEmpty && seat.discards(.rejected) == [1])
        #expect(seat.last.contains(.updateRejected(reject)))
    }

    @Test func aFailureIsToldAgainUntilAnotherTaskComes() {
        var seat = Seat.welcomed()
        seat.prompts(0)
        seat.task(1)
        seat.take(.trainingFailed(task: 1, reason: "an image cannot be read"))
        #expect(seat.failures == [1])
        seat.wait(.seconds(60))
        #expect(seat.failures == [1] && seat.heartbeats == 1)
        seat.task(2)
        seat.wait(.seconds(60))
        #expect(seat.failures.isEmpty)
        seat.take(.trainingFailed(task: 2, reason: String(repeating: "é", count: 5_000)))
        guard case .failure(let failure) = seat.sent.first else {
            Issue.record("no failure was sent")
            return
        }
        #expect(failure.reason.utf8.count <= TravelLimits.reasonBytes, "it is cut to what may travel")
    }

    @Test func anUpdateThatIsTooLargeToTravelIsAFailureThatSaysSo() throws {
        var seat = Seat.welcomed()
        seat.prompts(0)
        seat.task(1)
        let most = TravelLimits.clientMessageBytes(largestState: SummingStrategy().state.parameters.byteCount)
        let parameters = Parameters([
            (Parameters.prompts, Tensor(shape: [2, most / 8], values: [Float](repeating: 0, count: most / 8 * 2)))
        ])
        seat.take(
            .trainingFinished(
                TrainingResult(
                    task: 1, baseVersion: 0, parameters: parameters, promptIDs: [0, 1], sampleCount: 10, metrics: [])))
        #expect(seat.stores.isEmpty && seat.client.outbox.isEmpty && seat.failures == [1])
        guard case .failure(let failure) = try #require(seat.sent.first) else {
            Issue.record("no failure was sent")
            return
        }
        #expect(failure.reason.hasPrefix("expected an update of at most \(most) bytes, found one of "))
        seat.task(2)
        seat.finish(2)
        #expect(seat.stores.count == 1, "one that fits is kept and sent as ever")
    }

    @Test func anotherStartOfTheAggregatorIsGreetedAndGetsWhatIsKept() {
        var seat = Seat.welcomed()
        seat.answer(1)
        for _ in 0..<6 { seat.wait(.seconds(30)) }
        seat.prompts(1, epoch: 2)
        #expect(seat.hellos == 1 && seat.updates.isEmpty)
        seat.welcome(epoch: 2)
        #expect(seat.updates == [1])
        seat.wait(.seconds(1))
        #expect(seat.updates == [1], "a welcome brings the next try closer")
        seat.task(2, epoch: 1)
        #expect(seat.orders.isEmpty, "what an earlier start sent is old")
        seat.task(2, epoch: 2)
        #expect(seat.orders.count == 1, "the state that it holds is of the run, whoever sent it")
    }

    /// Somebody set the run's folder back to an earlier state while the worker kept running.
    @Test func anEarlierEpochIsListenedToOnceTheNewestIsSilent() {
        var seat = Seat()
        seat.welcome(version: 9, epoch: 5)
        seat.prompts(9, epoch: 5)
        seat.wait(.seconds(9))
        seat.prompts(4, epoch: 4)
        #expect(seat.hellos == 0)
        seat.wait(.seconds(2))
        seat.prompts(4, epoch: 4)
        #expect(seat.hellos == 1)
        seat.welcome(version: 4, epoch: 4)
        seat.task(1, version: 4, epoch: 4)
        #expect(seat.orders.isEmpty && seat.fetches == [-1], "the state that it held is of a time that never was")
    }

    @Test func updatesOfAnotherRunAreKeptForIt() {
        var seat = Seat(outbox: [earlier(4, run: 2), earlier(5)])
        seat.welcome()
        #expect(seat.updates == [5])
        #expect(seat.last.contains(.joined(Origin(run: 3, epoch: 1), keptForOtherRuns: 1)))
        seat.receive(
            .reject(.init(client: ClientID("a"), run: 2, task: 4, code: .otherRun, reason: "another run")))
        #expect(seat.client.outbox.count == 2, "a run that does not know it does not end it")
        seat.ack(4)
        #expect(seat.client.outbox.count == 2, "an acknowledgement is of its run")
        seat.ack(5)
        #expect(seat.client.outbox.map(\.task) == [4])
        seat.receive(finished)
        #expect(seat.end == .runFinished && seat.client.outbox.map(\.task) == [4])
        #expect(seat.discards(.runFinished).isEmpty)
    }

    @Test func anotherRunBeginsWithItsWelcome() {
        var seat = Seat.welcomed()
        seat.answer(1)
        seat.task(2)
        seat.receive(finished, run: 4)
        #expect(seat.end == nil, "the end of another run ends nothing")
        seat.task(9, run: 4)
        #expect(seat.hellos == 1 && seat.orders.isEmpty)
        seat.welcome(run: 4)
        #expect(seat.last.contains(.abandonTraining) && seat.updates.isEmpty)
        #expect(seat.last.contains(.joined(Origin(run: 4, epoch: 1), keptForOtherRuns: 1)))
        seat.task(1, run: 4)
        #expect(seat.fetches == [-1], "tasks and states count anew")
    }

    private var finished: AggregatorMessage {
        .beacon(
            .init(
                phase: .finished, version: 1, updates: 1, lateUpdates: 0, clientsAlive: 1, inFlight: 1, buffered: 0,
                pool: 2, metrics: []))
    }

    @Test func theEndOfTheRunAbandonsTheTraining() {
        var seat = Seat.welcomed()
        seat.answer(1)
        seat.task(2)
        seat.receive(finished)
        #expect(seat.last.contains(.abandonTraining) && seat.end == .runFinished)
        #expect(seat.discards(.runFinished) == [1])
        seat.task(3)
        #expect(seat.last.isEmpty)
        var late = Seat()
        late.receive(finished)
        #expect(late.end == .runFinished, "also where the run had ended before it came")
    }

    @Test func aSessionThatIsNotKnownSaysHelloAgain() {
        var seat = Seat.welcomed()
        let wanted = AggregatorMessage.sayHello(.init(client: seat.client.id, session: 7))
        seat.receive(.sayHello(.init(client: seat.client.id, session: 8)))
        #expect(seat.hellos == 0, "another session is meant")
        seat.receive(wanted)
        #expect(seat.hellos == 1)
        seat.receive(wanted)
        #expect(seat.hellos == 0, "the clock repeats it")
        seat.welcome()
        #expect(seat.heartbeats == 1)
    }

    @Test func aRefusedSessionEndsWithTheReason() {
        for code in AggregatorMessage.Refuse.Code.allCases {
            var seat = Seat.welcomed()
            seat.answer(1)
            let refuse = AggregatorMessage.Refuse(client: seat.client.id, session: 7, code: code, reason: "because")
            var other = refuse
            other.session = 8
            seat.receive(.refuse(other))
            #expect(seat.end == nil)
            seat.receive(.refuse(refuse))
            #expect(seat.end == .refused(refuse) && seat.client.outbox.count == 1)
        }
    }

    @Test func updatesAreRoundedToWhatTravels() {
        var seat = Seat()
        seat.welcome(precision: .float16)
        seat.prompts(0)
        seat.task(1)
        seat.finish(1, values: [0.1, 1e9, 1, 0])
        let update = seat.stores.first
        #expect(update?.precision == .float16)
        #expect(update?.parameters[Parameters.prompts]?.values == [Float(Float16(0.1)), 65504, 1, 0])
    }

    @Test func aClockThatStepsBackFreezesNothing() {
        var seat = Seat.welcomed()
        seat.answer(1)
        seat.now = seat.now + .seconds(-100_000)
        seat.take(.tick)
        seat.wait(.seconds(1))
        #expect(seat.updates == [1])
    }
}
