import PromptAggregation

/// One task: a state, a data set and a plan, checked against one another.
struct TuningSession {
    let state: PromptState
    private let personal: Parameters
    let dataset: TuningDataset
    let plan: TrainingPlan
    let runner: BatchRunner
    private var trained: [TrainedTensor]
    let headShape: HeadShape
    /// Blocks of the encoder that prompts of their own stand before.
    private let promptLayers: Int
    private let terms: ClassTerms
    let whitening: FeatureWhitening?
    /// Where the state has one and the client a descriptor for it.
    private let generation: (generator: PromptGenerator, descriptor: Matrix)?

    /// - Parameter personal: what the client keeps from its earlier tasks.
    init(
        _ published: PromptState, personal: Parameters = Parameters(), dataset: TuningDataset, plan: TrainingPlan,
        runner: BatchRunner
    ) throws(TuningError) {
        let width = runner.encoder.width
        var state = try published.adopting(personal, as: plan.personal)
        if let generator = try PromptGenerator(state), let descriptor = try generator.descriptor(in: personal) {
            generation = (generator, descriptor)
            state.parameters[Parameters.prompts] = generator.prompts(descriptor).tensor
        } else {
            generation = nil
        }
        self.state = state
        self.personal = personal
        self.dataset = dataset
        self.plan = plan
        self.runner = runner
        try plan.check()
        guard generation == nil || plan.personal != .everything else {
            throw .plan(
                field: "personal", expected: "nothing or head with a prompt generator", found: plan.personal.rawValue)
        }
        whitening = try FeatureWhitening(state.parameters, width: width)
        guard dataset.count > 0 else { throw .emptyDataset }
        headShape = try HeadShape(state.parameters, encoder: runner.encoder)
        if let matrix = state.parameters[Parameters.featureWhitening], headShape.onClassifier {
            throw .parameterShape(
                Parameters.featureWhitening, expected: "none before a head on the classifier", found: matrix.shape)
        }
        let classes = headShape.classes
        promptLayers = try Self.promptLayers(of: state, runner.encoder)
        let most = runner.encoder.depth - promptLayers
        guard plan.firstBlock <= most else {
            throw .plan(
                field: "firstBlock",
                expected:
                    "at most \(most) with prompts for \(promptLayers) of the encoder's \(runner.encoder.depth) blocks",
                found: "\(plan.firstBlock)")
        }
        trained = []
        var expected = [(Parameters.prompts, [state.promptIDs.count, promptLayers * width])] + headShape.expected
        if state.parameters[Parameters.keyWeight] != nil { expected.append((Parameters.keyWeight, [width, width])) }
        for (name, shape) in expected {
            guard let tensor = state.parameters[name] else { throw .missingParameter(name) }
            guard tensor.shape == shape else { throw .parameterShape(name, expected: "\(shape)", found: tensor.shape) }
            let ofHead = headShape.expected.contains { $0.name == name }
            trained.append(
                TrainedTensor(
                    name: name, tensor: tensor, learningRate: ofHead ? plan.headLearningRate : plan.promptLearningRate,
                    byRow: name == Parameters.prompts))
        }
        for (image, label) in dataset.labels.enumerated() where !(0..<classes ~= label) {
            throw .label(image: image, label: label, classes: classes)
        }
        terms = ClassTerms(plan, labels: dataset.labels, classes: classes)
    }

    /// The pool's rows are as many widths long as there are layers.
    private static func promptLayers(of state: PromptState, _ encoder: FrozenEncoder) throws(TuningError) -> Int {
        guard let prompts = state.parameters[Parameters.prompts] else { throw .missingParameter(Parameters.prompts) }
        let columns = prompts.shape.last ?? 0
        guard columns % encoder.width == 0, 1...encoder.depth ~= columns / encoder.width else {
            throw .parameterShape(
                Parameters.prompts,
                expected: "[\(state.promptIDs.count), \(encoder.width)], or up to \(encoder.depth) times as wide",
                found: prompts.shape)
        }
        return columns / encoder.width
    }

