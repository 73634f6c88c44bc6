import PromptAggregation

/// All that inference needs beside the tuned tensors and the encoder's weights: what a prompts file says of itself, and what
/// all participants of a run must have in common. `docs/model.md` says what each value does.
public struct ModelDescription: Codable, Hashable, Sendable {
    /// What the encoder reads: `image` or `text`.
    public var modality: String
    /// The classes in the order of the logits.
    public var classes: [String]
    /// nil for texts.
    public var image: Image?
    /// nil for images.
    public var text: Text?
    public var encoder: Encoder
    public var prompts: Prompts
    public var feature: Feature
    public var head: Head

    /// How an image file becomes the encoder's input, [channels, size, size].
    public struct Image: Codable, Hashable, Sendable {
        /// Height and width of the input in pixels.
        public var size: Int
        /// What the shorter side is resized to before the crop, in pixels.
        public var shorterSide: Int
        /// Which part of the resized image is used: `center`.
        public var crop = "center"
        /// `bicubic-antialiased`: Keys' kernel with a = -0.5, widened where the image shrinks, rounded to bytes.
        public var interpolation = "bicubic-antialiased"
        public var channels = 3
        /// Of red, green and blue, for values from 0 to 1.
        public var mean, std: [Float]

        enum CodingKeys: String, CodingKey {
            case size, crop, interpolation, channels, mean, std
            case shorterSide = "shorter_side"
        }

        public init(size: Int, shorterSide: Int, mean: [Float], std: [Float]) {
            self.size = size
            self.shorterSide = shorterSide
            self.mean = mean
            self.std = std
        }
    }

    /// How a text becomes the encoder's input.
    public struct Text: Codable, Hashable, Sendable {
        /// Tokens that are read, class token and separator among them; what is beyond is cut off.
        public var maximumLength: Int
        /// `wordpiece`, as `tokenizer.json` or `vocab.txt` beside the weights has it.
        public var tokenizer = "wordpiece"
        public var vocabulary: Int
        public var lowercase, stripAccents: Bool

        enum CodingKeys: String, CodingKey {
            case tokenizer, vocabulary, lowercase
            case maximumLength = "maximum_length"
            case stripAccents = "strip_accents"
        }

        public init(maximumLength: Int, vocabulary: Int, lowercase: Bool, stripAccents: Bool) {
            self.maximumLength = maximumLength
            self.vocabulary = vocabulary
            self.lowercase = lowercase
            self.stripAccents = stripAccents
        }
    }

    /// The frozen encoder, and what no tensor of it says.
    public struct Encoder: Codable, Hashable, Sendable {
        /// As `encoder.family` names it.
        public var family: String
        /// The library and class whose names the tensors have.
        public var library: String
        /// SHA-256 of the weights, and of a text encoder's tokenizer, in hexadecimal.
        public var digest: String
        public var width, depth, heads, hidden, patchSize: Int
        /// `gelu`, `geluTanh` or `quickGelu`.
        public var activation: String
        /// Added to the variance in every layer norm.
        public var epsilon: Float
        /// Registers and a distillation token.
        public var extraTokens: Int
        /// What the class feature is: `class-token`, `attention-pooling` or `mean`.
        public var feature: String
        public var precision: EncoderPrecision

        enum CodingKeys: String, CodingKey {
            case family, library, digest, width, depth, heads, hidden, activation, epsilon, feature, precision
            case patchSize = "patch_size"
            case extraTokens = "extra_tokens"
        }

        public init(
            family: String, library: String, digest: String, width: Int, depth: Int, heads: Int, hidden: Int,
            patchSize: Int, activation: String, epsilon: Float, extraTokens: Int, feature: String,
            precision: EncoderPrecision
        ) {
            self.family = family
            self.library = library
            self.digest = digest
            self.width = width
            self.depth = depth
            self.heads = heads
            self.hidden = hidden
            self.patchSize = patchSize
            self.activation = activation
            self.epsilon = epsilon
            self.extraTokens = extraTokens
            self.feature = feature
            self.precision = precision
        }
    }

    /// The pool's geometry, and which of its prompts an image uses.
    public struct Prompts: Codable, Hashable, Sendable {
        /// Which prompts of the pool an image uses.
        public enum Use: String, Codable, Hashable, Sendable {
            /// Those that `selection` picks.
            case picked
            /// The whole pool.
            case all
            /// None (FedCOF).
            case none
        }
        public var use: Use
        /// How many are picked; 0 unless `use` is `picked`.
        public var picked: Int
        /// Tokens of a prompt before a block.
        public var length = 1
        /// Values of a token.
        public var width: Int
        /// Blocks that prompts of their own stand before; 1 for shallow prompts.
        public var blocks: Int
        public var selection: PromptSelectionRule
        /// Consecutive images that vote, where `selection` is `batch`.
        public var batchSize = PromptSelectionRule.batchSize
        public var keyProjection: Bool
        /// The first block that prompts stand before, from 0; 0 where a file does not say it.
        public var firstBlock: Int

        enum CodingKeys: String, CodingKey {
            case use, picked, length, width, blocks, selection
            case batchSize = "batch_size"
            case keyProjection = "key_projection"
            case firstBlock = "first_block"
        }

