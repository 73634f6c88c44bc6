/// Named tensors in ascending order of their names, so that whatever walks over them does so in one order everywhere.
///
/// The names are free: a strategy may ask its clients for more than the well-known ones.
public struct Parameters: Hashable, Sendable {
    /// One tensor and its name.
    public struct Entry: Hashable, Sendable {
        public let name: String
        public var tensor: Tensor
    }

    /// The prompts, one a row: [prompts, width]; of deep prompts a row holds the parts of all their layers, side by side.
    public static let prompts = "prompts"
    /// The weight of the head's last layer: [classes, width], or [classes, hidden] behind a hidden layer.
    public static let headWeight = "head.weight"
    /// Its bias: [classes].
    public static let headBias = "head.bias"
    /// The weight of the head's hidden layer, where it has one: [hidden, width], or [hidden, outputs] on the outputs of
    /// the encoder's frozen classifier.
    public static let headHiddenWeight = "head.hidden.weight"
    /// Its bias: [hidden].
    public static let headHiddenBias = "head.hidden.bias"
    /// The projection of the class feature before it is compared with the prompts: [width, width].
    public static let keyWeight = "key.weight"

    /// The mean of the class feature, subtracted before the head: [width].
    public static let featureMean = fixedPrefix + "feature.mean"
    /// What the class feature is multiplied by before the head: [width, width].
    public static let featureWhitening = fixedPrefix + "feature.whitening"

    /// Tensors of these names are published with every version, never change, and are not sent back.
    public static let fixedPrefix = "fixed."
    /// Whether a tensor of this name never changes in a run.
    public static func isFixed(_ name: String) -> Bool { name.hasPrefix(fixedPrefix) }

    /// The control variate that belongs to a tensor: in the state SCAFFOLD's c, of the tensor's shape.
    public static func control(of name: String) -> String { controlPrefix + name }
    /// Whether a tensor of this name is a control variate.
    public static func isControl(_ name: String) -> Bool { name.hasPrefix(controlPrefix) }
    private static let controlPrefix = "control."

    /// The mean of each class's head inputs over a client's images: [classes, inputs], 0 for a class without images.
    public static let classMeans = "class.means"
    /// The number of images of each class: [classes].
    public static let classCounts = "class.counts"
    /// The scatter of a client's head inputs around their class means, the upper triangle: [inputs (inputs + 1) / 2]. A
    /// state that holds it asks clients for class statistics beside what they tune (`ClosedHead`).
    public static let classScatter = "class.scatter"
    /// Published where clients take their class statistics with the published prompts and tune nothing: how often this was
    /// asked for, [1]. Not sent back.
    public static let statisticsGeneration = "statistics.generation"
    /// pFedPG's generator, W_Q, W_K and W_V [width, attention] and W_O [attention, width]; `PFedPG` has the formula.
    public static let generatorQuery = "generator.query"
    public static let generatorKey = "generator.key"
    public static let generatorValue = "generator.value"
    public static let generatorOutput = "generator.output"
    /// What a client of pFedPG has the generator make its prompts from: [prompts, width]. The client keeps it.
    public static let descriptor = "descriptor"

    /// Whether the head owns the tensor of that name.
    static func isOfHead(_ name: String) -> Bool { name.hasPrefix("head.") }

    /// The tensor that a control variate belongs to; of another tensor its own name.
    static func controlled(by name: String) -> String {
        isControl(name) ? String(name.dropFirst(controlPrefix.count)) : name
    }

    /// All tensors, ascending by name.
    public private(set) var entries: [Entry] = []

    public init() {}

    /// - Precondition: no name occurs twice.
    public init(_ tensors: [(name: String, tensor: Tensor)]) {
        for (name, tensor) in tensors {
            precondition(self[name] == nil, "parameter '\(name)' given twice")
            self[name] = tensor
        }
    }

    /// The tensor of that name, nil when there is none; assigning nil removes it.
    public subscript(name: String) -> Tensor? {
        get { entries.first { $0.name == name }?.tensor }
        set {
            let place = entries.firstIndex { $0.name >= name } ?? entries.count
            let present = place < entries.count && entries[place].name == name
            switch (present, newValue) {
            case (true, let tensor?): entries[place].tensor = tensor
            case (true, nil): entries.remove(at: place)
            case (false, let tensor?): entries.insert(Entry(name: name, tensor: tensor), at: place)
            case (false, nil): break
            }
        }
    }

    public var names: [String] { entries.map(\.name) }

    /// The number of bytes of all elements as float32.
    public var byteCount: Int { entries.reduce(0) { $0 + $1.tensor.values.count * 4 } }
}
