import Text

/// A bar above each label of the x axis, and where wanted a ring at another value beside it.
package struct BarMarks: ChartMarks {
    package struct Bar {
        package var value: Double
        package var ring: Double?
        package var tip: String

        package init(value: Double, ring: Double? = nil, tip: String) {
            self.value = value
            self.ring = ring
            self.tip = tip
        }
    }

    package var bars: [Bar]
    package var style: Int
    private let ringStyle = 1

    package init(bars: [Bar], style: Int = 0) {
        self.bars = bars
        self.style = style
    }

    private static let widest = 48.0

    package func draw(in frame: ChartFrame) -> [String] {
        bars.enumerated().flatMap { index, bar -> [String] in
            let top = frame.down(bar.value)
            let middle = frame.across(Double(index) + 0.5)
            let width = min(frame.column * 0.76, Self.widest)
            let rect = Markup.element(
                "rect",
                [
                    "class": "bar \(ChartStyle.series(style))", "x": Markup.n(middle - width / 2), "y": Markup.n(top),
                    "width": Markup.n(width), "height": Markup.n(frame.bottom - top),
                ], Markup.tip(bar.tip))
            guard let ring = bar.ring else { return [rect] }
            return [
                rect,
                Symbol.circle(
                    middle, frame.down(ring), radius: min(4, frame.column * 0.4),
                    style: "ring \(ChartStyle.series(ringStyle))", tip: bar.tip),
            ]
        }
    }
}
