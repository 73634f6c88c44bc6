import PromptAggregation

/// A client's whole state and everything it decides: the aggregator's twin, as pure.
///
/// It says hello until it is welcomed, trains on the newest state it holds when a task asks for it, stores each update
/// until it is acknowledged or finally rejected, and begins anew with hello when the aggregator's incarnation changes.
/// A training under way never keeps it from answering.
public struct Client: Sendable {
    public let id: ClientID
    public let session: UInt64
    public let sampleCount: Int
    public let encoderDigest: String

    private var welcomed = false
    private var finished = false
    /// Whether the client is to end as soon as nothing is under way.
    private var leaving = false
    /// Why it trains no more, nil while it does.
    private var retirement: String?
    private var incarnation: UInt64?
    private var helloDelay = Self.helloDelays.lowerBound
    private var resendDelay = Self.resendDelays.lowerBound
    private var heartbeat: Duration = .seconds(2)
    /// Whether a heartbeat or resend timer is set, so that there is only one of each.
    private var heartbeatSet = false
    private var resendSet = false

    /// The newest state received.
    private var held: AggregatorMessage.GlobalPrompts?
    /// The task to do next, if it has not begun.
    private var pending: AggregatorMessage.Task?
    private var training: UInt64?
    /// The newest task received.
    private var lastTask: UInt64 = 0
    private var kept: Outbox
    private var nextSequence: UInt64 = 1
    private var effects: [ClientEffect] = []

    /// Delays grow twofold from the lower to the upper bound.
    static let helloDelays: ClosedRange<Duration> = .milliseconds(200) ... .seconds(5)
    static let resendDelays: ClosedRange<Duration> = .seconds(1) ... .seconds(30)

    /// - Parameter outbox: updates that earlier sessions stored and did not discard, in the order of their making.
    public init(
        id: ClientID, session: UInt64, sampleCount: Int, encoderDigest: String, outbox: [ClientMessage.Update] = []
    ) {
        kept = Outbox(stored: outbox)
        self.id = id
        self.session = session
        self.sampleCount = sampleCount
        self.encoderDigest = encoderDigest
    }

    /// Takes one event in and returns what is to be done, in order.
    public mutating func handle(_ event: ClientEvent) -> [ClientEffect] {
        effects.removeAll(keepingCapacity: true)
        guard !finished else { return [] }
        switch event.kind {
        case .started: sayHello()
        case .received(let message, let incarnation): receive(message, incarnation: incarnation)
        case .timerFired(let timer): fire(timer)
        case .trainingFinished(let result): finishTraining(result)
        case .trainingFailed(let task):
            if training == task { training = nil }
            trainIfPossible()
        case .stored(let id): sendStored(id)
        case .stopRequested(let grace): leave(within: grace)
        case .retired(let reason): retire(reason)
        }
        leaveIfNothingIsUnderWay()
        if let retirement, kept.isEmpty, !finished { end(.retired(retirement)) }
        return effects
    }

    /// Updates that are not settled yet, in the order of their making.
    public var outbox: [ClientMessage.Update] { kept.updates }

    public var activity: ClientMessage.Heartbeat.Activity {
        if training != nil { return .training }
        return pending == nil ? .idle : .waiting
    }

    private mutating func sayHello() {
        welcomed = false
        send(
            .hello(
                .init(
                    client: id, session: session, lastVersion: held?.version ?? -1, sampleCount: sampleCount,
                    encoderDigest: encoderDigest)))
        effects.append(.setTimer(.hello, after: helloDelay))
        helloDelay = min(helloDelay * 2, Self.helloDelays.upperBound)
    }

    private mutating func fire(_ timer: ClientTimer) {
        switch timer {
        case .hello:
            if !welcomed { sayHello() }
        case .heartbeat:
            heartbeatSet = false
            sendHeartbeat()
            setHeartbeat()
        case .resend:
            resendSet = false
            guard !kept.isEmpty else { return }
            if welcomed { resendAll() }
            resendDelay = min(resendDelay * 2, Self.resendDelays.upperBound)
            setResend()
        case .grace: end(.stopped)
        }
    }

    // MARK: Messages

    private mutating func receive(_ message: AggregatorMessage, incarnation: UInt64) {
        if self.incarnation != incarnation {
            let known = self.incarnation != nil
            self.incarnation = incarnation
            if known {
                // Another aggregator process: it may lack what the last one did not write down.
                held = nil
                helloDelay = Self.helloDelays.lowerBound
                sayHello()
            }
        }
        switch message {
        case .welcome(let welcome): receive(welcome)
        case .task(let task): receive(task)
        case .globalPrompts(let prompts): receive(prompts)
        case .ack(let ack): receive(ack)
        case .reject(let reject): receive(reject)
        case .beacon(let beacon):
            if beacon.phase == .finished { end(.runFinished) }
        }
    }

    private mutating func receive(_ welcome: AggregatorMessage.Welcome) {
        guard welcome.client == id, welcome.session == session else { return }
        welcomed = true
        helloDelay = Self.helloDelays.lowerBound
        heartbeat = .milliseconds(max(1, welcome.heartbeatMilliseconds))
        settle(welcome.acknowledged)
        resendAll()
        // What is sent now may be lost as well: the next try shall not wait as long as those that nobody answered.
        resendDelay = Self.resendDelays.lowerBound
        resendSet = false
        if !kept.isEmpty { setResend() }
        setHeartbeat()
    }

