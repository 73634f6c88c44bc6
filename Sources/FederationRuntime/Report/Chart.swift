/// A line or bar chart as an SVG group: axes with round ticks, a title, and the data.
struct Chart {
    struct Point {
        var x: Double
        var y: Double
    }
    enum Marks {
        case line([Point])
        /// One bar for each label.
        case bars([(label: String, value: Double)])
    }

    var title: String
    var xTitle: String
    var yTitle: String
    var marks: Marks
    /// Fixes the y axis; otherwise it goes from 0 to a round number above the data.
    var yRange: ClosedRange<Double>?
    /// A dashed horizontal line with a label.
    var reference: (value: Double, label: String)?

    static let width = 460.0
    static let height = 260.0
    private static let left = 56.0
    private static let right = 16.0
    private static let top = 34.0
    private static let bottom = 44.0

    private var plotWidth: Double { Self.width - Self.left - Self.right }
    private var plotHeight: Double { Self.height - Self.top - Self.bottom }

    /// The chart with its upper left corner at (x, y).
    func svg(x: Double, y: Double) -> String {
        let values = yAxis
        var parts = ["<g transform=\"translate(\(decimal(x, 0)),\(decimal(y, 0)))\">"]
        parts.append(text(title, x: Self.left, y: 18, style: "title"))
        for tick in Self.ticks(values) {
            let height = place(tick, in: values)
            parts.append(
                "<line class=\"grid\" x1=\"\(n(Self.left))\" x2=\"\(n(Self.width - Self.right))\" y1=\"\(n(height))\" y2=\"\(n(height))\"/>"
            )
            parts.append(text(Self.label(tick), x: Self.left - 8, y: height + 4, style: "tick end"))
        }
        switch marks {
        case .line(let points): parts.append(contentsOf: line(points, values))
        case .bars(let bars): parts.append(contentsOf: self.bars(bars, values))
        }
        if let reference {
            let height = place(reference.value, in: values)
            parts.append(
                "<line class=\"reference\" x1=\"\(n(Self.left))\" x2=\"\(n(Self.width - Self.right))\" y1=\"\(n(height))\" y2=\"\(n(height))\"/>"
            )
            parts.append(text(reference.label, x: Self.width - Self.right, y: height - 5, style: "tick end"))
        }
        parts.append(text(xTitle, x: Self.left + plotWidth / 2, y: Self.height - 6, style: "axis middle"))
        parts.append(
            "<text class=\"axis middle\" transform=\"translate(13,\(n(Self.top + plotHeight / 2))) rotate(-90)\">\(Self.escape(yTitle))</text>"
        )
        parts.append("</g>")
        return parts.joined(separator: "\n")
    }

    private var yAxis: ClosedRange<Double> {
        if let yRange { return yRange }
        let top =
            switch marks {
            case .line(let points): points.map(\.y).max() ?? 1
            case .bars(let bars): bars.map(\.value).max() ?? 1
            }
        let step = Self.step(max(top, 1e-9))
        return 0...(max(top / step, 1)).rounded(.up) * step
    }

    private func place(_ value: Double, in values: ClosedRange<Double>) -> Double {
        let share = (value - values.lowerBound) / max(values.upperBound - values.lowerBound, 1e-12)
        return Self.top + plotHeight * (1 - min(max(share, 0), 1))
    }

    private func line(_ points: [Point], _ values: ClosedRange<Double>) -> [String] {
        guard let last = points.last else { return [] }
        let end = max(points.map(\.x).max()!, 1e-9)
        func across(_ x: Double) -> Double { Self.left + plotWidth * x / end }
        var parts = Self.ticks(0...end).map {
            text(Self.label($0), x: across($0), y: Self.height - Self.bottom + 16, style: "tick middle")
        }
        let path = points.map { "\(n(across($0.x))),\(n(place($0.y, in: values)))" }.joined(separator: " ")
        parts.append("<polyline class=\"line\" points=\"\(path)\"/>")
        parts.append(
            "<circle class=\"dot\" cx=\"\(n(across(last.x)))\" cy=\"\(n(place(last.y, in: values)))\" r=\"3\"/>")
        return parts
    }

    private func bars(_ bars: [(label: String, value: Double)], _ values: ClosedRange<Double>) -> [String] {
        guard !bars.isEmpty else { return [] }
        let slot = plotWidth / Double(bars.count)
        let everyNth = max(1, Int((Double(bars.count) * 26 / plotWidth).rounded(.up)))
        return bars.enumerated().flatMap { index, bar in
            let height = place(bar.value, in: values)
            let x = Self.left + slot * (Double(index) + 0.12)
            var parts = [
                "<rect class=\"bar\" x=\"\(n(x))\" y=\"\(n(height))\" width=\"\(n(slot * 0.76))\" height=\"\(n(Self.height - Self.bottom - height))\"><title>\(Self.escape(bar.label)): \(Self.label(bar.value))</title></rect>"
            ]
            if index % everyNth == 0 {
                parts.append(
                    text(bar.label, x: x + slot * 0.38, y: Self.height - Self.bottom + 16, style: "tick middle"))
            }
            return parts
        }
    }

    private func text(_ text: String, x: Double, y: Double, style: String) -> String {
        "<text class=\"\(style)\" x=\"\(n(x))\" y=\"\(n(y))\">\(Self.escape(text))</text>"
    }

    private func n(_ value: Double) -> String { decimal(value, 1) }

    /// A step of 1, 2 or 5 times a power of ten that divides the extent into about four.
    private static func step(_ extent: Double) -> Double {
        var power = 1.0
        while power * 10 <= extent / 4 { power *= 10 }
        while power > extent / 4 { power /= 10 }
        return [5, 2].map { $0 * power }.first { $0 <= extent / 4 } ?? power
    }

    private static func ticks(_ range: ClosedRange<Double>) -> [Double] {
        let step = step(range.upperBound - range.lowerBound)
        let first = (range.lowerBound / step - 1e-9).rounded(.up)
        let last = (range.upperBound / step + 1e-9).rounded(.down)
        return (0...max(0, Int(last - first))).map { (first + Double($0)) * step }
    }

    private static func label(_ value: Double) -> String {
        for digits in 0...3 where abs(Double(decimal(value, digits))! - value) < 1e-9 * max(1, abs(value)) {
            return decimal(value, digits)
        }
        return decimal(value, 3)
    }

    static func escape(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
