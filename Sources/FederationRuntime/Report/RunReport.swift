import PromptAggregation

/// A run as a picture: one self-contained SVG, light and dark.
enum RunReport {
    /// Plain colours, without CSS variables, which many viewers of SVG outside of browsers do not know.
    private static let style = """
        <style>
        text { font: 11px system-ui, "DejaVu Sans", sans-serif; fill: #66707d; }
        .heading { font-size: 17px; font-weight: 600; fill: #1c2430; }
        .title { font-size: 13px; font-weight: 600; fill: #1c2430; }
        .middle { text-anchor: middle; } .end { text-anchor: end; }
        .paper { fill: #ffffff; } .grid { stroke: #e3e7ec; }
        .line { fill: none; stroke: #0b6bcb; stroke-width: 2; stroke-linejoin: round; }
        .dot, .bar { fill: #0b6bcb; }
        .reference { stroke: #66707d; stroke-dasharray: 4 3; }
        @media (prefers-color-scheme: dark) {
          text { fill: #9aa5b3; } .heading, .title { fill: #e6eaf0; }
          .paper { fill: #12161c; } .grid { stroke: #2c3440; }
          .line { stroke: #5aa9f5; } .dot, .bar { fill: #5aa9f5; }
          .reference { stroke: #9aa5b3; }
        }
        </style>
        """

    /// - Parameters:
    ///   - heading: names the run.
    ///   - chance: the accuracy of guessing, drawn as a dashed line.
    static func svg(heading: String, history: RunHistory, chance: Double) -> String {
        let charts = charts(of: history, chance: chance)
        let columns = 2
        let rows = (charts.count + columns - 1) / columns
        let width = 20 + Double(columns) * (Chart.width + 20)
        let height = 60 + Double(rows) * (Chart.height + 20)
        var parts = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(decimal(width, 0)) \(decimal(height, 0))\" width=\"\(decimal(width, 0))\" height=\"\(decimal(height, 0))\" role=\"img\">",
            "<title>\(Chart.escape(heading))</title>", style,
            "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>",
            "<text class=\"heading\" x=\"28\" y=\"34\">\(Chart.escape(heading))</text>",
        ]
        for (index, chart) in charts.enumerated() {
            parts.append(
                chart.svg(
                    x: 20 + Double(index % columns) * (Chart.width + 20),
                    y: 54 + Double(index / columns) * (Chart.height + 20)))
        }
        parts.append("</svg>\n")
        return parts.joined(separator: "\n")
    }

    private static func charts(of history: RunHistory, chance: Double) -> [Chart] {
        func accuracy(_ title: String, _ xTitle: String, _ x: (RunHistory.EvaluationRow) -> Double) -> Chart {
            Chart(
                title: title, xTitle: xTitle, yTitle: "validation accuracy, %",
                marks: .line(history.evaluations.map { .init(x: x($0), y: $0.accuracy * 100) }), yRange: 0...100,
                reference: (chance * 100, "chance"))
        }
        return [
            accuracy("Accuracy by the clock", "seconds", \.seconds),
            accuracy("Accuracy by updates", "client updates", { Double($0.updates) }),
            Chart(
                title: "Staleness of the updates used", xTitle: "versions between start and use", yTitle: "updates",
                marks: .bars(
                    history.stalenessCounts.enumerated().map { (label: "\($0.offset)", value: Double($0.element)) })),
            Chart(
                title: "Prompts in the pool", xTitle: "version", yTitle: "prompts",
                marks: .line(history.versions.map { .init(x: Double($0.version), y: Double($0.pool)) })),
            Chart(
                title: "Updates used, by client", xTitle: "client", yTitle: "updates",
                marks: .bars(
                    history.participation.map {
                        (
                            label: $0.client.name.split(separator: "-").last.map(String.init) ?? "",
                            value: Double($0.updates)
                        )
                    })),
            Chart(
                title: "Training loss reported by the clients", xTitle: "version", yTitle: "mean loss",
                marks: .line(
                    history.versions.compactMap { row in row.loss.map { .init(x: Double(row.version), y: $0) } })),
        ]
    }
}
