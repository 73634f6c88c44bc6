/// Lloyd's algorithm from the seeds of k-means++ (Arthur and Vassilvitskii 2007).
enum KMeans {
    private static let iterations = 20

    /// The cluster of each row, numbered from 0 without gaps; at most `clusters` of them.
    static func labels(_ rows: [Double], width: Int, clusters: Int, random: inout SeededRandom) -> [Int] {
        let count = rows.count / width
        var centres = seeds(rows, width: width, clusters: min(clusters, count), random: &random)
        var labels = [Int](repeating: 0, count: count)
        for _ in 0..<iterations {
            let next = (0..<count).map { nearest(rows, $0, centres, width, guess: labels[$0]) }
            if next == labels { break }
            labels = next
            for centre in 0..<centres.count / width {
                let members = labels.indices.filter { labels[$0] == centre }
                guard !members.isEmpty else { continue }
                for column in 0..<width {
                    centres[centre * width + column] =
                        members.reduce(0) { $0 + rows[$1 * width + column] / Double(members.count) }
                }
            }
        }
        let used = (0..<centres.count / width).filter { labels.contains($0) }
        return labels.map { label in used.firstIndex(of: label) ?? 0 }
    }

    /// Each next centre is a row, chosen with a probability in proportion to its squared distance from those before; fewer
    /// than `clusters` where all rows coincide with a centre.
    private static func seeds(
        _ rows: [Double], width: Int, clusters: Int, random: inout SeededRandom
    ) -> [Double] {
        let count = rows.count / width
        func row(_ place: Int) -> ArraySlice<Double> { rows[place * width..<(place + 1) * width] }
        var centres = Array(row(Int(random.next(upperBound: UInt64(count)))))
        // Of each row to the nearest centre so far.
        var squares = (0..<count).map { square(rows, $0, centres, 0, width) }
        while centres.count < clusters * width {
            let total = squares.reduce(0, +)
            guard total > 0, total.isFinite else { break }
            var left = random.nextUniform() * total
            let choice = squares.firstIndex { square in
                left -= square
                return left < 0
            }
            let last = centres.count / width
            centres += row(choice ?? squares.indices.last { squares[$0] > 0 } ?? 0)
            for place in 0..<count {
                squares[place] = min(squares[place], square(rows, place, centres, last, width, most: squares[place]))
            }
        }
        return centres
    }

    /// The first among the nearest centres; `guess` may be any.
    private static func nearest(
        _ rows: [Double], _ row: Int, _ centres: [Double], _ width: Int, guess: Int
    ) -> Int {
        let most = square(rows, row, centres, guess, width)
        var best = (centre: guess, square: Double.infinity)
        for centre in 0..<centres.count / width {
            let square = square(rows, row, centres, centre, width, most: min(most, best.square))
            if square < best.square { best = (centre, square) }
        }
        return best.centre
    }

    /// The squared distance of a row from a centre; where it is above `most`, perhaps only a part that is above it too,
    /// because the sum of further squares is no smaller.
    private static func square(
        _ rows: [Double], _ row: Int, _ centres: [Double], _ centre: Int, _ width: Int, most: Double = .infinity
    ) -> Double {
        let (row, centre) = (
            rows.span.extracting(row * width..<(row + 1) * width),
            centres.span.extracting(centre * width..<(centre + 1) * width)
        )
        var square = 0.0
        for column in 0..<width {
            let residual = row[unchecked: column] - centre[unchecked: column]
            square += residual * residual
            if column % 32 == 31 && square > most { break }
        }
        return square
    }
}
