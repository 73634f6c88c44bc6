import PromptAggregation
import Synchronization

/// Tunes prompts and a head through a frozen encoder, on the caller's thread and `threads` − 1 of its own.
///
/// One call runs at a time; another waits. Results are the same bits for any number of threads.
public final class PromptLearner: Sendable {
    public let encoder: FrozenEncoder
    public let threads: Int
    public let kernels: KernelVariant
    private let runner: Mutex<BatchRunner>

    /// - Parameters:
    ///   - threads: at least 1.
    ///   - kernels: the fastest that the machine can run unless given.
    /// - Throws: `TuningError`.
    public init(encoder: FrozenEncoder, threads: Int, kernels: KernelVariant? = nil) throws(TuningError) {
        let kernels = kernels ?? .best
        self.encoder = encoder
        self.threads = threads
        self.kernels = kernels
        runner = Mutex(try BatchRunner(encoder: encoder, threads: threads, kernels: kernels))
    }

    /// A state to start a federation from: prompts uniform in ±scale √(6 / (3 patch² + width)) (Jia et al. 2022, with
    /// scale 1; for texts in ±scale √(3 / width)), a head, and the identity as key projection where one is asked for.
    ///
    /// - Parameters:
    ///   - pool: the number of prompts, at least 1; their identities are 0..<pool.
    ///   - promptDepth: the blocks that prompts of their own stand before, from 1 (shallow) to the encoder's depth; a row
    ///     of the pool is [promptDepth · width], so a deep prompt is matched and averaged as one.
    ///   - promptScale: above 0. Blocks normalize their inputs, so only prompts of about √ε of that normalization
    ///     (0.001) and less are weaker than others.
    ///   - classes: the number of classes, at least 1.
    public func initialState(
        pool: Int, promptDepth: Int = 1, promptScale: Double = 1, classes: Int, head: HeadDesign = .linear,
        keyProjection: Bool, seed: UInt64
    ) -> PromptState {
        let width = encoder.width
        var random = SeededRandom(seed: seed)
        let bound = promptScale * (6 / Double(encoder.geometry.inputValues + width)).squareRoot()
        let prompts = (0..<pool * promptDepth * width).map { _ in Float((2 * random.nextUniform() - 1) * bound) }
        var parameters = Parameters(
            [(Parameters.prompts, Tensor(shape: [pool, promptDepth * width], values: prompts))]
                + head.initial(width: width, classes: classes, random: &random))
        if keyProjection {
            var identity = Tensor(zeros: [width, width])
            for place in 0..<width { identity.values[place * (width + 1)] = 1 }
            parameters[Parameters.keyWeight] = identity
        }
        return PromptState(parameters: parameters, promptIDs: (0..<pool).map(PromptID.init))
    }

    /// Trains on a client's images.
    ///
    /// - Parameters:
    ///   - personal: what the client kept of its last task, nothing at its first.
    ///   - seed: fixes the order of the images.
    ///   - shouldStop: asked before each step.
    /// - Returns: nil when it was asked to stop.
    /// - Throws: `TuningError`, or what the image source throws.
    public func tune(
        _ state: PromptState, personal: Parameters = Parameters(), on dataset: TuningDataset, plan: TrainingPlan,
        seed: UInt64, shouldStop: () -> Bool = { false }
    ) throws -> TuningResult? {
        let personal = personal.described(for: state, seed: seed)
        return try runner.withLock { runner in
            var session = try TuningSession(
                state, personal: personal, dataset: dataset, plan: plan, runner: runner)
            return try session.run(seed: seed, shouldStop: shouldStop)
        }
    }

    /// Classifies all images of a data set.
    ///
    /// - Parameters:
    ///   - personal: what a client keeps, to evaluate the state as that client sees it.
    ///   - selection: how prompts are picked.
    /// - Throws: `TuningError`, or what the image source throws.
    public func evaluate(
        _ state: PromptState, personal: Parameters = Parameters(), on dataset: TuningDataset, plan: TrainingPlan,
        selection: PromptSelectionRule = .instance
    ) throws -> Evaluation {
        return try runner.withLock { runner in
            let session = try TuningSession(
                state, personal: personal, dataset: dataset, plan: plan, runner: runner)
            return try session.evaluate(selection)
        }
    }

