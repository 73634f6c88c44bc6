import Datasets
import Foundation
import Text

/// Predictions beside the images or texts that they are of, on one page that needs no other file.
public struct ContactSheet {
    /// How many a page shows at most; it holds the images themselves.
    public static let mostEntries = 200

    private let model: String
    private let classes: [String]
    private var shown: [String] = []
    private var count = 0
    private var labelled = 0
    private var right = 0

    /// - Parameters:
    ///   - model: what predicted, for the heading.
    ///   - classes: their names, by number.
    public init(model: String, classes: [String]) {
        self.model = model
        self.classes = classes
    }

    /// Adds a prediction, and its image from its file.
    /// - Throws: `DatasetError.unreadable` where the file is gone.
    public mutating func add(_ prediction: Prediction) throws(DatasetError) {
        count += 1
        if let label = prediction.label {
            labelled += 1
            if label == prediction.predicted { right += 1 }
        }
        if shown.count < Self.mostEntries { shown.append(try figure(prediction)) }
    }

    /// One file that needs nothing else.
    public var html: String {
        HTMLPage.html(
            title: "Predictions", words: words, styles: [ReportStyle.css, Self.css],
            main: Markup.element("main", ["class": "sheet"], "\n" + shown.joined(separator: "\n") + "\n"))
    }

    private var words: String {
        var sentences = ["\(count) predictions by \(model)."]
        if labelled > 0 { sentences.append("\(right) of \(labelled) with a known class are classified right.") }
        if count > shown.count { sentences.append("The first \(shown.count) are shown.") }
        return sentences.joined(separator: " ")
    }

    private func figure(_ prediction: Prediction) throws(DatasetError) -> String {
        let predicted = prediction.predicted
        let isWrong = prediction.label.map { $0 != predicted } ?? false
        var caption = [
            Markup.element("strong", [:], Markup.escape(classes[predicted])),
            percent(prediction.probabilities[predicted]),
        ]
        if let label = prediction.label {
            caption.append(isWrong ? "true class: " + Markup.escape(classes[label]) : "right")
        }
        return Markup.element(
            "figure", ["class": isWrong ? "wrong" : "plain"],
            try content(prediction)
                + Markup.element("figcaption", [:], caption.joined(separator: Markup.element("br"))))
    }

    private func content(_ prediction: Prediction) throws(DatasetError) -> String {
        if let text = prediction.text { return Markup.element("blockquote", [:], Markup.escape(text)) }
        let file = try ImageFile.encoded(prediction.path)
        let source = "data:\(file.mediaType);base64,\(Data(file.bytes).base64EncodedString())"
        return Markup.element(
            "img", ["src": source, "alt": prediction.path, "title": prediction.path])
    }

    private static let css = """
        .sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 18px; padding: 18px 22px 40px; }
        .sheet figure { border: 2px solid var(--grid); border-radius: 6px; padding: 10px; }
        .sheet figure.wrong { border-color: #d55e00; }
        .sheet img { width: 100%; aspect-ratio: 1; object-fit: contain; image-rendering: pixelated; background: #808080; }
        .sheet blockquote { margin: 0; }
        """
}
