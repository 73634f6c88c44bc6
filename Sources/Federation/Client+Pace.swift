import PromptAggregation

/// When a client says what again.
extension Client {
    struct Pace: Sendable {
        /// Delays grow twofold from the lower to the upper bound.
        static let helloDelays: ClosedRange<Duration> = .milliseconds(200) ... .seconds(5)
        static let resendDelays: ClosedRange<Duration> = .seconds(1) ... .seconds(30)

        /// The silence of an aggregator after which an earlier start of it is listened to.
        static let patience: Duration = .seconds(10)

        var helloDelay = Self.helloDelays.lowerBound
        var resendDelay = Self.resendDelays.lowerBound
        var heartbeat: Duration = .seconds(2)
        /// `elapsed` when each is due, nil while it is not awaited.
        var helloAt: Int64?
        var heartbeatAt: Int64?
        var resendAt: Int64?
        var graceEnd: Int64?
        /// When the aggregator that it takes part with was heard last.
        var heardAt: Int64 = 0

        mutating func welcomed(heartbeat: Duration) {
            helloDelay = Self.helloDelays.lowerBound
            helloAt = nil
            self.heartbeat = max(.milliseconds(1), heartbeat)
        }
    }

    /// When the client wants to be called again, whatever happens until then, by its driver's clock; nil for never.
    public var nextDeadline: Timestamp? { finished ? nil : deadline.flatMap { clock.time(at: $0) } }

    private var deadline: Int64? {
        [pace.helloAt, pace.heartbeatAt, pace.resendAt, pace.graceEnd].compactMap(\.self).min()
    }

    mutating func meetDeadlines() {
        guard !finished else { return }
        if let graceEnd = pace.graceEnd, graceEnd <= clock.elapsed {
            return end(assessment.isLastOne ? .runFinished : .stopped)
        }
        if let due = pace.helloAt, due <= clock.elapsed { sayHello() }
        if let due = pace.heartbeatAt, due <= clock.elapsed { sendHeartbeat() }
        if let due = pace.resendAt, due <= clock.elapsed { resend() }
    }

    // MARK: Sending

    mutating func send(_ message: ClientMessage) { effects.append(.send(message)) }

    mutating func sayHello() {
        welcomed = false
        pace.heartbeatAt = nil
        send(.hello(.init(client: id, session: session, sampleCount: sampleCount, model: model, heldOutCount: heldOutCount)))
        pace.helloAt = clock.elapsed.saturatingAdd(pace.helloDelay.wholeNanoseconds)
        pace.helloDelay = min(pace.helloDelay * 2, Pace.helloDelays.upperBound)
    }

    /// Shows a sign of life, with what may have been lost on its way: that a task failed, and what state is missing.
    mutating func sendHeartbeat() {
        guard welcomed else { return }
        sendFailure()
        send(
            .heartbeat(
                .init(client: id, session: session, activity: activity, task: lastTask, outstanding: outstanding)))
        if activity == .waiting || assessmentNeedsState { fetch() }
        pace.heartbeatAt = clock.elapsed.saturatingAdd(pace.heartbeat.wholeNanoseconds)
    }

    mutating func sendFailure() {
        guard welcomed, let failure else { return }
        send(.failure(.init(client: id, session: session, task: failure.task, reason: failure.reason)))
    }

    mutating func fetch() {
        if welcomed { send(.fetch(.init(client: id, session: session, holding: held?.version ?? -1))) }
    }

    mutating func armResend() { pace.resendAt = clock.elapsed.saturatingAdd(pace.resendDelay.wholeNanoseconds) }

    private mutating func resend() {
        guard let origin, kept.holdsStored(of: origin.run) else {
            pace.resendAt = nil
            return
        }
        if welcomed { for update in kept.stored(of: origin.run) { send(.update(update)) } }
        pace.resendDelay = min(pace.resendDelay * 2, Pace.resendDelays.upperBound)
        armResend()
    }
}
