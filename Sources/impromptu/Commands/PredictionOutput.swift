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
        var label: String?
        /// The most probable first.
        var classes: [Choice]
    }

    private let format: OutputOptions.Format
    private let classes: [String]
    private let top: Int
    private let hasLabels: Bool
    private let lines = JSONLines()
    private var table: TextTable

    init(_ format: OutputOptions.Format, classes: [String], top: Int, hasLabels: Bool) {
        self.format = format
        self.classes = classes
        self.top = min(top, classes.count)
        self.hasLabels = hasLabels
        table = TextTable(Self.header(self.top, hasLabels))
    }

    private static func header(_ top: Int, _ hasLabels: Bool) -> [String] {
        ["path"] + (hasLabels ? ["label"] : [])
            + (1...top).flatMap { $0 == 1 ? ["class", "probability"] : ["class_\($0)", "probability_\($0)"] }
    }

    func begin() throws {
        if format == .csv { try StandardOutput.write(CSV.row(Self.header(top, hasLabels))) }
    }

    mutating func add(_ prediction: Prediction) throws {
        let probabilities = prediction.probabilities
        let best = prediction.top(top)
        let label = prediction.label.map { classes[$0] }
        switch format {
        case .json:
            try lines.write(
                "prediction",
                Entry(
                    path: prediction.path, label: label,
                    classes: best.map {
                        Entry.Choice(
                            name: classes[$0], probability: probabilities[$0], logit: prediction.logits[$0])
                    }))
        case .csv:
            let cells = best.flatMap { [classes[$0], "\(probabilities[$0])"] }
            try StandardOutput.write(CSV.row([prediction.path] + (hasLabels ? [label ?? ""] : []) + cells))
        case .table:
            let cells = best.flatMap { [classes[$0], percent(probabilities[$0])] }
            table.add([prediction.path] + (hasLabels ? [label ?? ""] : []) + cells)
        }
    }

    /// - Parameter summary: nil without labels. Beside CSV it goes to standard error.
    func end(_ summary: PredictionSummary?) throws {
        if format == .table { try StandardOutput.write(table.lines.joined(separator: "\n")) }
        guard let summary else { return }
        switch format {
        case .json: try lines.write("summary", summary)
        case .csv: StandardError.write(summary.lines.joined(separator: "\n") + "\n")
        case .table: try StandardOutput.write("\n" + summary.lines.joined(separator: "\n"))
        }
    }
}
