import PromptTuning
import RunSettings

extension RunConfiguration {
    /// The encoder that the configuration names, or the bundled one.
    public func loadEncoder() throws -> FrozenEncoder {
        encoder.path.isEmpty
            ? try FrozenEncoder.bundled(
                imageSize: encoder.imageSize, maximumLength: encoder.maximumLength, precision: encoder.precision,
                cacheBytes: encoder.cacheBytes)
            : try FrozenEncoder(
                directory: encoder.path, family: encoder.family, imageSize: encoder.imageSize,
                maximumLength: encoder.maximumLength, precision: encoder.precision,
                cacheBytes: encoder.cacheBytes)
    }
}

extension RunConfiguration.Head {
    /// - Throws: `ConfigurationError` when the encoder has no classifier to work on.
    func design(for encoder: FrozenEncoder) throws -> HeadDesign {
        guard onClassifier else { return HeadDesign(hidden: hidden) }
        guard let width = encoder.classifierWidth, width != encoder.width else {
            throw ConfigurationError(
                "head.on_classifier: expected an encoder with a classifier whose outputs are not as many as the"
                    + " \(encoder.width) values of its class feature, found \(encoder.weightsPath) with"
                    + " \(encoder.classifierWidth.map { "\($0)" } ?? "no classifier")")
        }
        return HeadDesign(hidden: hidden, classifierWidth: width)
    }
}
