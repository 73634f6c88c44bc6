/// What shapes, configuration and family together say about a model, and what they leave to a guess.
struct EncoderReading {
    private(set) var geometry: EncoderGeometry
    private(set) var positions: PositionTable
    let mean, std: [Float]
    /// Sentences about what was assumed, each with its reason.
    private(set) var notes: [String] = []

    /// The layout of the position embeddings: [tokens before the patches, then trainedGrid · trainedGrid; width].
    struct PositionTable {
        /// Tokens before the patches that have a position.
        var prefix: Int
        /// Patches along one side of the images that the model was trained on.
        var trainedGrid: Int
        var count: Int { prefix + trainedGrid * trainedGrid }
    }

    /// - Parameter imageSize: height and width of the images asked for, nil for those that the model was trained on.
    init(
        of model: ModelFile, as recognition: Recognition, configuration: EncoderConfiguration, imageSize: Int?
    ) throws(EncoderError) {
        let names = model.names
        func agree(_ field: String, _ said: Int?, _ found: Int) throws(EncoderError) {
            guard let said, said != found else { return }
            throw .configuration(
                path: configuration.path, field: field, expected: "\(found), as in the tensors", found: "\(said)")
        }
        let patch = try model.shape(names.patches + ".weight", extents: 4)
        guard patch[1] == 3, patch[2] == patch[3] else {
            throw .tensorShape(
                path: model.path, tensor: model.fullName(names.patches + ".weight"),
                expected: "[width, 3, patch, patch]", found: patch)
        }
        let width = patch[0]
        try agree("hidden_size", try configuration.width, width)
        try agree("patch_size", try configuration.patchSize, patch[2])
        let expand = try model.shape(names.block(0).expand + ".weight", extents: 2)
        try agree("intermediate_size", try configuration.hidden, expand[0])
        let depth = try configuration.depth ?? model.blockCount
        if depth < model.blockCount { try agree("num_hidden_layers", depth, model.blockCount) }

        let extraTokens = try Self.extraTokens(of: model)
        positions = try PositionTable(
            of: model, width: width, extraTokens: extraTokens, configuration: configuration, patchSize: patch[2])
        let trainedSize = positions.trainedGrid * patch[2]
        try agree("image_size", try configuration.imageSize, trainedSize)
        let size = imageSize ?? trainedSize
        guard size >= patch[2], size % patch[2] == 0, size / patch[2] <= EncoderError.mostPatchesInARow else {
            throw .imageSize(size, patchSize: patch[2])
        }
        let heads = try Self.heads(width: width, names: names, configuration: configuration)
        geometry = EncoderGeometry(
            width: width, depth: depth, heads: heads.count, hidden: expand[0], imageSize: size, patchSize: patch[2],
            epsilon: try configuration.epsilon ?? names.epsilon,
            activation: try configuration.activation ?? recognition.family.activation)
        geometry.extraTokens = extraTokens
        geometry.poolsByAttention = names.pooling != nil
        let normalisation = try configuration.normalisation
        (mean, std) = normalisation ?? (recognition.family.mean, recognition.family.std)
        notes = Self.notes(recognition, configuration, geometry, knowsNormalisation: normalisation != nil)
        if let note = heads.note { notes.append(note) }
        if size != trainedSize {
            notes.append("position embeddings interpolated from \(trainedSize) px to \(size) px")
        }
    }

    /// Registers and distillation token.
    private static func extraTokens(of model: ModelFile) throws(EncoderError) -> Int {
        var count = 0
        if let name = model.names.distillationToken, model.contains(name) { count += 1 }
        if let name = model.names.registers, let shape = model.shape(name) { count += shape.dropLast().last ?? 1 }
        return count
    }

    /// The attention heads: said, a library's default, as in the published models, or a guess; with a note unless said.
    private static func heads(
        width: Int, names: TensorNames, configuration: EncoderConfiguration
    ) throws(EncoderError) -> (count: Int, note: String?) {
        if let count = try configuration.heads {
            guard width % count == 0 else {
                throw .configuration(
                    path: configuration.path, field: "num_attention_heads", expected: "a divisor of the width \(width)",
                    found: "\(count)")
            }
            return (count, nil)
        }
        if configuration.isOfTransformers, let count = names.defaultHeads {
            guard width % count == 0 else { throw .headsUnknown(path: configuration.path, width: width) }
            return (count, "\(count) heads: the default of transformers, since config.json leaves them out")
        }
        if let count = EncoderFamilies.publishedHeads(width: width) {
            return (count, "\(count) heads: no file says so, published models of width \(width) have as many")
        }
        if width % 64 == 0 {
            let count = width / 64
            return (count, "\(count) heads: a guess, since no file says so and most models have 64 values a head")
        }
        throw .headsUnknown(path: configuration.path, width: width)
    }

    /// What the family stands in for.
    private static func notes(
        _ recognition: Recognition, _ configuration: EncoderConfiguration, _ geometry: EncoderGeometry,
        knowsNormalisation: Bool
    ) -> [String] {
        let family = recognition.family.name
        var notes: [String] = []
        if !configuration.exists {
            notes.append(
                "no config.json: activation \(geometry.activation.rawValue) and epsilon \(geometry.epsilon) are those of \(recognition.names.title) and family \(family)"
            )
        }
        guard !knowsNormalisation else { return notes }
        notes.append("images are normalised as family \(family) has it: no file says how")
        if !recognition.alike.isEmpty {
            let others = recognition.alike.map(\.name).joined(separator: ", ")
            notes.append(
                "family \(family) is a guess: \(others) would name the tensors alike; state it with encoder.family")
        }
        return notes
    }
}

extension EncoderReading.PositionTable {
    /// Finds how many tokens before the patches have a position: what is left must be a square of patches.
    init(
        of model: ModelFile, width: Int, extraTokens: Int, configuration: EncoderConfiguration, patchSize: Int
    ) throws(EncoderError) {
        let names = model.names
        guard let shape = model.shape(names.positions) else {
            throw .missingTensor(path: model.path, family: names.title, tensor: model.fullName(names.positions))
        }
        let count = shape.dropLast().last ?? 0
        let prefixes: [Int]
        switch names.positionedTokens {
        case .none: prefixes = [0]
        case .classToken: prefixes = [names.distillationToken.map(model.contains) ?? false ? 2 : 1]
        case .allOrNone:
            switch configuration.hasPositionsOfPatchesAlone {
            case true?: prefixes = [0]
            case false?: prefixes = [1 + extraTokens]
            case nil: prefixes = [1 + extraTokens, 0]
            }
        }
        func refuse(_ expected: String) -> EncoderError {
            .tensorShape(
                path: model.path, tensor: model.fullName(names.positions), expected: expected, found: shape)
        }
        guard shape.last == width else { throw refuse("[tokens, \(width)]") }
        var tables = prefixes.compactMap { prefix -> Self? in
            let patches = count - prefix
            let grid = Int(Double(max(patches, 0)).squareRoot())
            return grid >= 1 && grid * grid == patches ? Self(prefix: prefix, trainedGrid: grid) : nil
        }
        if tables.count > 1, let size = try configuration.imageSize {
            tables.removeAll { $0.trainedGrid * patchSize != size }
        }
        guard tables.count == 1 else {
            let sums = prefixes.map { "\($0) + a square number" }.joined(separator: " or ")
            throw refuse("[\(sums), \(width)]\(tables.count > 1 ? ", not both: state img_size in config.json" : "")")
        }
        self = tables[0]
    }
}
