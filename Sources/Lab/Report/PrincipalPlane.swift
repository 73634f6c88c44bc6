import Charts
import PromptAggregation

/// The plane through a cloud of points that shows the most of its variance: its first two principal components.
package struct PrincipalPlane {
    private let width: Int
    private let mean: [Double]
    private let axes: [[Double]]
    /// The share of the variance along each of the two.
    package let shares: [Double]

    /// Finds the plane by subspace iteration: both axes are multiplied by the covariance and made orthonormal again,
    /// until they stand still. The covariance itself is never made.
    ///
    /// - Parameter rows: [count, width], row-major.
    package init(_ rows: [Float], width: Int) {
        self.width = width
        let count = width > 0 ? rows.count / width : 0
        var mean = [Double](repeating: 0, count: width)
        for row in 0..<count { for column in 0..<width { mean[column] += Double(rows[row * width + column]) } }
        for column in 0..<width { mean[column] /= Double(max(count, 1)) }
        self.mean = mean

        var random = SeededRandom(seed: 1)
        var axes = (0..<min(2, width)).map { _ in (0..<width).map { _ in random.nextNormal() } }
        Self.orthonormalize(&axes)
        var variances = axes.map { _ in 0.0 }
        for _ in 0..<300 {
            var images = Self.timesCovariance(axes, rows, mean, count)
            let found = images.map { Self.dot($0, $0).squareRoot() }
            Self.orthonormalize(&images)
            let turn = zip(axes, images).map { 1 - abs(Self.dot($0, $1)) }.max() ?? 0
            (axes, variances) = (images, found)
            if turn < 1e-12 { break }
        }
        let total = Self.variance(rows, mean, count)
        self.axes = axes.map { axis in
            // Which end of an axis is which, nothing says: the largest part is made positive.
            let largest = axis.max { abs($0) < abs($1) } ?? 0
            return largest < 0 ? axis.map { -$0 } : axis
        }
        shares = variances.map { total > 0 ? min($0 / total, 1) : 0 }
    }

    /// Where a row lies in the plane.
    package func place(_ row: some RandomAccessCollection<Float>) -> ChartPoint {
        let parts = axes.map { axis in
            zip(row, zip(axis, mean)).reduce(0.0) { $0 + (Double($1.0) - $1.1.1) * $1.1.0 }
        }
        return ChartPoint(x: parts.first ?? 0, y: parts.count > 1 ? parts[1] : 0)
    }

    private static func timesCovariance(
        _ axes: [[Double]], _ rows: [Float], _ mean: [Double], _ count: Int
    ) -> [[Double]] {
        let width = mean.count
        return axes.map { axis in
            var image = [Double](repeating: 0, count: width)
            for start in stride(from: 0, to: count * width, by: max(width, 1)) {
                var along = 0.0
                for column in 0..<width { along += (Double(rows[start + column]) - mean[column]) * axis[column] }
                along /= Double(count)
                for column in 0..<width { image[column] += along * (Double(rows[start + column]) - mean[column]) }
            }
            return image
        }
    }

    private static func variance(_ rows: [Float], _ mean: [Double], _ count: Int) -> Double {
        var sum = 0.0
        for place in rows.indices {
            let apart = Double(rows[place]) - mean[place % mean.count]
            sum += apart * apart
        }
        return sum / Double(max(count, 1))
    }

    /// Gram and Schmidt. An axis that has no length left becomes 0.
    private static func orthonormalize(_ axes: inout [[Double]]) {
        for place in axes.indices {
            for earlier in 0..<place {
                let along = dot(axes[place], axes[earlier])
                for column in axes[place].indices { axes[place][column] -= along * axes[earlier][column] }
            }
            let length = dot(axes[place], axes[place]).squareRoot()
            for column in axes[place].indices { axes[place][column] *= length > 1e-150 ? 1 / length : 0 }
        }
    }

    private static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
}
