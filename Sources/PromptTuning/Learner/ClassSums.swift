import PromptAggregation

/// Sums of what the head reads, by class: what FedCOF's clients send.
struct ClassSums {
    private let width: Int
    private var counts: [Int]
    /// [classes, width].
    private var sums: [Double]

    init(classes: Int, width: Int) {
        self.width = width
        counts = [Int](repeating: 0, count: classes)
        sums = [Double](repeating: 0, count: classes * width)
    }

    /// - Parameter inputs: [labels.count, width].
    mutating func add(_ inputs: [Float], labels: [Int]) {
        for (image, label) in labels.enumerated() {
            counts[label] += 1
            for column in 0..<width { sums[label * width + column] += Double(inputs[image * width + column]) }
        }
    }

    /// `class.means` and `class.counts`; the means are whitened where the head reads whitened features.
    func means(whitening: FeatureWhitening?) -> Parameters {
        let means = counts.indices.flatMap { label in
            let count = counts[label]
            guard count > 0 else { return [Double](repeating: 0, count: width) }
            let mean = sums[label * width..<(label + 1) * width].map { $0 / Double(count) }
            return whitening?.applied(to: mean) ?? mean
        }
        return Parameters([
            (Parameters.classMeans, Tensor(shape: [counts.count, width], values: means.map { Float($0) })),
            (Parameters.classCounts, Tensor(shape: [counts.count], values: counts.map { Float($0) })),
        ])
    }
}
