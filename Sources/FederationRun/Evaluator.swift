import Dispatch
import Federation
import PromptAggregation
import PromptTuning
import Synchronization

/// Evaluates published states on a thread of its own. While one evaluation runs, only the newest state waits: a slow
/// evaluation skips versions and holds up nothing.
package final class Evaluator: Sendable {
    package struct Outcome: Sendable {
        package var version: Version
        package var evaluation: Evaluation

        package init(version: Version, evaluation: Evaluation) {
            self.version = version
            self.evaluation = evaluation
        }
    }

    private struct Queue {
        var waiting: AggregatorMessage.GlobalPrompts?
        var running = false
        /// Nothing begins before this.
        var notBefore = ContinuousClock.now
        var stopped = false
    }

    private let learner: PromptLearner
    private let dataset: TuningDataset
    private let plan: TrainingPlan
    private let selection: PromptSelectionRule
    private let interval: Duration
    private let thread = DispatchQueue(label: "evaluation", qos: .utility)
    private let queue = Mutex(Queue())
    private let report: @Sendable (Result<Outcome, any Error>) -> Void

    /// - Parameters:
    ///   - interval: the least time from the end of one evaluation to the start of the next.
    ///   - report: called on the evaluation's thread.
    package init(
        learner: PromptLearner, dataset: TuningDataset, plan: TrainingPlan, selection: PromptSelectionRule,
        interval: Duration,
        report: @escaping @Sendable (Result<Outcome, any Error>) -> Void
    ) {
        self.learner = learner
        self.dataset = dataset
        self.plan = plan
        self.selection = selection
        self.interval = interval
        self.report = report
    }

    /// Takes a state in line; one that waits already is replaced.
    package func submit(_ prompts: AggregatorMessage.GlobalPrompts) {
        let delay = queue.withLock { queue -> Duration? in
            queue.waiting = prompts
            guard !queue.running, !queue.stopped else { return nil }
            queue.running = true
            return max(.zero, queue.notBefore - .now)
        }
        if let delay { begin(after: delay) }
    }

    /// Nothing begins from now on.
    package func stop() { queue.withLock { $0.stopped = true } }

    private func begin(after delay: Duration) {
        thread.asyncAfter(deadline: .now() + .nanoseconds(Int(delay / .nanoseconds(1)))) { self.evaluateNext() }
    }

    private func evaluateNext() {
        let next = queue.withLock { queue -> AggregatorMessage.GlobalPrompts? in
            defer { queue.waiting = nil }
            if queue.stopped || queue.waiting == nil { queue.running = false }
            return queue.stopped ? nil : queue.waiting
        }
        guard let next else { return }
        report(
            Result {
                Outcome(
                    version: next.version,
                    evaluation: try learner.evaluate(next.state, on: dataset, plan: plan, selection: selection))
            })
        let more = queue.withLock { queue -> Bool in
            queue.notBefore = .now + interval
            queue.running = queue.waiting != nil && !queue.stopped
            return queue.running
        }
        if more { begin(after: interval) }
    }
}
