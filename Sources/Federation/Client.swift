import PromptAggregation

/// A client's whole state and everything it decides: the aggregator's twin, as pure.
///
/// It says hello until it is welcomed, trains on the newest state that it holds when a task asks for it, stores each
/// update until it is acknowledged or finally rejected, and says hello to each start of the aggregator. A training
/// under way never keeps it from answering. Whoever drives it arms one timer for `nextDeadline` after every event.
public struct Client: Sendable {
    public let id: ClientID
    public let session: UInt64
    public let sampleCount: Int
    public let model: ModelSpecification
    /// Samples that it holds out.
    public let heldOutCount: Int

    var clock = EventClock()
    /// Who welcomed this session last.
    var origin: Origin?
    /// Whether the aggregator that it takes part with knows this session.
    var welcomed = false
    var finished = false
    /// Whether the client is to end as soon as nothing is under way.
    var leaving = false
    /// Why it trains no more, nil while it does.
    var retirement: String?
    var precision = Precision.float32

    /// The newest state received of the run.
    var held: AggregatorMessage.GlobalPrompts?
    /// The task to do next, if it has not begun.
    var pending: AggregatorMessage.Task?
    var training: UInt64?
    var assessment = Assessment()
    /// The newest task received of the run.
    var lastTask: UInt64 = 0
    /// The last task, while it came to nothing and none followed.
    var failure: (task: UInt64, reason: String)?
    var kept: Outbox
    var pace = Pace()
    var effects: [ClientEffect] = []

    /// - Parameter outbox: updates that earlier sessions stored and did not discard, in the order of their making.
    public init(
        id: ClientID, session: UInt64, sampleCount: Int, model: ModelSpecification = ModelSpecification(),
        heldOutCount: Int = 0, outbox: [ClientMessage.Update] = []
    ) {
        self.heldOutCount = heldOutCount
        kept = Outbox(stored: outbox)
        self.id = id
        self.session = session
        self.sampleCount = sampleCount
        self.model = model
    }

    /// Takes one event in and returns what is to be done, in order.
    public mutating func handle(_ event: ClientEvent) -> [ClientEffect] {
        effects = []
        guard !finished else { return [] }
        clock.pass(to: event.time, deadline: nil)
        switch event.kind {
        case .started: sayHello()
        case .received(let message, let origin): receive(message, from: origin)
        case .tick: break
        case .trainingFinished(let result): finishTraining(result)
        case .trainingFailed(let task, let reason): failTraining(task, reason)
        case .stored(let id): sendStored(id)
        case .evaluated(let evaluation): finishEvaluation(evaluation)
        case .stopRequested(let grace): leave(within: grace)
        case .retired(let reason): retire(reason)
        }
        meetDeadlines()
        endIfNothingIsLeft()
        defer { effects = [] }
        return effects
    }

    /// Updates that are not settled yet, in the order of their making; those of other runs among them.
    public var outbox: [ClientMessage.Update] { kept.updates }

    public var activity: ClientMessage.Heartbeat.Activity {
        if training != nil { return .training }
        return pending == nil ? .idle : .waiting
    }

    /// Updates of the run that are not settled.
    var outstanding: Int { kept.count(of: origin?.run) }

    // MARK: Training

    /// Begins the pending task if the state that it names is there, and asks for that if not.
    mutating func trainIfPossible() {
        guard training == nil, !leaving, let task = pending else { return }
        guard let held, held.version >= task.version else { return fetch() }
        pending = nil
        training = task.number
        effects.append(.train(TrainingOrder(task: task, base: held)))
    }

    private mutating func retire(_ reason: String) {
        retirement = String(reason.prefix(TravelLimits.reasonBytes / 4))
        if let task = training ?? pending?.number { fail(task, reason) }
        pending = nil
        abandonTraining()
    }

    mutating func abandonTraining() {
        guard training != nil else { return }
        training = nil
        effects.append(.abandonTraining)
    }

    private mutating func finishTraining(_ result: TrainingResult) {
        guard training == result.task, let origin else { return }
        training = nil
        let update = ClientMessage.Update(
            client: id, session: session, run: origin.run, task: result.task, baseVersion: result.baseVersion,
            sampleCount: result.sampleCount, parameters: precision.rounded(result.parameters),
            promptIDs: result.promptIDs, metrics: result.metrics, precision: precision)
        let most = TravelLimits.clientMessageBytes(largestState: held?.state.parameters.byteCount ?? 0)
        guard update.travelBytes <= most else {
            fail(result.task, "expected an update of at most \(most) bytes, found one of \(update.travelBytes)")
            return trainIfPossible()
        }
        kept.add(update)
        effects.append(.store(update))
        trainIfPossible()
    }

    private mutating func failTraining(_ task: UInt64, _ reason: String) {
        guard training == task else { return }
        training = nil
        fail(task, reason)
        trainIfPossible()
    }

    private mutating func fail(_ task: UInt64, _ reason: String) {
        // A quarter of the bytes that may travel is left of four bytes a character.
        failure = (task, String(reason.prefix(TravelLimits.reasonBytes / 4)))
        sendFailure()
    }

    private mutating func sendStored(_ id: UpdateID) {
        guard let update = kept.markStored(id), update.run == origin?.run else { return }
        if welcomed { send(.update(update)) }
        if pace.resendAt == nil { armResend() }
    }

    // MARK: Leaving

    /// Begins nothing new; the training under way may come to its end, and what it made be acknowledged.
    private mutating func leave(within grace: Duration) {
        guard !leaving else { return }
        leaving = true
        pending = nil
        pace.graceEnd = clock.elapsed.saturatingAdd(max(0, grace.wholeNanoseconds))
    }

    private mutating func endIfNothingIsLeft() {
        guard !finished else { return }
        if assessment.isLastOne, !evaluates { return end(.runFinished) }
        guard !assessment.isLastOne, training == nil, origin == nil || outstanding == 0 else { return }
        // Before the first welcome it is not known whose the updates are, so all of them are waited for.
        if origin == nil, !kept.isEmpty { return }
        if leaving { end(.stopped) } else if let retirement { end(.retired(retirement)) }
    }

    mutating func end(_ end: ClientEnd) {
        finished = true
        abandonTraining()
        pending = nil
        send(.goodbye(.init(client: id, session: session)))
        effects.append(.finish(end))
    }
}
