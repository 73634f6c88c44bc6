import Charts
import Lab
import PromptAggregation
import Testing

@Suite struct NeighbourMapTests {
    /// Rows in groups that lie apart by ten times their spread.
    private static func groups(_ count: Int, of size: Int, width: Int, seed: UInt64) -> [Float] {
        var random = SeededRandom(seed: seed)
        return (0..<count).flatMap { _ in
            let centre = (0..<width).map { _ in 10 * random.nextNormal() }
            return (0..<size).flatMap { _ in centre.map { Float($0 + random.nextNormal()) } }
        }
    }

    private static func map(_ rows: [Float], width: Int) -> NeighbourMap {
        let plane = PrincipalPlane(rows, width: width)
        let start = stride(from: 0, to: rows.count, by: width).map { plane.place(rows[$0..<$0 + width]) }
        return NeighbourMap(rows, width: width, start: start)
    }

    private static func distance(_ a: ChartPoint, _ b: ChartPoint) -> Double {
        ((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y)).squareRoot()
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>) func groupsStayTogetherAndApart(seed: UInt64) {
        let size = 12
        let points = Self.map(Self.groups(5, of: size, width: 20, seed: seed), width: 20).points
        for (place, point) in points.enumerated() {
            let others = points.indices.filter { $0 != place }.sorted {
                Self.distance(point, points[$0]) < Self.distance(point, points[$1])
            }
            #expect(others.prefix(size - 1).allSatisfy { $0 / size == place / size })
        }
    }

    /// A line in space is a line in the map: each point's neighbours are those before and behind it.
    @Test func aWayIsAWay() {
        let rows = (0..<60).flatMap { step in [Float(step), 0.5 * Float(step), -Float(step)] }
        let points = Self.map(rows, width: 3).points
        for place in 1..<59 {
            let near = points.indices.filter { $0 != place }.min {
                Self.distance(points[place], points[$0]) < Self.distance(points[place], points[$1])
            }
            #expect(near.map { abs($0 - place) <= 2 } == true)
        }
    }

    @Test func betterThanThePlaneThatItBeginsWith() {
        let rows = Self.groups(8, of: 10, width: 30, seed: 9)
        let map = Self.map(rows, width: 30)
        #expect(map.divergence > 0 && map.divergence < 0.6, "\(map.divergence)")
        #expect(Self.map(rows, width: 30).points == map.points, "the same rows give the same map")
    }

    @Test(arguments: [0, 1, 3, 4, 30]) func rowsThatAreAlikeHaveAMapToo(count: Int) {
        let points = Self.map([Float](repeating: 0.25, count: 6 * count), width: 6).points
        #expect(points.count == count && points.allSatisfy { $0.x.isFinite && $0.y.isFinite })
    }
}
