import Text

/// What a chart draws between its axes.
package protocol ChartMarks {
    /// Elements of SVG, those in front last.
    func draw(in frame: ChartFrame) -> [String]
}

/// Where values of the two axes lie in a chart, in pixels.
package struct ChartFrame {
    package let left: Double
    package let top: Double
    package let width: Double
    package let height: Double
    package let x: Axis
    package let y: Axis

    package var right: Double { left + width }
    package var bottom: Double { top + height }
    /// The width of one label's slot.
    package var column: Double { width / (x.range.upperBound - x.range.lowerBound) }
    package var row: Double { height / (y.range.upperBound - y.range.lowerBound) }

    func across(_ value: Double) -> Double { left + width * share(value, of: x.range) }

    /// Numbers grow upwards, labels are read downwards.
    package func down(_ value: Double) -> Double {
        if case .labels = y.kind { return top + height * share(value, of: y.range) }
        return bottom - height * share(value, of: y.range)
    }

    private func share(_ value: Double, of range: ClosedRange<Double>) -> Double {
        min(max((value - range.lowerBound) / max(range.upperBound - range.lowerBound, 1e-12), 0), 1)
    }
}

/// A chart as SVG: title, legend, two axes with their titles, and marks.
package struct Chart {
    package struct Key {
        package enum Symbol { case line, dot, ring, cross, diamond, square }
        package var symbol: Symbol
        /// The class that colours it.
        package var style: String
        package var text: String

        package init(symbol: Symbol, style: String, text: String) {
            self.symbol = symbol
            self.style = style
            self.text = text
        }
    }

    package var title: String
    /// What the chart shows, for those who cannot see it.
    package var summary: String
    package var x: Axis
    package var y: Axis
    package var marks: [any ChartMarks]
    package var keys: [Key]
    /// Takes both columns of a page.
    package var isWide: Bool
    package var plotHeight: Double

    package init(
        title: String, summary: String, x: Axis, y: Axis, marks: [any ChartMarks], keys: [Key] = [],
        isWide: Bool = false, plotHeight: Double = 190
    ) {
        self.title = title
        self.summary = summary
        self.x = x
        self.y = y
        self.marks = marks
        self.keys = keys
        self.isWide = isWide
        self.plotHeight = plotHeight
    }

    package static let narrow = 520.0
    package static let wide = 1060.0

    package var width: Double { isWide ? Self.wide : Self.narrow }
    package var height: Double { top + plotHeight + bottom }

    /// As an element of a page.
    package var svg: String {
        Markup.element(
            "svg",
            [
                "viewBox": "0 0 \(decimal(width, 0)) \(decimal(height, 0))", "role": "img",
                "aria-label": "\(title). \(summary)",
            ], elements.joined(separator: "\n"))
    }

    /// As a part of a picture, with its upper left corner at (x, y).
    package func svg(x: Double, y: Double) -> String {
        Markup.element(
            "g", ["transform": "translate(\(decimal(x, 0)),\(decimal(y, 0)))"], elements.joined(separator: "\n"))
    }

    private var elements: [String] {
        [Markup.text(title, x: 8, y: 18, style: "title")] + legend + grid + marks.flatMap { $0.draw(in: frame) }
            + axisTitles
    }

    // MARK: Positions

    private static let right = 18.0
    private static let keyHeight = 17.0
    private static let mostLetters = 22

    private var top: Double { 34 + Double(keyRows.count) * Self.keyHeight }

    private var left: Double {
        guard case .labels(let labels) = y.kind else { return 62 }
        return 34 + (labels.map { textWidth(shortened($0, to: Self.mostLetters)) }.max() ?? 0)
    }

    private var bottom: Double {
        guard case .labels(let labels) = x.kind, isUpright else { return 46 }
        return 36 + (labels.map { textWidth(shortened($0, to: Self.mostLetters)) }.max() ?? 0)
    }

    private var frame: ChartFrame {
        ChartFrame(
            left: left, top: top, width: width - left - Self.right, height: plotHeight, x: x, y: y)
    }

    /// Whether the labels below the chart stand on end, because they are long.
    private var isUpright: Bool {
        guard case .labels(let labels) = x.kind, let longest = labels.map(textWidth).max() else { return false }
        return longest > 44 && longest + 6 > (width - left - Self.right) / Double(labels.count)
    }

    // MARK: Axes

    private var grid: [String] {
        let frame = frame
        return horizontal(frame) + vertical(frame)
    }

    private func horizontal(_ frame: ChartFrame) -> [String] {
        switch y.kind {
        case .numbers:
            y.ticks.flatMap { tick in
                [
                    line(x: frame.left, frame.right, y: frame.down(tick), frame.down(tick)),
                    Markup.text(Axis.label(tick), x: frame.left - 8, y: frame.down(tick) + 4, style: "end"),
                ]
            }
        case .labels(let labels):
            labels.enumerated().flatMap { place, label -> [String] in
                let middle = frame.down(Double(place) + 0.5)
                let text =
                    place % every(13, frame.row) == 0
                    ? [
                        Markup.text(
                            shortened(label, to: Self.mostLetters), x: frame.left - 8, y: middle + 4, style: "end")
                    ] : []
                return [line(x: frame.left, frame.right, y: middle, middle)] + text
            }
        }
    }

    private func vertical(_ frame: ChartFrame) -> [String] {
        let below = frame.bottom + 16
        switch x.kind {
        case .numbers:
            return x.ticks.map { Markup.text(Axis.label($0), x: frame.across($0), y: below, style: "middle") }
        case .labels(let labels):
            let room = isUpright ? 13 : (labels.map(textWidth).max() ?? 0) + 6
            return labels.enumerated().filter { $0.offset % every(room, frame.column) == 0 }.map {
                place, label -> String in
                let middle = frame.across(Double(place) + 0.5)
                guard isUpright else { return Markup.text(label, x: middle, y: below, style: "middle") }
                return Markup.element(
                    "text",
                    [
                        "class": "end",
                        "transform":
                            "translate(\(Markup.n(middle + 4)),\(Markup.n(frame.bottom + 8))) rotate(-90)",
                    ], Markup.escape(shortened(label, to: Self.mostLetters)))
            }
        }
    }

    /// Of so many labels one is written, so that none overlap.
    private func every(_ room: Double, _ place: Double) -> Int { max(1, Int((room / place).rounded(.up))) }

    private var axisTitles: [String] {
        let frame = frame
        return [
            Markup.text(x.title, x: frame.left + frame.width / 2, y: height - 8, style: "middle"),
            Markup.element(
                "text",
                [
                    "class": "middle",
                    "transform": "translate(14,\(Markup.n(frame.top + frame.height / 2))) rotate(-90)",
                ], Markup.escape(y.title)),
        ]
    }

    private func line(x x1: Double, _ x2: Double, y y1: Double, _ y2: Double) -> String {
        Markup.element(
            "line",
            ["class": "grid", "x1": Markup.n(x1), "x2": Markup.n(x2), "y1": Markup.n(y1), "y2": Markup.n(y2)])
    }

    // MARK: Legend

    /// The keys, as many in a row as fit.
    private var keyRows: [[(key: Key, x: Double)]] {
        var rows: [[(key: Key, x: Double)]] = []
        var x = 0.0
        for key in keys {
            let wanted = 34 + textWidth(key.text)
            if rows.isEmpty || x + wanted > width - 16 {
                rows.append([])
                x = 8
            }
            rows[rows.count - 1].append((key, x))
            x += wanted + 8
        }
        return rows
    }

    private var legend: [String] {
        keyRows.enumerated().flatMap { row, keys -> [String] in
            keys.flatMap { key, x -> [String] in
                let y = 36 + Double(row) * Self.keyHeight
                return [Symbol.draw(key, x: x + 11, y: y - 4), Markup.text(key.text, x: x + 27, y: y, style: "key")]
            }
        }
    }
}
