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

extension RunConfiguration.Prompts {
    /// - Throws: `ConfigurationError` where the encoder has too few blocks.
    package func check(against encoder: FrozenEncoder) throws {
        guard depth <= encoder.depth else {
            throw ConfigurationError(
                "prompts.depth: expected at most the encoder's \(encoder.depth) blocks, found \(depth)")
        }
        guard firstBlock + depth <= encoder.depth else {
            throw ConfigurationError(
                "prompts.first_block: expected at most \(encoder.depth - depth), as prompts.depth is \(depth) and the"
                    + " encoder has \(encoder.depth) blocks, found \(firstBlock)")
        }
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
