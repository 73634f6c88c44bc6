import Federation
import PromptAggregation
import PromptTuning
import RunLog
import RunSettings

/// Images of a run that no client trains on, with the learner to evaluate states on them.
public struct HeldOutImages {
    /// Images that no client trains on.
    public enum Split: String, Encodable, Sendable, CaseIterable { case test, validation }

    private let learner: PromptLearner
    private let dataset: TuningDataset
    private let plan: TrainingPlan
    /// How the run's configuration picks prompts.
    package let selection: PromptSelectionRule

    /// Loads the data and the encoder that a run's configuration names.
    /// - Throws: `ConfigurationError`, also where clients keep a part of the model to themselves; or what is wrong with
    ///   data or encoder.
    package init(_ split: Split, of configuration: RunConfiguration, log: String, threads: Int) throws {
        if let reason = configuration.unpublishedPart { throw ConfigurationError("\(log): \(reason)") }
        var configuration = configuration
        let encoder = try configuration.loadEncoder()
        try configuration.fixEncoder(digest: "\(Digest(ofFiles: encoder.filePaths))")
        let source =
            switch split {
            case .test: try FederatedData.test(configuration.data, encoder: encoder)
            case .validation: try FederatedData(configuration.data, encoder: encoder).validation
            }
        learner = try PromptLearner(encoder: encoder, threads: threads)
        dataset = try TuningDataset(source)
        plan = configuration.federation.plan
        selection = configuration.evaluation.selection
    }

    /// What they are, for a person: `images` or `texts`.
    package var examples: String { learner.encoder.examples }

    /// Whether an image uses prompts that are picked for it.
    package var picks: Bool { plan.promptsPerBatch > 0 && !plan.classMeans }

    /// - Parameter selection: nil for the run's own.
    package func evaluate(_ state: PromptState, _ selection: PromptSelectionRule? = nil) throws -> Evaluation {
        try learner.evaluate(state, on: dataset, plan: plan, selection: selection ?? self.selection)
    }
}
