import PromptAggregation

/// What the aggregator says to a client.
extension Client {
    mutating func receive(_ message: AggregatorMessage, from origin: Origin) {
        if isOld(origin) { return }
        if case .beacon(let beacon) = message, beacon.phase == .finished { return finishRun(beacon, origin) }
        if case .refuse(let refuse) = message { return receive(refuse) }
        if case .welcome(let welcome) = message { return receive(welcome, from: origin) }
        // Another run's message may be old, so it is its welcome that changes the run, and this the reason to say hello.
        guard self.origin == origin else { return greet() }
        pace.heardAt = clock.elapsed
        switch message {
        case .task(let task): receive(task)
        case .prompts(let prompts): receive(prompts)
        case .ack(let ack): if ack.client == id { settle(ack) }
        case .reject(let reject): if reject.client == id { receive(reject) }
        case .sayHello(let wanted): if wanted.client == id, wanted.session == session { greet() }
        case .evaluate(let order): receive(order)
        case .malformed(let it): if it.client == id { effects.append(.misunderstood(it.reason)) }
        case .beacon(let beacon): if let order = beacon.evaluate { evaluate(order) }
        case .welcome, .refuse: break
        }
    }

    /// Whether an earlier start of the run's aggregator sent it. A run that was set back to an earlier state counts its
    /// starts from there, so an old one is listened to once the newest has been silent for long.
    private func isOld(_ origin: Origin) -> Bool {
        guard let known = self.origin, known.run == origin.run, origin.epoch < known.epoch else { return false }
        return clock.elapsed.saturatingSubtract(pace.heardAt) < Pace.patience.wholeNanoseconds
    }

    /// Says hello because of what was heard, once: until the welcome comes, the clock repeats it.
    private mutating func greet() {
        guard welcomed else { return }
        pace.helloDelay = Pace.helloDelays.lowerBound
        sayHello()
    }

    private mutating func receive(_ welcome: AggregatorMessage.Welcome, from origin: Origin) {
        guard welcome.client == id, welcome.session == session else { return }
        let isNews = self.origin != origin || !welcomed
        if self.origin?.run != origin.run { forgetRun() }
        self.origin = origin
        welcomed = true
        precision = welcome.precision
        pace.heardAt = clock.elapsed
        // A run that was set back to an earlier state has other versions of the same numbers.
        if let held, held.version > welcome.version { self.held = nil }
        pace.welcomed(heartbeat: .milliseconds(welcome.heartbeatMilliseconds))
        if isNews {
            effects.append(.joined(origin, keptForOtherRuns: kept.updates.count - outstanding))
        }
        // The heartbeat answers the welcome: only then another session of this client that is alive makes way.
        sendHeartbeat()
        for update in kept.stored(of: origin.run) { send(.update(update)) }
        // What is sent now may be lost as well: the next try shall not wait as long as those that nobody answered.
        pace.resendDelay = Pace.resendDelays.lowerBound
        pace.resendAt = nil
        if kept.holdsStored(of: origin.run) { armResend() }
    }

    private mutating func forgetRun() {
        held = nil
        pending = nil
        lastTask = 0
        failure = nil
        assessment = Assessment()
        abandonTraining()
    }

    private mutating func receive(_ task: AggregatorMessage.Task) {
        // One for another session is not meant for this one; without a welcome there is nobody to answer to.
        guard welcomed, task.client == id, task.session == session, task.number > lastTask, retirement == nil, !leaving
        else { return }
        lastTask = task.number
        failure = nil
        pending = task
        trainIfPossible()
    }

    private mutating func receive(_ prompts: AggregatorMessage.Prompts) {
        if let held, held.version >= prompts.version { return }
        guard let whole = prompts.completed(by: held) else {
            if pending != nil, training == nil { fetch() }
            return
        }
        held = whole
        evaluateIfPossible()
        trainIfPossible()
    }

    private mutating func receive(_ reject: AggregatorMessage.Reject) {
        guard reject.code != .otherRun else { return }
        let rejected = UpdateID(run: reject.run, task: reject.task)
        if discard(.rejected, where: { $0 == rejected }) { effects.append(.updateRejected(reject)) }
    }

    private mutating func receive(_ refuse: AggregatorMessage.Refuse) {
        if refuse.client == id, refuse.session == session { end(.refused(refuse)) }
    }

    private mutating func settle(_ ack: AggregatorMessage.Ack) {
        let settled = UpdateID(run: origin?.run ?? 0, task: ack.task)
        if discard(.acknowledged, where: { $0 == settled }) { pace.resendDelay = Pace.resendDelays.lowerBound }
    }

    /// - Returns: whether there was any.
    @discardableResult
    private mutating func discard(_ settlement: Settlement, where condition: (UpdateID) -> Bool) -> Bool {
        let discarded = kept.remove(where: condition)
        effects += discarded.map { .discard($0, settlement) }
        if let origin, !kept.holdsStored(of: origin.run) { pace.resendAt = nil }
        return !discarded.isEmpty
    }

    /// The end of the client's run; that of another, heard late, ends nothing.
    private mutating func finishRun(_ beacon: AggregatorMessage.Beacon, _ origin: Origin) {
        if let known = self.origin, known.run != origin.run { return }
        discard(.runFinished) { $0.run == origin.run }
        if let order = beacon.evaluate, self.origin == origin { evaluate(order) }
        guard evaluates else { return end(.runFinished) }
        abandonTraining()
        pending = nil
        waitForLastEvaluation()
    }
}

extension AggregatorMessage.Prompts {
    /// The whole state: what was left out is taken from an older version that is held; nil where that lacks some of it.
    public func completed(by held: AggregatorMessage.GlobalPrompts?) -> AggregatorMessage.GlobalPrompts? {
        var state = changed
        for tensor in unchanged {
            guard let held, held.version >= tensor.since, let same = held.state.parameters[tensor.name] else {
                return nil
            }
            state.parameters[tensor.name] = same
        }
        return .init(version: version, state: state)
    }
}
