import Foundation
import PromptTuning
import Text

/// What a model says of an image or a text.
public struct Prediction: Hashable, Sendable {
    public var path: String
    /// nil for an image.
    public var text: String?
    /// The number of its true class, where it is known.
    public var label: Int?
    /// By class.
    public var logits: [Float]
    /// The cross-entropy, where the true class is known.
    public var loss: Double?

    /// softmax of the logits, by class.
    public var probabilities: [Double] {
        let most = Double(logits.max() ?? 0)
        let powers = logits.map { exp(Double($0) - most) }
        let total = powers.reduce(0, +)
        return powers.map { $0 / total }
    }

    /// The classes of the largest logits, largest first, the lower number first among equals.
    public func top(_ count: Int) -> [Int] {
        Array(logits.indices.sorted { (logits[$1], $0) < (logits[$0], $1) }.prefix(count))
    }

    /// The class of the largest logit.
    public var predicted: Int { top(1)[0] }
}

/// How predictions compare with the labels.
public struct PredictionSummary: Encodable, Sendable {
    public let classes: [String]
    /// What is predicted: `images` or `texts`.
    public let examples: String
    public private(set) var images = 0
    /// Images by true class and by predicted class.
    public private(set) var confusion: [[Int]]
    private var totalLoss = 0.0

    public init(classes: [String], examples: String) {
        self.classes = classes
        self.examples = examples
        confusion = classes.map { _ in classes.map { _ in 0 } }
    }

    /// Counts an image whose class is known; passes over others.
    public mutating func add(_ prediction: Prediction) {
        guard let label = prediction.label else { return }
        images += 1
        confusion[label][prediction.predicted] += 1
        totalLoss += prediction.loss ?? 0
    }

    /// The same figures as `impromptu evaluate` gives.
    public var evaluation: Evaluation {
        Evaluation(
            classCounts: confusion.map { $0.reduce(0, +) }, classHits: confusion.enumerated().map { $1[$0] },
            loss: totalLoss / Double(max(1, images)))
    }

    private enum CodingKeys: String, CodingKey {
        case images, classes, accuracy, balancedAccuracy, loss, classAccuracy, confusion
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(images, forKey: .images)
        try container.encode(classes, forKey: .classes)
        try container.encode(evaluation.accuracy, forKey: .accuracy)
        try container.encode(evaluation.balancedAccuracy, forKey: .balancedAccuracy)
        try container.encode(evaluation.loss, forKey: .loss)
        try container.encode(evaluation.classAccuracy, forKey: .classAccuracy)
        try container.encode(confusion, forKey: .confusion)
    }

    /// Figures of all, of each class, and the confusion matrix: a row a true class, a column a predicted one.
    public var lines: [String] {
        let evaluation = evaluation
        var table = TextTable(["class", examples, "right", "accuracy"])
        for (place, name) in classes.enumerated() {
            table.add([
                "\(place) \(name)", "\(evaluation.classCounts[place])", "\(evaluation.classHits[place])",
                evaluation.classAccuracy[place].map(percent) ?? "-",
            ])
        }
        var matrix = TextTable(["true \\ predicted"] + classes.indices.map(String.init))
        for (place, row) in confusion.enumerated() { matrix.add(["\(place) \(classes[place])"] + row.map(String.init)) }
        return [
            "\(images) \(examples) with labels", "accuracy           \(percent(evaluation.accuracy))",
            "balanced accuracy  \(percent(evaluation.balancedAccuracy))",
            "loss               \(decimal(evaluation.loss, 4))", "",
        ] + table.lines + [""] + matrix.lines
    }
}
