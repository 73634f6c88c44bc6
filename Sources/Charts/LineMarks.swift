import Text

/// A point of a chart.
package struct ChartPoint: Hashable, Sendable {
    package var x: Double
    package var y: Double

    package init(x: Double, y: Double) {
        self.x = x
        self.y = y
    }
}

/// Lines through points, each with a band around it where it is a mean.
package struct LineMarks: ChartMarks {
    package struct Series {
        package var name: String
        package var points: [ChartPoint]
        /// Half of the band's height at each point; empty for none.
        package var deviations: [Double] = []
        /// The place of its colour and dashes.
        package var style: Int

        package init(name: String, points: [ChartPoint], deviations: [Double] = [], style: Int) {
            self.name = name
            self.points = points
            self.deviations = deviations
            self.style = style
        }
    }

    package var series: [Series]
    /// What x and y are called where a point is pointed at: "40 updates: 61.2 %".
    package var words: (x: String, y: String)

    package init(series: [Series], words: (x: String, y: String)) {
        self.series = series
        self.words = words
    }

    /// More points than these are thinned out.
    private static let mostPoints = 400
    private static let mostSpots = 120

    package func draw(in frame: ChartFrame) -> [String] {
        series.flatMap { band($0, frame) } + series.flatMap { line($0, frame) }
    }

    private func band(_ series: Series, _ frame: ChartFrame) -> [String] {
        guard series.deviations.count == series.points.count, !series.points.isEmpty else { return [] }
        let edges = zip(series.points, series.deviations)
        let upper = edges.map { place($0.x, $0.y + $1, frame) }
        let lower = edges.map { place($0.x, $0.y - $1, frame) }
        return [
            Markup.element(
                "polygon",
                [
                    "class": "band \(ChartStyle.series(series.style))",
                    "points": (upper + lower.reversed()).joined(separator: " "),
                ])
        ]
    }

    private func line(_ series: Series, _ frame: ChartFrame) -> [String] {
        let style = ChartStyle.series(series.style)
        guard let last = series.points.last else { return [] }
        let path = series.points.thinned(to: Self.mostPoints).map { place($0.x, $0.y, frame) }
        let spots = series.points.indices.filter {
            $0 % (series.points.count / Self.mostSpots + 1) == 0 || $0 == series.points.count - 1
        }
        return [
            Markup.element("polyline", ["class": "line \(style)", "points": path.joined(separator: " ")]),
            Symbol.circle(frame.across(last.x), frame.down(last.y), radius: 3, style: "dot \(style)"),
        ]
            + spots.map { index in
                let point = series.points[index]
                let spread = series.deviations.isEmpty ? "" : " ± \(decimal(series.deviations[index], 1))"
                return Symbol.circle(
                    frame.across(point.x), frame.down(point.y), radius: 5, style: "spot",
                    tip: "\(series.name), \(Axis.label(point.x)) \(words.x): \(decimal(point.y, 1))\(spread)\(words.y)")
            }
    }

    private func place(_ x: Double, _ y: Double, _ frame: ChartFrame) -> String {
        "\(Markup.n(frame.across(x))),\(Markup.n(frame.down(y)))"
    }
}

/// A dashed line across the chart, with its label above it at the right.
package struct ReferenceMarks: ChartMarks {
    package var value: Double
    package var label: String

    package init(value: Double, label: String) {
        self.value = value
        self.label = label
    }

    package func draw(in frame: ChartFrame) -> [String] {
        let height = frame.down(value)
        return [
            Markup.element(
                "line",
                [
                    "class": "reference", "x1": Markup.n(frame.left), "x2": Markup.n(frame.right),
                    "y1": Markup.n(height), "y2": Markup.n(height),
                ]),
            Markup.text(label, x: frame.right, y: height - 5, style: "end"),
        ]
    }
}

extension [ChartPoint] {
    /// At most about so many points: the lowest and the highest of each stretch, and the ends.
    package func thinned(to most: Int) -> [ChartPoint] {
        guard count > most, most >= 4 else { return self }
        let stretch = (count - 2 + most / 2 - 2) / (most / 2 - 1)
        var kept = [self[0]]
        for start in stride(from: 1, to: count - 1, by: stretch) {
            let range = start..<Swift.min(start + stretch, count - 1)
            let low = range.min { self[$0].y < self[$1].y }!
            let high = range.max { self[$0].y < self[$1].y }!
            kept.append(self[Swift.min(low, high)])
            if low != high { kept.append(self[Swift.max(low, high)]) }
        }
        return kept + [self[count - 1]]
    }
}
