/// How a client tunes locally. The aggregator sends it with each task, so all clients of a run follow one plan.
public struct TrainingPlan: Hashable, Sendable {
    /// How the trained values move along their gradients.
    public enum Optimizer: String, Hashable, Sendable, CaseIterable { case adam, adamw, sgd }

    /// Passes over the client's samples; the steps of one task are also bounded by `maximumSteps`.
    public var epochs: Int = 1
    /// The most optimizer steps of one task; 0 for no bound.
    public var maximumSteps: Int = 0
    /// Images a step.
    public var batchSize: Int = 16
    public var optimizer: Optimizer = .adam
    /// Step size for the prompts and the key projection.
    public var promptLearningRate: Double = 1e-3
    /// Step size for the head.
    public var headLearningRate: Double = 1e-3
    /// Decay of Adam's first moment, or SGD's momentum.
    public var momentum: Double = 0.9
    /// Decay of Adam's second moment.
    public var secondMomentDecay: Double = 0.98
    /// Decoupled weight decay (AdamW) or L2 penalty (Adam, SGD).
    public var weightDecay: Double = 0
    /// The most Euclidean norm of a step's gradient over all trained values; 0 for no bound.
    public var gradientClip: Double = 0
    /// Prompts that a batch picks from the pool (L2P, Wang et al. 2022); 0 uses the whole pool.
    public var promptsPerBatch: Int = 10
    /// Weight of the similarity between the picked prompts and the projected class features, which is added to the loss,
    /// as the authors of PFPT do it; L2P's pull (Wang et al. 2022, equation 5) is a weight below 0.
    public var similarityWeight: Double = 0.01
    /// μ of FedProx's proximal term μ/2 · ‖v − v_base‖²; 0 for none.
    public var proximalWeight: Double = 0
    /// Adds log P(class) of the client's own samples to the logits while it tunes, so that the classes it lacks are not
    /// pushed away (Menon et al. 2021, equation 10; in federated learning Zhang et al. 2022, FedLC).
    public var logitAdjustment: Double = 0
    /// β of the class-balanced loss: an image's loss is divided by the effective number of the client's images of its
    /// class, (1 − βⁿ) / (1 − β) (Cui et al. 2019). 0 weighs all images alike; near 1 all classes.
    public var classBalance: Double = 0
    /// The probability that a value of the head's hidden layer is dropped in a training step.
    public var headDropout: Double = 0
    /// What each client tunes for itself alone.
    public var personal: Personal = .nothing
    /// Whether steps follow SCAFFOLD's corrected gradients (Karimireddy et al. 2020, algorithm 1); takes SGD without
    /// momentum.
    public var controlVariates: Bool = false
    /// Whether clients tune nothing and send their class means instead (FedCOF, Goswami et al. 2025): encoder and head then
    /// work without prompts.
    public var classMeans: Bool = false
    /// The step size of pFedPG's generator and descriptors, where the state holds a generator.
    public var generatorRate: Double = 0
    /// The encoder's block, from 0, that prompts enter before. The blocks before it see no prompt, so what they make of an
    /// example never changes.
    public var firstBlock: Int = 0

    public init() {}
}
