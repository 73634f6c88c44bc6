import Text

/// The mean of several curves, drawn as far as all of them reach.
package struct MeanCurve {
    package private(set) var points: [ChartPoint] = []
    /// Standard deviations at the points; empty for a single curve.
    package private(set) var deviations: [Double] = []

    /// - Parameter curves: each ascending by x; between its points a curve runs straight.
    package init(_ curves: [[ChartPoint]]) {
        let curves = curves.filter { !$0.isEmpty }
        guard curves.count > 1 else {
            points = curves.first ?? []
            return
        }
        let start = curves.map { $0[0].x }.max()!
        let end = curves.map { $0[$0.count - 1].x }.min()!
        let places = Set(curves.flatMap { $0.map(\.x) }).filter { $0 >= start && $0 <= end }.sorted()
        for x in places {
            let spread = Spread(curves.map { Self.value(of: $0, at: x) })
            points.append(ChartPoint(x: x, y: spread.mean))
            deviations.append(spread.deviation)
        }
    }

    private static func value(of curve: [ChartPoint], at x: Double) -> Double {
        var (low, high) = (0, curve.count - 1)
        while high - low > 1 {
            let middle = (low + high) / 2
            if curve[middle].x <= x { low = middle } else { high = middle }
        }
        let (a, b) = (curve[low], curve[high])
        guard b.x > a.x else { return b.y }
        return a.y + (b.y - a.y) * min(max((x - a.x) / (b.x - a.x), 0), 1)
    }
}