    private mutating func receive(_ task: AggregatorMessage.Task) {
        // One that comes before the welcome was meant for an earlier session; a session that the aggregator does not
        // know has nothing to answer with.
        guard welcomed, task.client == id, task.number > lastTask, retirement == nil else { return }
        lastTask = task.number
        pending = task
        trainIfPossible()
        if activity == .waiting { sendHeartbeat() }
    }

    private mutating func receive(_ prompts: AggregatorMessage.GlobalPrompts) {
        if let held, held.version >= prompts.version { return }
        held = prompts
        trainIfPossible()
    }

    private mutating func receive(_ ack: AggregatorMessage.Ack) {
        guard ack.client == id else { return }
        settle(ack)
    }

    private mutating func receive(_ reject: AggregatorMessage.Reject) {
        guard reject.client == id else { return }
        if reject.sequence == 0 {
            if reject.session == session { receiveRefusal(reject) }
            return
        }
        // An earlier session that the aggregator does not know, it will never know: no hello names it any more.
        guard !reject.retryable || reject.session != session else { return }
        let rejected = UpdateID(session: reject.session, sequence: reject.sequence)
        if discard(.rejected, where: { $0 == rejected }) { effects.append(.updateRejected(reject)) }
    }

    private mutating func receiveRefusal(_ reject: AggregatorMessage.Reject) {
        if !reject.retryable { return end(.refused(reject.reason)) }
        // The aggregator takes another session for the current one.
        guard welcomed else { return }
        helloDelay = Self.helloDelays.lowerBound
        sayHello()
    }

    private mutating func settle(_ ack: AggregatorMessage.Ack) {
        let isAny = discard(.acknowledged) {
            $0.session == ack.session && ($0.sequence <= ack.contiguous || ack.ahead.contains($0.sequence))
        }
        if isAny { resendDelay = Self.resendDelays.lowerBound }
    }

    /// - Returns: whether there was any.
    @discardableResult
    private mutating func discard(_ settlement: Settlement, where condition: (UpdateID) -> Bool) -> Bool {
        let discarded = kept.remove(where: condition)
        effects += discarded.map { .discard($0, settlement) }
        return !discarded.isEmpty
    }

    // MARK: Training

    private mutating func trainIfPossible() {
        guard training == nil, !leaving, let task = pending, let held, held.version >= task.version else { return }
        pending = nil
        training = task.number
        effects.append(.train(TrainingOrder(task: task, base: held)))
    }

    private mutating func retire(_ reason: String) {
        retirement = reason
        pending = nil
        guard training != nil else { return }
        training = nil
        effects.append(.abandonTraining)
    }

    private mutating func finishTraining(_ result: TrainingResult) {
        guard training == result.task else { return }
        training = nil
        let update = ClientMessage.Update(
            client: id, session: session, sequence: nextSequence, task: result.task, baseVersion: result.baseVersion,
            sampleCount: result.sampleCount, parameters: result.parameters, promptIDs: result.promptIDs,
            metrics: result.metrics)
        nextSequence += 1
        kept.add(update)
        effects.append(.store(update))
        trainIfPossible()
    }

    private mutating func sendStored(_ id: UpdateID) {
        guard let update = kept.markStored(id) else { return }
        if welcomed { send(.update(update)) }
        setResend()
    }

    // MARK: Sending

    private mutating func send(_ message: ClientMessage) { effects.append(.send(message)) }

    private mutating func sendHeartbeat() {
        guard welcomed else { return }
        send(
            .heartbeat(
                .init(
                    client: id, session: session, activity: activity, lastVersion: held?.version ?? -1, task: lastTask,
                    outstanding: kept.count)))
    }

    private mutating func resendAll() {
        for update in kept.stored { send(.update(update)) }
    }

    private mutating func setHeartbeat() {
        guard !heartbeatSet else { return }
        heartbeatSet = true
        effects.append(.setTimer(.heartbeat, after: heartbeat))
    }

    private mutating func setResend() {
        guard !resendSet else { return }
        resendSet = true
        effects.append(.setTimer(.resend, after: resendDelay))
    }

    // MARK: Leaving

    /// Begins nothing new; the training under way may come to its end, and what it made be acknowledged.
    private mutating func leave(within grace: Duration) {
        guard !leaving else { return }
        leaving = true
        pending = nil
        if grace > .zero { effects.append(.setTimer(.grace, after: grace)) } else { end(.stopped) }
    }

    private mutating func leaveIfNothingIsUnderWay() {
        guard leaving, !finished, training == nil, kept.isEmpty else { return }
        end(.stopped)
    }

    private mutating func end(_ end: ClientEnd) {
        finished = true
        if training != nil { effects.append(.abandonTraining) }
        if end == .runFinished { discard(.runFinished) { _ in true } }
        send(.goodbye(.init(client: id, session: session)))
        effects.append(.finish(end))
    }
}