    /// Values of a row of the pool.
    var promptWidth: Int { promptLayers * runner.encoder.width }

    private func index(_ name: String) -> Int? { trained.firstIndex { $0.name == name } }
    func values(_ name: String) -> [Float] { trained[index(name)!].values }

    // MARK: Training

    mutating func run(seed: UInt64, shouldStop: () -> Bool) throws -> TuningResult? {
        if plan.classMeans { return try classMeans(shouldStop: shouldStop) }
        var statistics: Parameters?
        if state.parameters[Parameters.classScatter] != nil {
            if isToMeasure { return try measured(shouldStop: shouldStop) }
            guard let sent = try scatter(shouldStop: shouldStop) else { return nil }
            if let result = resultWithoutSteps(sent) { return result }
            statistics = sent
        }
        if plan.controlVariates {
            for place in trained.indices where !plan.personal.includes(trained[place].name) {
                try trained[place].correct(by: state.parameters, own: personal)
            }
        }
        var optimizer = Optimizer(plan)
        var steps = 0
        var loss = 0.0
        var hits = 0
        var seen = 0
        epochs: for epoch in 0..<plan.epochs {
            var random = SeededRandom(seed: seed, stream: UInt64(epoch))
            let order = Array(0..<dataset.count).shuffled(using: &random)
            for start in stride(from: 0, to: order.count, by: plan.batchSize) {
                if plan.maximumSteps > 0 && steps == plan.maximumSteps { break epochs }
                if shouldStop() { return nil }
                let images = Array(order[start..<min(start + plan.batchSize, order.count)])
                let batch = try gradients(
                    of: images, dropout: dropout(images.count, seed: seed, step: steps),
                    withPrompts: plan.usesPromptGradients)
                steps += 1
                guard batch.loss.isFinite else { throw TuningError.diverged(step: steps) }
                loss += batch.loss
                hits += zip(batch.predictions, images).count { Int($0) == dataset.labels[$1] }
                seen += images.count
                optimizer.move(&trained)
            }
        }
        return result(
            steps: steps, meanLoss: loss / Double(steps), accuracy: Double(hits) / Double(seen),
            statistics: statistics)
    }

    func result(
        steps: Int, meanLoss: Double, accuracy: Double, statistics: Parameters?
    ) -> TuningResult {
        var sent = statistics ?? Parameters()
        var kept = Parameters()
        var promptIDs: [PromptID] = []
        for tensor in trained {
            let isPersonal = plan.personal.includes(tensor.name)
            if isPersonal { kept[tensor.name] = tensor.tensor }
            if let touched = tensor.touched {
                let rows = isPersonal ? [] : touched.indices.filter { touched[$0] }
                let width = tensor.shape[1]
                sent[tensor.name] = Tensor(
                    shape: [rows.count, width],
                    values: rows.flatMap { tensor.values[$0 * width..<($0 + 1) * width] })
                promptIDs = rows.map { state.promptIDs[$0] }
            } else if !isPersonal {
                sent[tensor.name] = tensor.tensor
            }
            if let control = tensor.control(steps: steps) {
                sent[Parameters.control(of: tensor.name)] = control.sent
                kept[Parameters.control(of: tensor.name)] = control.own
            }
        }
        if let (generator, descriptor) = generation {
            for (name, tensor) in generator.stepped(by: promptMovement, descriptor, rate: plan.generatorRate) {
                if name == Parameters.descriptor { kept[name] = tensor } else { sent[name] = tensor }
            }
            promptIDs = state.promptIDs
        }
        return TuningResult(
            parameters: sent, promptIDs: promptIDs, personal: kept, sampleCount: dataset.count, steps: steps,
            meanLoss: meanLoss, trainingAccuracy: accuracy)
    }

    /// What tuning made of the prompts: [prompts, promptWidth].
    private var promptMovement: Matrix {
        Matrix(Tensor(shape: state.prompts.shape, values: values(Parameters.prompts))).minus(Matrix(state.prompts))
    }

