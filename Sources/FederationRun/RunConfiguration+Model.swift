import Federation
import PromptTuning
import RunLog
import RunSettings

extension RunConfiguration {
    /// What the clients of a run must have in common, so that their updates mean the same.
    /// - Parameter classes: names in the order of the labels.
    package func model(of encoder: FrozenEncoder, classes: [String]) -> ModelSpecification {
        var fields: [ModelSpecification.Field] = [
            .init("modality", "image"), .init("encoder", encoderDigest), .init("image size", "\(encoder.imageSize)"),
            .init("mean", encoder.mean.map { "\($0)" }.joined(separator: " ")),
            .init("standard deviation", encoder.std.map { "\($0)" }.joined(separator: " ")),
            .init("classes", "\(classes.count)"),
        ]
        fields += classes.enumerated().map { .init("class \($0.offset)", $0.element) }
        return ModelSpecification(fields)
    }
}

extension ModelSpecification {
    /// - Parameter fields: in an order that is the same everywhere.
    package init(_ fields: [Field]) {
        // Each name and value is preceded by its length, so that no two lists give the same bytes.
        let bytes = fields.flatMap { [$0.name, $0.value] }.flatMap { "\($0.utf8.count):\($0)".utf8 }
        self.init(fields: fields, digest: "\(Digest(of: bytes))")
    }
}
