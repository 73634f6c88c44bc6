import Safetensors

/// What a folder of weights was recognised as, for people: `lines` is a table of it.
public struct EncoderDescription: Hashable, Sendable, CustomStringConvertible {
    /// The family, as `encoder.family` names it.
    public let family: String
    /// The library and class whose names the tensors have.
    public let library: String
    /// What comes before the names of the encoder's tensors in the file.
    public let prefix: String
    public let geometry: EncoderGeometry
    /// Height and width of the images that the model was trained on, in pixels.
    public let trainedImageSize: Int
    public let registers: Int
    public let hasDistillationToken: Bool
    /// Normalisation of the images, per channel for pixels in [0, 1].
    public let mean, std: [Float]
    /// The element types of the tensors in the file, as safetensors names them.
    public let precision: [String]
    /// Outputs of the model's own classifier, nil when the file has none.
    public let classifierWidth: Int?
    /// Files that hold the weights.
    public let files: Int
    /// Sentences about what was assumed and what was left aside, each with its reason.
    public let notes: [String]

    /// One line: library, family and extents.
    public var description: String {
        let size = geometry.imageSize
        if let text = geometry.text {
            return "\(library) (\(family)), width \(geometry.width), depth \(geometry.depth), \(geometry.heads) heads,"
                + " texts up to \(text.maximumLength) tokens"
        }
        return "\(library) (\(family)), width \(geometry.width), depth \(geometry.depth), \(geometry.heads) heads,"
            + " \(size) px in patches of \(geometry.patchSize)\(registers > 0 ? ", \(registers) registers" : "")"
    }

    /// Names and values, in the order in which people look for them; the notes last.
    public var lines: [(name: String, value: String)] {
        func triple(_ values: [Float]) -> String { values.map { "\($0)" }.joined(separator: ", ") }
        var lines = [
            ("family", family), ("library", library), ("width", "\(geometry.width)"), ("depth", "\(geometry.depth)"),
            ("heads", "\(geometry.heads)"), ("hidden", "\(geometry.hidden)"),
        ]
        if let text = geometry.text {
            lines += Self.lines(of: text)
        } else {
            lines += [
                ("patch", "\(geometry.patchSize) px"),
                ("images", "\(geometry.imageSize) px, trained on \(trainedImageSize) px"),
                ("features", geometry.poolsByAttention ? "attention pooling" : "class token"),
                ("registers", "\(registers)"), ("distillation token", hasDistillationToken ? "yes" : "no"),
                ("mean", triple(mean)), ("std", triple(std)),
            ]
        }
        lines += [
            ("activation", "\(geometry.activation.rawValue), layer norm epsilon \(geometry.epsilon)"),
            ("precision", precision.joined(separator: ", ")),
            ("classifier", classifierWidth.map { "\($0) classes" } ?? "none"), ("files", "\(files)"),
        ]
        if !prefix.isEmpty { lines.append(("names begin with", prefix)) }
        return lines.map { (name: $0, value: $1) } + notes.map { (name: "note", value: $0) }
    }
}

extension EncoderDescription {
    init(
        of model: ModelFile, _ reading: EncoderReading, family: EncoderFamily, classifierWidth: Int?
    ) {
        let geometry = reading.geometry
        let unused = model.unused(depth: geometry.depth)
        let distillation = model.names.distillationToken.map(model.contains) ?? false
        var notes = reading.notes
        if distillation { notes.append("features are the class token's; the distillation token takes part, no more") }
        if !unused.isEmpty {
            let some = unused.prefix(3).joined(separator: ", ")
            notes.append("not used of the file's tensors (\(unused.count)): \(some)\(unused.count > 3 ? " ..." : "")")
        }
        self.init(
            family: family.name, library: model.names.title, prefix: model.prefix, geometry: geometry,
            trainedImageSize: reading.positions.trainedGrid * geometry.patchSize,
            registers: geometry.extraTokens - (distillation ? 1 : 0), hasDistillationToken: distillation,
            mean: reading.mean, std: reading.std, precision: model.elementTypes(depth: geometry.depth),
            classifierWidth: classifierWidth, files: max(1, model.weights.paths.count { $0.hasSuffix(".safetensors") }),
            notes: notes)
    }

    /// Of an encoder with random weights.
    init(random geometry: EncoderGeometry) {
        self.init(
            family: "random", library: "random", prefix: "", geometry: geometry, trainedImageSize: geometry.imageSize,
            registers: geometry.extraTokens, hasDistillationToken: false, mean: EncoderFamilies.imageNetMean,
            std: EncoderFamilies.imageNetStd, precision: ["F32"], classifierWidth: nil, files: 0, notes: [])
    }
}