    /// The dropout's factors in a step, nil without dropout.
    private func dropout(_ images: Int, seed: UInt64, step: Int) -> [Float]? {
        guard let hidden = headShape.hidden, plan.headDropout > 0 else { return nil }
        return Dropout.factors(images: images, hidden: hidden, rate: plan.headDropout, seed: seed, step: step)
    }

    /// Fills the gradients of the trained tensors for one batch.
    ///
    /// - Parameters:
    ///   - dropout: factors of the head's hidden values, [images, hidden].
    ///   - withPrompts: whether those of the prompts are computed too, which takes most of the time; they stay 0 otherwise.
    mutating func gradients(
        of images: [Int], dropout: [Float]? = nil, withPrompts: Bool = true
    ) throws -> BatchGradients {
        let width = promptWidth
        let selection = try selection(for: images)
        let rows = selection?.rows ?? Array(state.promptIDs.indices)
        let outcome = try runner.run(
            batch(images), prompts: prompts(rows), head: head(terms, dropout: dropout),
            gradients: withPrompts ? .ofHeadAndPrompts : .ofHead)
        var loss = outcome.losses.reduce(0, +) / Double(images.count)
        for place in trained.indices { trained[place].gradient.replace(with: 0) }
        setHeadGradients(outcome.headGradients)
        let pool = index(Parameters.prompts)!
        for (place, row) in rows.enumerated() {
            trained[pool].touched?[row] = true
            guard withPrompts else { continue }
            trained[pool].gradient.replaceSubrange(
                row * width..<(row + 1) * width, with: outcome.promptGradient[place * width..<(place + 1) * width])
        }
        if let selection, plan.similarityWeight != 0 {
            loss += plan.similarityWeight * selection.similarity
            addSimilarityGradients(selection)
        }
        return BatchGradients(
            loss: loss, features: outcome.features, headInputs: outcome.headInputs, logits: outcome.logits,
            predictions: outcome.predictions,
            gradients: Dictionary(uniqueKeysWithValues: trained.map { ($0.name, $0.gradient) }), promptRows: rows)
    }

    private mutating func setHeadGradients(_ gradients: [String: [Float]]) {
        for (name, gradient) in gradients { trained[index(name)!].gradient = gradient }
        guard let whitening else { return }
        let (weight, bias) = headShape.firstLayer
        trained[index(weight)!].gradient = whitening.unfolded(
            weightGradient: gradients[weight]!, biasGradient: gradients[bias]!, runner.kernels)
    }

    private mutating func addSimilarityGradients(_ selection: PromptSelection) {
        let width = runner.encoder.width
        let pool = index(Parameters.prompts)!
        let pull = selection.promptGradient
        for (place, row) in selection.rows.enumerated() {
            for column in 0..<width {
                trained[pool].gradient[row * promptWidth + column] += Float(
                    plan.similarityWeight * pull[place * width + column])
            }
        }
        if let key = index(Parameters.keyWeight) {
            trained[key].gradient = selection.keyGradient.map { Float(plan.similarityWeight * $0) }
        }
    }

    // MARK: Parts of a batch

    func batch(_ images: [Int]) -> BatchRunner.Batch {
        BatchRunner.Batch(dataset: dataset, images: images, firstBlock: plan.firstBlock)
    }

    func head(_ terms: ClassTerms, dropout: [Float]? = nil) -> Head {
        let (weight, bias) = headShape.firstLayer
        var first = Head.Layer(weight: values(weight), bias: values(bias))
        if let whitening { first = whitening.folded(first, runner.kernels) }
        let last = Head.Layer(weight: values(Parameters.headWeight), bias: values(Parameters.headBias))
        return Head(
            hidden: headShape.hidden == nil ? nil : first, output: headShape.hidden == nil ? first : last,
            onClassifier: headShape.onClassifier, dropout: dropout, terms: terms)
    }

