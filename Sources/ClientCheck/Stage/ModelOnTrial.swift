import Federation
import FederationRun
import PromptAggregation
import PromptTuning
import RunLog
import RunSettings

/// The model that the checker's runs tune: a configuration's, or a small one for a client that takes any.
public struct ModelOnTrial: Sendable {
    let state: PromptState
    let plan: TrainingPlan
    /// Without fields where any model may take part.
    let specification: ModelSpecification

    /// Pool and widths of the small model; the head has a bias, and one tensor never changes.
    public static let small: ModelOnTrial = {
        var random = SeededRandom(seed: 17)
        func tensor(_ shape: [Int]) -> Tensor {
            Tensor(shape: shape, values: (0..<shape.reduce(1, *)).map { _ in Float(random.nextUniform() - 0.5) })
        }
        let parameters = Parameters([
            (Parameters.prompts, tensor([6, 8])), (Parameters.headWeight, tensor([3, 8])),
            (Parameters.headBias, tensor([3])), (Parameters.featureMean, tensor([8])),
        ])
        var plan = TrainingPlan()
        plan.maximumSteps = 2
        plan.promptsPerBatch = 3
        return ModelOnTrial(
            state: PromptState(parameters: parameters, promptIDs: [11, 12, 13, 14, 15, 16]), plan: plan,
            specification: ModelSpecification())
    }()

    private init(state: PromptState, plan: TrainingPlan, specification: ModelSpecification) {
        self.state = state
        self.plan = plan
        self.specification = specification
    }

    /// The model of a run with this configuration, at its start, without whitening.
    /// - Throws: `ConfigurationError`, or what loading the encoder throws.
    public init(_ given: RunConfiguration) throws {
        var configuration = given
        let encoder = try configuration.loadEncoder()
        try configuration.fixEncoder(digest: "\(Digest(ofFiles: encoder.filePaths))")
        let model = try ModelDescription(configuration, classes: configuration.data.classNames, encoder: encoder)
        let learner = try PromptLearner(encoder: encoder, threads: 1)
        state = try AggregatorSetup.initialState(of: configuration, learner: learner, classes: model.classes.count)
        plan = configuration.federation.plan
        specification = model.specification
    }

    /// Whether a shift of the head's bias can be seen in an update, and changes no probability.
    var showsBias: Bool { state.parameters[Parameters.headBias] != nil && plan.sends(Parameters.headBias) }
}