    /// Classifies all images of a data set as one batch.
    ///
    /// By instance an image's results are the same bits in every batch. Losses are those of the data set's labels.
    /// - Parameter dataset: its images are all prepared at once in the memory of the passes, so some hundreds at most.
    /// - Throws: `TuningError`, or what the image source throws.
    package func classify(
        _ state: PromptState, on dataset: TuningDataset, plan: TrainingPlan, selection: PromptSelectionRule
    ) throws -> Classified {
        try runner.withLock { runner in
            try TuningSession(state, dataset: dataset, plan: plan, runner: runner).classify(selection)
        }
    }

    /// Adds to a state what whitens the class features of some images: the fixed tensors `Parameters.featureMean` and
    /// `Parameters.featureWhitening`. The images need no labels of meaning; some hundreds suffice.
    ///
    /// - Throws: `TuningError`, or what the image source throws.
    public func whiten(_ state: inout PromptState, by dataset: TuningDataset, plan: TrainingPlan) throws {
        let features = try runner.withLock { runner in
            try TuningSession(state, dataset: dataset, plan: plan, runner: runner).promptedFeatures()
        }
        let (mean, whitening) = FeatureWhitening.estimate(features, width: encoder.width)
        state.parameters[Parameters.featureMean] = mean
        state.parameters[Parameters.featureWhitening] = whitening
    }

    /// Loss and gradients of one batch, without a step: for checks against references.
    ///
    /// - Parameter dropout: factors of the head's hidden values, [images, hidden]; nil for none.
    package func gradients(
        _ state: PromptState, on dataset: TuningDataset, images: [Int], plan: TrainingPlan, dropout: [Float]? = nil
    ) throws -> BatchGradients {
        try runner.withLock { runner in
            var session = try TuningSession(state, dataset: dataset, plan: plan, runner: runner)
            return try session.gradients(of: images, dropout: dropout)
        }
    }
}

/// What a task brings.
public struct TuningResult: Hashable, Sendable {
    /// What the update holds: of `prompts` [touched, width] only the rows that some batch used, of the others whatever is
    /// not personal, and with control variates (x − y) / (K η) of each. Where the state has a generator, the whole pool and
    /// the generator, stepped along what tuning made of the client's prompts.
    public var parameters: Parameters
    /// The pool's prompt from which each row of `prompts` started.
    public var promptIDs: [PromptID]
    /// What the client keeps for its next task: personal tensors, its own control variates, its descriptor.
    public var personal: Parameters
    /// Images of the client.
    public var sampleCount: Int
    /// Optimizer steps.
    public var steps: Int
    /// The mean over the steps of the loss before each (cross-entropy and similarity term).
    public var meanLoss: Double
    /// The share of the images trained on whose class was predicted before their step.
    public var trainingAccuracy: Double
}

/// What a state makes of some images.
package struct Classified: Sendable {
    package var classes: Int
    /// [images, classes].
    package var logits: [Float]
    /// The class of the largest logit, the first among equals.
    package var predictions: [Int]
    /// The cross-entropy of each image with its label.
    package var losses: [Double]
    /// The pool's rows that each image used.
    package var picks: [[Int]]
}

/// Loss, outputs and gradients of one batch.
package struct BatchGradients {
    /// Cross-entropy and similarity term.
    package var loss: Double
    /// [batch, width].
    package var features: [Float]
    /// What the head reads, before whitening: [batch, inputs].
    package var headInputs: [Float]
    /// [batch, classes].
    package var logits: [Float]
    /// The class of the largest logit.
    package var predictions: [Int32]
    /// By name and in the shape of the parameters.
    package var gradients: [String: [Float]]
    /// The pool's rows that the batch used.
    package var promptRows: [Int]
}
