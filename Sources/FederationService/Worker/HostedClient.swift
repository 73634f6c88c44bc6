import Federation
import FederationRun
import Logging
import PromptAggregation
import PromptTuning
import PromptWire
import RunSettings
import Text
import ZeroMQTransport

/// One of a worker's clients: its state machine, and all that carries out what the machine wants done. Used on the
/// loop's thread.
package final class HostedClient: @unchecked Sendable {
    /// Tunes for one client.
    /// - Parameters:
    ///   - personal: what the client kept of its last task.
    ///   - finish: called on any thread; with nil when the training was cancelled.
    /// - Returns: what cancels it.
    package typealias Trainer = (
        _ order: TrainingOrder, _ personal: Parameters,
        _ finish: @escaping @Sendable (Result<TrainingOutcome?, any Error>) -> Void
    ) -> TuningThread.Cancellation

    /// Evaluates a state on what the client holds out.
    /// - Parameter finish: called on any thread.
    package typealias Assessor = (
        _ state: PromptState, _ personal: Parameters,
        _ finish: @escaping @Sendable (Result<Evaluation, any Error>) -> Void
    ) -> Void

    /// What a client keeps over its tasks.
    package struct Belongings {
        /// Nil where updates are kept in memory alone.
        package var outbox: OutboxFolder?
        /// Nil where updates are sent as they are.
        package var privacy: PrivacyGuard?
        /// How long a result waits before it is handed over, and what draws it.
        package var delay: DelayModel
        package var delays: SeededRandom

        package init(outbox: OutboxFolder?, privacy: PrivacyGuard?, delay: DelayModel, delays: SeededRandom) {
            self.outbox = outbox
            self.privacy = privacy
            self.delay = delay
            self.delays = delays
        }
    }

    package private(set) var client: Client
    /// Why the client's part has ended, nil until then.
    package private(set) var end: ClientEnd?
    private var belongings: Belongings
    /// What the client keeps of its last task.
    private var personal = Parameters()
    /// The run that it is of, nil before the first.
    private var personalRun: UInt64?
    private var updates: EncodedUpdates
    private let train: Trainer
    private let assess: Assessor?
    private let loop: PollLoop
    private let logger: Logger
    private let clock = RunClock()
    private let deadline: DeadlineTimer
    private var cancellation: TuningThread.Cancellation?
    private var isAbandoned = false
    /// Queues a message, which has these bytes; what gets lost is sent again.
    package var send: (ClientMessage, [UInt8]) -> Void = { _, _ in }
    /// Called when the client's part has ended.
    package var ended: () -> Void = {}

    /// - Parameters:
    ///   - heldOut: samples that the client holds out, and what evaluates on them; nil for none.
    ///   - loop: runs the timers, and what comes back from other threads.
    package init(
        id: ClientID, session: UInt64, sampleCount: Int, model: ModelSpecification, belongings: Belongings,
        train: @escaping Trainer, heldOut: (count: Int, assess: Assessor)? = nil, loop: PollLoop, logger: Logger
    ) {
        let left = belongings.outbox?.left ?? []
        client = Client(
            id: id, session: session, sampleCount: sampleCount, model: model, heldOutCount: heldOut?.count ?? 0,
            outbox: left.map(\.update))
        updates = EncodedUpdates(left)
        self.belongings = belongings
        self.train = train
        assess = heldOut?.assess
        self.loop = loop
        deadline = DeadlineTimer(on: loop, clock)
        self.logger = logger
    }

    /// Updates that are not settled yet.
    package var unsettled: Int { client.outbox.count }

    package func start() { handle(.started) }

    package func receive(_ envelope: AggregatorEnvelope) {
        handle(.received(envelope.message, from: envelope.origin))
    }

    /// Begins nothing new, and ends when nothing is under way or the time is up.
    package func leave(within grace: Duration) { handle(.stopRequested(grace: grace)) }

    /// Leaves everything as it is, at once, and waits for what the disk is at work on.
    package func abandon() {
        isAbandoned = true
        stopWorking()
        belongings.outbox?.finish()
    }

    private func stopWorking() {
        cancellation?.cancel()
        deadline.cancel()
    }

    // MARK: What happens

    private func handle(_ kind: ClientEvent.Kind) {
        guard end == nil, !isAbandoned else { return }
        let effects = client.handle(ClientEvent(time: clock.now(), kind: kind))
        deadline.arm(for: client.nextDeadline) { [weak self] in self?.handle(.tick) }
        for effect in effects { carryOut(effect) }
    }

    private func trained(_ result: Result<TrainingOutcome?, any Error>, task: UInt64) {
        cancellation = nil
        switch result {
        case .success(nil): handle(.trainingFailed(task: task, reason: "the training was given up"))
        case .success(let outcome?):
            personal = outcome.personal
            notePrivacy()
            handle(.trainingFinished(outcome.result))
        case .failure(let error):
            warn("training failed", ["task": "\(task)", "problem": "\(error)"])
            handle(.trainingFailed(task: task, reason: "\(error)"))
        }
    }

    private func notePrivacy() {
        guard let privacy = belongings.privacy else { return }
        logger.info(
            "update made private",
            metadata: [
                "client": "\(client.id)", "updates": "\(privacy.updates)", "epsilon": "\(decimal(privacy.epsilon, 3))",
            ])
    }

    private func stored(_ id: UpdateID, _ problem: OutboxError?) {
        // Without its file the update is sent all the same, and is lost only if the worker dies before it is taken.
        if let problem { logger.warning("update kept in memory alone", metadata: ["problem": "\(problem)"]) }
        handle(.stored(id))
    }

    // MARK: What is done

    private func carryOut(_ effect: ClientEffect) {
        switch effect {
        case .send(let message): send(message, updates.bytes(of: message))
        case .train(let order): begin(order)
        case .evaluate(let prompts): evaluate(prompts)
        case .store(let update): store(update)
        case .discard(let id, let settlement):
            updates.forget(id)
            belongings.outbox?.discard(id, settlement)
        case .abandonTraining: cancellation?.cancel()
        case .joined(let origin, let others): join(origin, keptForOtherRuns: others)
        case .misunderstood(let reason): warn("the aggregator did not understand a message", ["problem": "\(reason)"])
        case .updateRejected(let reject):
            warn(
                "update rejected",
                ["task": "\(reject.task)", "code": "\(reject.code)", "reason": "\(reject.reason)"])
        case .finish(let end): finish(end)
        }
    }

    /// Takes note of the run that the client takes part in, and of what it keeps for others.
    private func join(_ origin: Origin, keptForOtherRuns others: Int) {
        if others > 0 {
            warn(
                "updates of other runs stay in the outbox",
                ["updates": "\(others)", "run": "\(hexadecimal(origin.run))"])
        }
        do {
            try belongings.privacy?.enter(run: origin.run)
            try takeUpPersonal(of: origin.run)
        } catch {
            handle(.retired("\(error)"))
        }
    }

    /// Takes up what an earlier process of the client kept in a run; nothing of one run counts in another.
    private func takeUpPersonal(of run: UInt64) throws(OutboxError) {
        guard personalRun != run else { return }
        let parts = try belongings.outbox?.personal(run: run)
        personal = parts?.values ?? Parameters()
        personalRun = run
        guard let parts else { return }
        logger.info(
            "personal parts taken up", metadata: ["client": "\(client.id)", "task": "\(parts.task)"])
    }

    private func store(_ update: ClientMessage.Update) {
        let id = update.id
        let message = updates.keep(update)
        guard let outbox = belongings.outbox else { return handle(.stored(id)) }
        outbox.store(id, message, personal: personal) { [loop, weak self] problem in
            loop.execute { [weak self] in self?.stored(id, problem) }
        }
    }

    /// Tunes, and hands the result over after the configured delay.
    private func begin(_ order: TrainingOrder) {
        if let reason = belongings.privacy?.refusal {
            warn("client takes no more tasks", ["reason": "\(reason)"])
            return handle(.retired(reason))
        }
        let delay = belongings.delay.draw(&belongings.delays)
        let task = order.task.number
        cancellation = train(order, personal) { [loop, weak self] result in
            loop.schedule(after: delay) { [weak self] in self?.trained(result, task: task) }
        }
    }

    private func evaluate(_ prompts: AggregatorMessage.GlobalPrompts) {
        guard let assess else { return handle(.evaluated(nil)) }
        assess(prompts.state, personal) { [loop, weak self] result in
            loop.execute { [weak self] in self?.evaluated(result, version: prompts.version) }
        }
    }

    private func evaluated(_ result: Result<Evaluation, any Error>, version: Version) {
        do {
            let evaluation = try result.get()
            handle(
                .evaluated(
                    .init(
                        client: client.id, session: client.session, version: version, loss: evaluation.loss,
                        total: evaluation.classCounts, correct: evaluation.classHits)))
        } catch {
            warn("evaluation failed", ["version": "\(version)", "problem": "\(error)"])
            handle(.evaluated(nil))
        }
    }

    private func finish(_ end: ClientEnd) {
        self.end = end
        stopWorking()
        logger.info("client ended", metadata: ["client": "\(client.id)", "end": "\(Self.words(end))"])
        ended()
    }

    private static func words(_ end: ClientEnd) -> String {
        switch end {
        case .runFinished: "the run has finished"
        case .stopped: "stopped"
        case .retired(let reason): "retired: \(reason)"
        case .refused(let refuse): "refused (\(refuse.code)): \(refuse.reason)"
        }
    }

    private func warn(_ message: Logger.Message, _ details: Logger.Metadata) {
        logger.warning(message, metadata: details.merging(["client": "\(client.id)"]) { $1 })
    }
}
