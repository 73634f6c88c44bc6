import Dispatch
import Federation
import PromptAggregation
import PromptTuning
import Synchronization

/// Carries out a worker's training orders one after another on a thread of its own, so that the sockets are never kept
/// waiting.
package final class TuningThread: Sendable {
    /// Tells a training under way that it is no longer wanted.
    package final class Cancellation: Sendable {
        private let flag = Atomic<Bool>(false)
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
                    let result = try learner.tune(
                        order.base.state, personal: personal, on: dataset, plan: order.task.plan,
                        seed: order.task.seed, shouldStop: { cancellation.isCancelled })
                    guard let result else { return nil }
                    let outcome = TrainingOutcome(result, of: order)
                    return try privacy?.protect(outcome, base: order.base.state) ?? outcome
                })
        }
        return cancellation
    }
}

/// What came of a training order: what the client sends, and what it keeps for the next one.
package struct TrainingOutcome: Sendable {
    package let result: TrainingResult
    package let personal: Parameters
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
