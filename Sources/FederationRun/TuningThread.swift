import Dispatch
import Federation
import PromptAggregation
import PromptTuning
import Synchronization

/// Carries out a worker's training orders one after another on a thread of its own, so that the sockets are never kept
/// waiting.
package final class TuningThread: Sendable {
    /// Asks the current training to stop.
    package final class Cancellation: Sendable {
        private let flag = Atomic<Bool>(false)
        package init() {}
        package func cancel() { flag.store(true, ordering: .relaxed) }
        package var isCancelled: Bool { flag.load(ordering: .relaxed) }
    }

    private let learner: PromptLearner
    private let queue = DispatchQueue(label: "tuning", qos: .utility)

    package init(learner: PromptLearner) { self.learner = learner }

    /// - Parameters:
    ///   - personal: what the client kept of its last task.
    ///   - privacy: goes over what is to be sent.
    ///   - finish: called on the tuning's thread; with nil when the training was cancelled.
    /// - Returns: what cancels it.
    package func train(
        _ order: TrainingOrder, personal: Parameters, on dataset: TuningDataset, privacy: PrivacyGuard?,
        finish: @escaping @Sendable (Result<TrainingOutcome?, any Error>) -> Void
    ) -> Cancellation {
        let cancellation = Cancellation()
        queue.async { [learner] in
            finish(
                Result {
                    guard !cancellation.isCancelled else { return nil }
                    return try learner.carryOut(order, personal: personal, on: dataset, privacy: privacy) {
                        cancellation.isCancelled
                    }
                })
        }
        return cancellation
    }

    /// Evaluates a state on what a client holds out, behind what was asked for before.
    /// - Parameters:
    ///   - personal: what the client kept of its last task.
    ///   - finish: called on the tuning's thread.
    package func evaluate(
        _ state: PromptState, personal: Parameters, on dataset: TuningDataset, plan: TrainingPlan,
        finish: @escaping @Sendable (Result<Evaluation, any Error>) -> Void
    ) {
        queue.async { [learner] in
            finish(Result { try learner.evaluate(state, personal: personal, on: dataset, plan: plan) })
        }
    }
}

extension PromptLearner {
    /// Carries out a training order: tunes, and makes private what is to be sent.
    /// - Parameters: as of `TuningThread.train`.
    /// - Returns: nil when it was asked to stop.
    package func carryOut(
        _ order: TrainingOrder, personal: Parameters, on dataset: TuningDataset, privacy: PrivacyGuard?,
        shouldStop: () -> Bool = { false }
    ) throws -> TrainingOutcome? {
        let result = try tune(
            order.base.state, personal: personal, on: dataset, plan: order.task.plan, seed: order.task.seed,
            shouldStop: shouldStop)
        guard let result else { return nil }
        let outcome = TrainingOutcome(result, of: order)
        return try privacy?.protect(outcome, base: order.base.state) ?? outcome
    }
}

/// What came of a training order: what the client sends, and what it keeps for the next one.
package struct TrainingOutcome: Sendable {
    package let result: TrainingResult
    package let personal: Parameters

    package init(result: TrainingResult, personal: Parameters) {
        self.result = result
        self.personal = personal
    }
}

extension TrainingOutcome {
    package init(_ result: TuningResult, of order: TrainingOrder) {
        personal = result.personal
        self.result = TrainingResult(
            task: order.task.number, baseVersion: order.base.version, parameters: result.parameters,
            promptIDs: result.promptIDs, sampleCount: result.sampleCount,
            metrics: [
                Metric(name: "accuracy", value: result.trainingAccuracy), Metric(name: "loss", value: result.meanLoss),
                Metric(name: "steps", value: Double(result.steps)),
            ])
    }
}
