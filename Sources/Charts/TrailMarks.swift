import Text

/// Ways through the plane: a ring where each starts, a dot where it still is, a cross where it ended.
package struct TrailMarks: ChartMarks {
    package struct Trail {
        package var points: [ChartPoint]
        package var hasEnded: Bool
        package var style: Int
        package var tip: String

        package init(points: [ChartPoint], hasEnded: Bool, style: Int, tip: String) {
            self.points = points
            self.hasEnded = hasEnded
            self.style = style
            self.tip = tip
        }
    }

    package var trails: [Trail]

    package init(trails: [Trail]) {
        self.trails = trails
    }

    package func draw(in frame: ChartFrame) -> [String] {
        trails.flatMap { trail -> [String] in
            guard let first = trail.points.first, let last = trail.points.last else { return [] }
            let style = ChartStyle.series(trail.style % ChartStyle.light.series.count)
            let path = trail.points.map { "\(Markup.n(frame.across($0.x))),\(Markup.n(frame.down($0.y)))" }
            let (x, y) = (frame.across(last.x), frame.down(last.y))
            return [
                Markup.element(
                    "polyline", ["class": "trail \(style)", "points": path.joined(separator: " ")],
                    Markup.tip(trail.tip)),
                Symbol.circle(
                    frame.across(first.x), frame.down(first.y), radius: 3.5, style: "ring \(style)", tip: trail.tip),
                trail.hasEnded
                    ? Symbol.cross(x, y, style: "trail \(style)", tip: trail.tip)
                    : Symbol.circle(x, y, radius: 4, style: "dot \(style)", tip: trail.tip),
            ]
        }
    }
}
