import Console
import Lab
import Text

/// Writes predictions as they come; a table at the end, when its widths are known.
struct PredictionOutput {
    private struct Entry: Encodable {
        struct Choice: Encodable {
            var name: String
            var probability: Double
            var logit: Float
        }
        var path: String
        var text: String?
        var label: String?
        /// The most probable first.
        var classes: [Choice]
    }

    private let format: OutputOptions.Format
    private let inputs: String
    private let classes: [String]
    private let top: Int
    private let hasLabels: Bool
    private let lines = JSONLines()
    private var table: TextTable

    /// - Parameter inputs: heads the column of what is classified.
    init(_ format: OutputOptions.Format, of inputs: String, classes: [String], top: Int, hasLabels: Bool) {
        self.format = format
        self.inputs = inputs
        self.classes = classes
        self.top = min(top, classes.count)
        self.hasLabels = hasLabels
        table = TextTable(Self.header(inputs, self.top, hasLabels))
    }

    private static func header(_ inputs: String, _ top: Int, _ hasLabels: Bool) -> [String] {
        [inputs] + (hasLabels ? ["label"] : [])
            + (1...top).flatMap { $0 == 1 ? ["class", "probability"] : ["class_\($0)", "probability_\($0)"] }
    }

    func begin() throws {
        if format == .csv { try StandardOutput.write(CSV.row(Self.header(inputs, top, hasLabels))) }
    }

    mutating func add(_ prediction: Prediction) throws {
        let probabilities = prediction.probabilities
        let best = prediction.top(top)
        let label = prediction.label.map { classes[$0] }
        let input = prediction.text ?? prediction.path
        switch format {
        case .json:
            try lines.write(
                "prediction",
                Entry(
                    path: prediction.path, text: prediction.text, label: label,
                    classes: best.map {
                        Entry.Choice(
                            name: classes[$0], probability: probabilities[$0], logit: prediction.logits[$0])
                    }))
        case .csv:
            let cells = best.flatMap { [classes[$0], "\(probabilities[$0])"] }
            try StandardOutput.write(CSV.row([input] + (hasLabels ? [label ?? ""] : []) + cells))
        case .table:
            let cells = best.flatMap { [classes[$0], percent(probabilities[$0])] }
            table.add([input] + (hasLabels ? [label ?? ""] : []) + cells)
        }
    }

    /// - Parameter summary: nil without labels. Beside CSV it goes to standard error.
    func end(_ summary: PredictionSummary?) throws {
        if format == .table, !table.isEmpty { try StandardOutput.write(table.lines.joined(separator: "\n")) }
        guard let summary else { return }
        switch format {
        case .json: try lines.write("summary", summary)
        case .csv: StandardError.write(summary.lines.joined(separator: "\n") + "\n")
        case .table: try StandardOutput.write("\n" + summary.lines.joined(separator: "\n"))
        }
    }
}