        public init(
            use: Use, picked: Int, width: Int, blocks: Int, selection: PromptSelectionRule, keyProjection: Bool,
            firstBlock: Int
        ) {
            self.use = use
            self.picked = picked
            self.width = width
            self.blocks = blocks
            self.selection = selection
            self.keyProjection = keyProjection
            self.firstBlock = firstBlock
        }

        public init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            use = try values.decode(Use.self, forKey: .use)
            picked = try values.decode(Int.self, forKey: .picked)
            length = try values.decode(Int.self, forKey: .length)
            width = try values.decode(Int.self, forKey: .width)
            blocks = try values.decode(Int.self, forKey: .blocks)
            selection = try values.decode(PromptSelectionRule.self, forKey: .selection)
            batchSize = try values.decode(Int.self, forKey: .batchSize)
            keyProjection = try values.decode(Bool.self, forKey: .keyProjection)
            firstBlock = try values.decodeIfPresent(Int.self, forKey: .firstBlock) ?? 0
        }
    }

    /// What becomes of the class feature before the head.
    public struct Feature: Codable, Hashable, Sendable {
        /// Whether the class feature is whitened by the file's fixed tensors before the head reads it.
        public var whitening: Bool
        public init(whitening: Bool) { self.whitening = whitening }
    }

    /// What the head reads, and its shape.
    public struct Head: Codable, Hashable, Sendable {
        /// `feature`, or `classifier` for the outputs of the encoder's own frozen classifier.
        public var reads: String
        /// Values that it reads.
        public var inputs: Int
        /// Values of its hidden layer, 0 for a linear head.
        public var hidden: Int
        /// Whether clients keep heads, or all values, of their own: the published ones then classify nothing.
        public var personal: Bool

        public init(reads: String, inputs: Int, hidden: Int, personal: Bool) {
            self.reads = reads
            self.inputs = inputs
            self.hidden = hidden
            self.personal = personal
        }
    }

    public init(
        classes: [String], image: Image? = nil, text: Text? = nil, encoder: Encoder, prompts: Prompts, feature: Feature,
        head: Head
    ) {
        modality = text == nil ? "image" : "text"
        self.classes = classes
        self.image = image
        self.text = text
        self.encoder = encoder
        self.prompts = prompts
        self.feature = feature
        self.head = head
    }
}

extension ModelDescription {
    /// Every value by its name, as in `classes[3]` or `encoder.digest`, in an order that is always the same.
    public var fields: [(name: String, value: String)] {
        func list(_ values: [Float]) -> String { values.map { "\($0)" }.joined(separator: " ") }
        var fields = [("modality", modality), ("classes", "\(classes.count)")]
        fields += classes.enumerated().map { ("classes[\($0)]", $1) }
        if let image {
            fields += [
                ("image.size", "\(image.size)"), ("image.shorter_side", "\(image.shorterSide)"),
                ("image.crop", image.crop), ("image.interpolation", image.interpolation),
                ("image.channels", "\(image.channels)"), ("image.mean", list(image.mean)),
                ("image.std", list(image.std)),
            ]
        }
        if let text {
            fields += [
                ("text.maximum_length", "\(text.maximumLength)"), ("text.tokenizer", text.tokenizer),
                ("text.vocabulary", "\(text.vocabulary)"), ("text.lowercase", "\(text.lowercase)"),
                ("text.strip_accents", "\(text.stripAccents)"),
            ]
        }
        fields += [
            ("encoder.family", encoder.family), ("encoder.library", encoder.library),
            ("encoder.digest", encoder.digest), ("encoder.width", "\(encoder.width)"),
            ("encoder.depth", "\(encoder.depth)"), ("encoder.heads", "\(encoder.heads)"),
            ("encoder.hidden", "\(encoder.hidden)"), ("encoder.patch_size", "\(encoder.patchSize)"),
            ("encoder.activation", encoder.activation), ("encoder.epsilon", "\(encoder.epsilon)"),
            ("encoder.extra_tokens", "\(encoder.extraTokens)"), ("encoder.feature", encoder.feature),
            ("encoder.precision", encoder.precision.rawValue),
            ("prompts.use", prompts.use.rawValue), ("prompts.picked", "\(prompts.picked)"),
            ("prompts.length", "\(prompts.length)"), ("prompts.width", "\(prompts.width)"),
            ("prompts.blocks", "\(prompts.blocks)"), ("prompts.selection", prompts.selection.rawValue),
            ("prompts.batch_size", "\(prompts.batchSize)"), ("prompts.key_projection", "\(prompts.keyProjection)"),
        ]
        // Without it the model is that of a run which does not know the field.
        if prompts.firstBlock > 0 { fields.append(("prompts.first_block", "\(prompts.firstBlock)")) }
        fields += [
            ("feature.whitening", "\(feature.whitening)"), ("head.reads", head.reads),
            ("head.inputs", "\(head.inputs)"), ("head.hidden", "\(head.hidden)"), ("head.personal", "\(head.personal)"),
        ]
        return fields.map { (name: $0, value: $1) }
    }

    /// What a plan says of inference.
    package var plan: TrainingPlan {
        var plan = TrainingPlan()
        plan.promptsPerBatch = prompts.picked
        plan.firstBlock = prompts.firstBlock
        plan.classMeans = prompts.use == .none
        return plan
    }
}
