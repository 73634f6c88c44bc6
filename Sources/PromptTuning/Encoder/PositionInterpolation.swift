/// How a library fits position embeddings to another number of patches: bicubic, in one of three manners.
package enum PositionInterpolation: Sendable {
    /// Pixel centres correspond (transformers).
    case centres
    /// Corner pixels correspond (torchvision).
    case corners
    /// Pixel centres correspond, and the kernel widens when the grid shrinks (timm).
    case antialiased

    /// Resamples a square grid of vectors.
    ///
    /// - Parameters:
    ///   - grid: [from · from, width], row by row.
    /// - Returns: [to · to, width].
    package func resample(_ grid: [Float], from: Int, to: Int, width: Int) -> [Float] {
        guard from != to else { return grid }
        let weights = (0..<to).map { self.weights(of: $0, from: from, to: to) }
        var rows = [Double](repeating: 0, count: to * from * width)
        for (y, taps) in weights.enumerated() {
            for (source, weight) in taps {
                for place in 0..<from * width {
                    rows[y * from * width + place] += weight * Double(grid[source * from * width + place])
                }
            }
        }
        var result = [Double](repeating: 0, count: to * to * width)
        for y in 0..<to {
            for (x, taps) in weights.enumerated() {
                for (source, weight) in taps {
                    for column in 0..<width {
                        result[(y * to + x) * width + column] += weight * rows[(y * from + source) * width + column]
                    }
                }
            }
        }
        return result.map { Float($0) }
    }

    /// The places of the old line that a place of the new one mixes, with their weights.
    private func weights(of place: Int, from: Int, to: Int) -> [(source: Int, weight: Double)] {
        let scale = Double(from) / Double(to)
        let position: Double
        switch self {
        case .antialiased: return antialiasedWeights(centre: (Double(place) + 0.5) * scale, scale: scale, from: from)
        case .centres: position = (Double(place) + 0.5) * scale - 0.5
        case .corners: position = to > 1 ? Double(place) * Double(from - 1) / Double(to - 1) : 0
        }
        let first = Int(position.rounded(.down)) - 1
        return (first..<first + 4).map { source in
            (min(max(source, 0), from - 1), Self.cubic(position - Double(source), sharpness: -0.75))
        }
    }

    private func antialiasedWeights(centre: Double, scale: Double, from: Int) -> [(source: Int, weight: Double)] {
        let stretch = max(scale, 1)
        let first = max(Int(centre - 2 * stretch + 0.5), 0)
        let last = min(Int(centre + 2 * stretch + 0.5), from)
        let taps = (first..<last).map { source in
            (source, Self.cubic((Double(source) - centre + 0.5) / stretch, sharpness: -0.5))
        }
        let total = taps.reduce(0) { $0 + $1.1 }
        return taps.map { ($0, $1 / total) }
    }

    /// Keys' cubic convolution kernel (1981) with its free parameter.
    private static func cubic(_ distance: Double, sharpness a: Double) -> Double {
        let x = abs(distance)
        if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        if x < 2 { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
        return 0
    }
}
