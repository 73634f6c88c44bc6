import Charts
import PromptAggregation
import RunLog
import Text

/// A run as a picture: one self-contained SVG, light and dark.
public enum RunReport {
    /// Draws a run into its folder.
    /// - Parameters:
    ///   - heading: names the run.
    ///   - classes: how many it has.
    /// - Throws: `RunFolderError`.
    public static func write(_ history: RunHistory, heading: String, classes: Int, to folder: RunFolder) throws {
        try folder.write(
            svg(heading: heading, history: history, chance: 1 / Double(max(1, classes))), to: folder.report)
    }

    /// - Parameters:
    ///   - heading: names the run.
    ///   - chance: the accuracy of guessing, drawn as a dashed line.
    static func svg(heading: String, history: RunHistory, chance: Double) -> String {
        let run = RunCurves(
            versions: history.versions, evaluations: history.evaluations, federated: history.federatedEvaluations)
        let curves = CurveCharts(methods: [.init(label: heading, runs: [run])], chance: chance)
        return picture(
            heading: heading,
            charts: [
                curves.accuracyByTheClock, curves.accuracyByUpdates, .staleness(of: history), curves.pool,
                participation(history), curves.loss,
            ])
    }

    /// Charts two by two.
    static func picture(heading: String, charts: [Chart]) -> String {
        let columns = 2
        let gap = 20.0
        let rowHeight = (charts.map(\.height).max() ?? 0) + gap
        let width = gap + Double(columns) * (Chart.narrow + gap)
        let height = 54 + Double((charts.count + columns - 1) / columns) * rowHeight
        let groups = charts.enumerated().map { index, chart in
            chart.svg(
                x: gap + Double(index % columns) * (Chart.narrow + gap),
                y: 54 + Double(index / columns) * rowHeight)
        }
        let size = (width: decimal(width, 0), height: decimal(height, 0))
        return Markup.element(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 \(size.width) \(size.height)",
                "width": size.width, "height": size.height, "role": "img",
            ],
            "\n"
                + ([
                    Markup.tip(heading), Markup.element("style", [:], "\n\(ChartStyle.css)\n"),
                    Markup.element("rect", ["class": "paper", "width": "100%", "height": "100%"]),
                    Markup.text(heading, x: 28, y: 34, style: "heading"),
                ] + groups).joined(separator: "\n") + "\n") + "\n"
    }

    private static func participation(_ history: RunHistory) -> Chart {
        let counts = history.participation
        let names = counts.map(\.client.name)
        return Chart(
            title: "Updates used, by client", summary: "\(counts.count) clients.",
            x: .labels(withoutCommonStart(names), title: "client"),
            y: .fromZero(counts.map { Double($0.updates) }, title: "updates"),
            marks: [
                BarMarks(
                    bars: counts.map {
                        .init(value: Double($0.updates), tip: "\($0.client.name): \($0.updates) updates")
                    })
            ])
    }
}
