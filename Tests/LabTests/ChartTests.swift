import Charts
import Foundation
import Lab
import Testing
import Text

/// The arithmetic behind the charts.
struct ChartTests {
    @Test func aMeanCurveIsDrawnAsFarAsAllReach() {
        let curve = MeanCurve([
            [.init(x: 0, y: 0), .init(x: 10, y: 10)], [.init(x: 5, y: 7), .init(x: 20, y: 22)],
        ])
        #expect(curve.points == [.init(x: 5, y: 6), .init(x: 10, y: 11)])
        #expect(curve.deviations.allSatisfy { abs($0 * $0 - 2) < 1e-12 } && curve.deviations.count == 2)
        let single = MeanCurve([[], [.init(x: 1, y: 2)]])
        #expect(single.points == [.init(x: 1, y: 2)] && single.deviations.isEmpty)
    }

    @Test func aSpreadHasADeviationFromTwoValuesOn() {
        #expect(Spread([]).text(1) == "-")
        #expect(Spread([0.5]).text(1, scale: 100) == "50.0")
        #expect(Spread([1, 2, 3]).text(2) == "2.00 ± 1.00")
    }

    @Test func thinningKeepsEndsAndExtremes() {
        let extremes: [Int: Double] = [7_777: 50, 123: -50]
        let points = (0..<10_000).map { ChartPoint(x: Double($0), y: extremes[$0] ?? 0) }
        let thin = points.thinned(to: 400)
        #expect(thin.count <= 402 && thin.first == points.first && thin.last == points.last)
        #expect(thin.contains(points[7_777]) && thin.contains(points[123]))
        #expect(zip(thin, thin.dropFirst()).allSatisfy { $0.x < $1.x })
        #expect(points.prefix(10).map { $0 }.thinned(to: 400) == Array(points.prefix(10)))
    }

    /// A cloud of known spread along three directions that are turned in space.
    @Test func thePrincipalPlaneIsThatOfTheLargestSpread() {
        let directions = [[2.0, 1, 2], [-2, 2, 1], [1, 2, -2]].map { $0.map { $0 / 3 } }
        let spreads = [1.0, 9, 4]
        var rows: [Float] = []
        var parts: [[Double]] = []
        for a in [-1.0, 1] {
            for b in [-1.0, 1] {
                for c in [-1.0, 1] {
                    let part = [a * spreads[0], b * spreads[1], c * spreads[2]]
                    parts.append(part)
                    for column in 0..<3 {
                        let turned = zip(part, directions).reduce(5.0) { sum, pair in sum + pair.0 * pair.1[column] }
                        rows.append(Float(turned))
                    }
                }
            }
        }
        let plane = PrincipalPlane(rows, width: 3)
        #expect(abs(plane.shares[0] - 81 / 98) < 1e-6 && abs(plane.shares[1] - 16 / 98) < 1e-6)
        for (row, part) in parts.enumerated() {
            let point = plane.place(rows[row * 3..<row * 3 + 3])
            #expect(abs(abs(point.x) - abs(part[1])) < 1e-5 && abs(abs(point.y) - abs(part[2])) < 1e-5)
        }
        let flat = PrincipalPlane([1, 2, 1, 2], width: 2)
        #expect(flat.shares == [0, 0] && flat.place([1, 2]) == .init(x: 0, y: 0))
    }

    @Test func labelsAreShort() {
        #expect(
            Axis.label(0.1 + 0.2) == "0.3" && Axis.label(12_000) == "12,000" && Axis.label(-1_234_567) == "-1,234,567")
        #expect(Axis.label(1_500) == "1500" && Axis.label(12_345.25) == "12,345.25")
        #expect(withoutCommonStart(["client-03", "client-10"]) == ["03", "10"])
        #expect(withoutCommonStart(["site.a-1", "site.b-1"]) == ["a-1", "b-1"])
        #expect(withoutCommonStart(["a-", "a-1"]) == ["a-", "a-1"] && withoutCommonStart(["a-1"]) == ["a-1"])
    }

    /// WCAG 2.2: text 4.5 to 1 (1.4.3), graphics 3 to 1 (1.4.11).
    @Test func coloursStandOutFromThePaper() {
        for colours in [ChartStyle.light, ChartStyle.dark] {
            for text in [colours.ink, colours.quiet] { #expect(contrast(text, colours.paper) >= 4.5, "\(text)") }
            for series in colours.series { #expect(contrast(series, colours.paper) >= 3, "\(series)") }
        }
    }

    private func contrast(_ a: String, _ b: String) -> Double {
        let (x, y) = (luminance(a), luminance(b))
        return (max(x, y) + 0.05) / (min(x, y) + 0.05)
    }

    private func luminance(_ colour: String) -> Double {
        let value = Int(colour.dropFirst(), radix: 16)!
        let parts = [16, 8, 0].map { shift -> Double in
            let part = Double(value >> shift & 255) / 255
            return part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    }
}
