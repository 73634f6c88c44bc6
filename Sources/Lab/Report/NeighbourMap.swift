import Charts
import Glibc
import PromptAggregation

/// Points in a plane, of which those are near to each other that are near in the space of the rows: exact t-SNE
/// (van der Maaten and Hinton, 2008, algorithm 1), with gains for each coordinate. Distances between far groups mean little.
///
/// Time and memory grow with the square of the points; 400 take about half a second.
package struct NeighbourMap {
    /// The map's points, in the order of the rows.
    package private(set) var points: [ChartPoint]
    /// How far the neighbours of the map are from those of the rows: the Kullback-Leibler divergence, in nats.
    package private(set) var divergence = 0.0

    private static let iterations = 500
    /// For so many iterations near points are drawn together by so much more, so that groups can pass each other.
    private static let (exaggeration, exaggerated) = (4.0, 100)
    /// Neighbours that a point has, as the exponential of the entropy.
    private static let mostPerplexity = 30.0

    /// - Parameters:
    ///   - rows: [count, width], row-major.
    ///   - start: a point for each row, of any scale; the map is made from these.
    package init(_ rows: [Float], width: Int, start: [ChartPoint]) {
        let count = start.count
        points = Self.scaled(start)
        guard count > 3 else { return }
        let perplexity = min(Self.mostPerplexity, Double(count - 1) / 3)
        let near = Self.affinities(Self.squaredDistances(rows, width: width, count: count), count, perplexity)
        descend(near)
    }

    /// Starts have a spread of 1e-4, as the authors' have: small enough that no gradient vanishes.
    private static func scaled(_ start: [ChartPoint]) -> [ChartPoint] {
        let reach = start.reduce(0) { max($0, abs($1.x), abs($1.y)) }
        var random = SeededRandom(seed: 1)
        return start.map { point in
            // Rows that are alike must not stay on one spot, where they have no direction to part in.
            ChartPoint(
                x: 1e-4 * ((reach > 0 ? point.x / reach : 0) + 1e-3 * random.nextNormal()),
                y: 1e-4 * ((reach > 0 ? point.y / reach : 0) + 1e-3 * random.nextNormal()))
        }
    }

    // MARK: Neighbours in the space of the rows

    private static func squaredDistances(_ rows: [Float], width: Int, count: Int) -> [Double] {
        var distances = [Double](repeating: 0, count: count * count)
        for one in 0..<count {
            for other in 0..<one {
                let distance = squaredDistance(rows, row: one, rows, row: other, width: width)
                distances[one * count + other] = distance
                distances[other * count + one] = distance
            }
        }
        return distances
    }

    /// The probabilities p of pairs: symmetric, 0 on the diagonal, 1 in sum.
    private static func affinities(_ distances: [Double], _ count: Int, _ perplexity: Double) -> [Double] {
        var affinities = [Double](repeating: 0, count: count * count)
        for row in 0..<count {
            let own = (0..<count).map { $0 == row ? .infinity : distances[row * count + $0] }
            for (column, share) in neighbours(own, perplexity).enumerated() {
                affinities[row * count + column] += share / Double(2 * count)
                affinities[column * count + row] += share / Double(2 * count)
            }
        }
        return affinities
    }

    /// The shares of a point's neighbours: a Gaussian whose width gives the perplexity, found by bisection.
    private static func neighbours(_ distances: [Double], _ perplexity: Double) -> [Double] {
        let least = distances.min() ?? 0
        let finite = distances.filter(\.isFinite)
        let mean = finite.reduce(0) { $0 + $1 - least } / Double(max(finite.count, 1))
        var (low, high) = (0.0, Double.infinity)
        var sharpness = mean > 0 ? 1 / mean : 1
        var shares: [Double] = []
        for _ in 0..<64 {
            let masses = distances.map { exp(-sharpness * ($0 - least)) }
            let total = masses.reduce(0, +)
            shares = masses.map { $0 / total }
            let entropy = shares.reduce(0) { $1 > 0 ? $0 - $1 * log($1) : $0 }
            guard abs(entropy - log(perplexity)) > 1e-5 else { break }
            if entropy > log(perplexity) { low = sharpness } else { high = sharpness }
            sharpness = high.isFinite ? (low + high) / 2 : 2 * sharpness
        }
        return shares
    }

    // MARK: The map

    private mutating func descend(_ near: [Double]) {
        let count = points.count
        let rate = max(Double(count) / (4 * Self.exaggeration), 10)
        var positions = points.flatMap { [$0.x, $0.y] }
        var steps = [Double](repeating: 0, count: 2 * count)
        var gains = [Double](repeating: 1, count: 2 * count)
        for iteration in 0..<Self.iterations {
            let isEarly = iteration < Self.exaggerated
            let gradient = Self.gradient(
                near, Self.closeness(positions), positions, factor: isEarly ? Self.exaggeration : 1)
            let momentum = isEarly ? 0.5 : 0.8
            for place in positions.indices {
                let turns = (gradient[place] > 0) == (steps[place] > 0)
                gains[place] = max(0.01, turns ? 0.8 * gains[place] : gains[place] + 0.2)
                steps[place] = momentum * steps[place] - rate * gains[place] * gradient[place]
                positions[place] += steps[place]
            }
        }
        divergence = Self.divergence(near, Self.closeness(positions))
        points = (0..<count).map { ChartPoint(x: positions[2 * $0], y: positions[2 * $0 + 1]) }
    }

    /// Of each pair of the map, 1 / (1 + squared distance), which makes q when divided by the sum; 0 on the diagonal.
    private static func closeness(_ positions: [Double]) -> [Double] {
        let count = positions.count / 2
        var closeness = [Double](repeating: 0, count: count * count)
        for one in 0..<count {
            for other in 0..<one {
                let x = positions[2 * one] - positions[2 * other]
                let y = positions[2 * one + 1] - positions[2 * other + 1]
                let value = 1 / (1 + x * x + y * y)
                closeness[one * count + other] = value
                closeness[other * count + one] = value
            }
        }
        return closeness
    }

    /// Of the divergence, p taken times `factor`, by each coordinate.
    private static func gradient(
        _ near: [Double], _ closeness: [Double], _ positions: [Double], factor: Double
    ) -> [Double] {
        let count = positions.count / 2
        let total = closeness.reduce(0, +)
        var gradient = [Double](repeating: 0, count: positions.count)
        for one in 0..<count {
            for other in 0..<one {
                let pair = one * count + other
                let pull = 4 * (factor * near[pair] - closeness[pair] / total) * closeness[pair]
                for axis in 0..<2 {
                    let part = pull * (positions[2 * one + axis] - positions[2 * other + axis])
                    gradient[2 * one + axis] += part
                    gradient[2 * other + axis] -= part
                }
            }
        }
        return gradient
    }

    private static func divergence(_ near: [Double], _ closeness: [Double]) -> Double {
        let total = closeness.reduce(0, +)
        return zip(near, closeness).reduce(0) { sum, pair in
            pair.0 > 0 ? sum + pair.0 * log(pair.0 * total / max(pair.1, 1e-300)) : sum
        }
    }
}
