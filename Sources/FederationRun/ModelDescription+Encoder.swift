import Datasets
import Federation
import PromptAggregation
import PromptTuning
import RunSettings
import Tokenization

extension ModelDescription {
    /// What a run's configuration, its data and its encoder say together.
    ///
    /// - Parameters:
    ///   - configuration: with the encoder's digest (`fixEncoder`).
    ///   - classes: in the order of the labels.
    /// - Throws: `ConfigurationError` for a head that the encoder does not fit.
    package init(_ configuration: RunConfiguration, classes: [String], encoder: FrozenEncoder) throws {
        let plan = configuration.federation.plan
        let head = try configuration.head.design(for: encoder)
        self.init(
            classes: classes,
            image: encoder.geometry.text == nil
                ? Image(size: encoder.imageSize, shorterSide: encoder.imageSize, mean: encoder.mean, std: encoder.std)
                : nil,
            text: Text(encoder),
            encoder: Encoder(encoder, digest: configuration.encoderDigest),
            prompts: Prompts(
                use: plan.classMeans ? .none : plan.promptsPerBatch > 0 ? .picked : .all,
                picked: plan.classMeans ? 0 : plan.promptsPerBatch, width: encoder.width,
                blocks: configuration.prompts.depth, selection: configuration.evaluation.selection,
                keyProjection: configuration.prompts.keyProjection, firstBlock: configuration.prompts.firstBlock),
            feature: Feature(whitening: configuration.prompts.whitening),
            head: Head(
                reads: head.classifierWidth == nil ? "feature" : "classifier",
                inputs: head.classifierWidth ?? encoder.width, hidden: head.hidden,
                personal: plan.personal != .nothing))
    }
}

extension ModelDescription.Encoder {
    package init(_ encoder: FrozenEncoder, digest: String) {
        let geometry = encoder.geometry
        self.init(
            family: encoder.recognised.family, library: encoder.recognised.library, digest: digest,
            width: geometry.width, depth: geometry.depth, heads: geometry.heads, hidden: geometry.hidden,
            patchSize: geometry.patchSize, activation: geometry.activation.rawValue, epsilon: geometry.epsilon,
            extraTokens: geometry.extraTokens,
            feature: geometry.poolsByAttention
                ? "attention-pooling" : (geometry.text?.pooling ?? .classToken).rawValue,
            precision: encoder.precision)
    }
}

extension ModelDescription.Text {
    /// nil for an encoder of images.
    package init?(_ encoder: FrozenEncoder) {
        guard let text = encoder.geometry.text, let tokenizer = encoder.tokenizer else { return nil }
        self.init(
            maximumLength: text.maximumLength, vocabulary: tokenizer.vocabulary.count,
            lowercase: tokenizer.normalizer.lowercases, stripAccents: tokenizer.normalizer.stripsAccents)
    }
}

extension ImageTransform {
    /// How a model wants its images.
    /// - Throws: `DatasetError.unsuitable` for extents or a normalisation without meaning.
    package init(_ image: ModelDescription.Image) throws {
        try self.init(
            size: image.size, shorterSide: image.shorterSide, mean: image.mean, standardDeviation: image.std)
    }
}