    func prompts(_ rows: [Int]) -> PromptTokens {
        let pool = values(Parameters.prompts)
        return PromptTokens(
            rows.flatMap { pool[$0 * promptWidth..<($0 + 1) * promptWidth] }, layers: promptLayers,
            firstBlock: plan.firstBlock, encoder: runner.encoder, kernels: runner.kernels)
    }

    /// The prompts that a batch picks, by the part of their first layer; nil when the plan uses the whole pool.
    func selection(for images: [Int]) throws -> PromptSelection? {
        guard plan.promptsPerBatch > 0 else { return nil }
        let features = try classFeatures(of: images)
        return PromptSelection(
            features: features, projected: projected(features), prompts: firstLayer(values(Parameters.prompts)),
            width: runner.encoder.width, count: plan.promptsPerBatch)
    }

    /// What is compared with the prompts: [images, width].
    func projected(_ features: [Float]) -> [Float] {
        index(Parameters.keyWeight).map { runner.project(features, by: trained[$0].values) } ?? features
    }

    /// [pool, width].
    func firstLayer(_ pool: [Float]) -> [Float] {
        guard promptLayers > 1 else { return pool }
        return state.promptIDs.indices.flatMap {
            pool[$0 * promptWidth..<$0 * promptWidth + runner.encoder.width]
        }
    }

    /// [images, width], from the data set's cache where it has them.
    func classFeatures(of images: [Int]) throws -> [Float] {
        var known = dataset.classFeatures(of: images, encoder: runner.encoder)
        let missing = images.indices.filter { known[$0] == nil }
        if !missing.isEmpty {
            let computed = try runner.classFeatures(batch(missing.map { images[$0] }))
            for (place, features) in zip(missing, computed) { known[place] = features }
            dataset.keep(zip(missing, computed).map { (images[$0], $1) }, encoder: runner.encoder)
        }
        return known.flatMap { $0! }
    }
}

extension [Float] {
    /// Overwrites every element.
    fileprivate mutating func replace(with value: Float) {
        for index in indices { self[index] = value }
    }
}

extension TrainingPlan {
    /// Whether a step depends on the prompts' gradients: where they do not move, only the bound of the whole norm does.
    var usesPromptGradients: Bool { promptLearningRate > 0 || gradientClip > 0 }

    /// - Throws: `TuningError.plan` for the first field without meaning.
    func check() throws(TuningError) {
        func require(_ condition: Bool, _ field: String, _ expected: String, _ found: Any) throws(TuningError) {
            if !condition { throw .plan(field: field, expected: expected, found: "\(found)") }
        }
        try require(epochs >= 1, "epochs", "at least 1", epochs)
        try require(maximumSteps >= 0, "maximumSteps", "at least 0", maximumSteps)
        try require(batchSize >= 1, "batchSize", "at least 1", batchSize)
        try require(promptsPerBatch >= 0, "promptsPerBatch", "at least 0", promptsPerBatch)
        try require(firstBlock >= 0, "firstBlock", "at least 0", firstBlock)
        let sizes = [
            ("promptLearningRate", promptLearningRate), ("headLearningRate", headLearningRate),
            ("weightDecay", weightDecay), ("gradientClip", gradientClip), ("proximalWeight", proximalWeight),
            ("logitAdjustment", logitAdjustment), ("generatorRate", generatorRate),
        ]
        for (field, value) in sizes { try require(value >= 0 && value.isFinite, field, "finite, at least 0", value) }
        try require(similarityWeight.isFinite, "similarityWeight", "finite", similarityWeight)
        let decays = [
            ("momentum", momentum), ("secondMomentDecay", secondMomentDecay), ("classBalance", classBalance),
            ("headDropout", headDropout),
        ]
        for (field, value) in decays {
            try require(value >= 0 && value < 1, field, "in [0, 1)", value)
        }
        if controlVariates {
            try require(optimizer == .sgd, "optimizer", "sgd with control variates", optimizer.rawValue)
            try require(momentum == 0, "momentum", "0 with control variates", momentum)
        }
    }
}
