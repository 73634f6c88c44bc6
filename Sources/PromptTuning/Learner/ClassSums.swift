import PromptAggregation

/// What the head reads of some images, by class: what clients send where the head is worked out from statistics.
struct ClassSums {
    private let width: Int
    private let classes: Int
    /// [images, width], and the class of each.
    private var inputs: [Double] = []
    private var labels: [Int] = []

    init(classes: Int, width: Int) {
        self.classes = classes
        self.width = width
    }

    /// - Parameter inputs: [labels.count, width].
    mutating func add(_ inputs: [Float], labels: [Int], whitening: FeatureWhitening?) {
        for image in labels.indices {
            let row = inputs[image * width..<(image + 1) * width].map(Double.init)
            self.inputs += whitening?.applied(to: row) ?? row
        }
        self.labels += labels
    }

    private var counts: [Int] {
        labels.reduce(into: [Int](repeating: 0, count: classes)) { $0[$1] += 1 }
    }

    /// [classes, width], 0 for a class without images.
    private func means(_ counts: [Int]) -> [Double] {
        var means = [Double](repeating: 0, count: classes * width)
        for (image, label) in labels.enumerated() {
            for column in 0..<width { means[label * width + column] += inputs[image * width + column] }
        }
        for place in means.indices where counts[place / width] > 0 { means[place] /= Double(counts[place / width]) }
        return means
    }

    /// `class.means` and `class.counts`.
    func meansAndCounts() -> Parameters {
        let counts = counts
        return Parameters([
            (Parameters.classMeans, Tensor(shape: [classes, width], values: means(counts).map { Float($0) })),
            (Parameters.classCounts, Tensor(shape: [classes], values: counts.map { Float($0) })),
        ])
    }

    /// These and `class.scatter`.
    func statistics() -> Parameters {
        var statistics = meansAndCounts()
        statistics[Parameters.classScatter] = scatter()
        return statistics
    }

    /// Σ (x − μ_class)(x − μ_class)ᵀ, the upper triangle.
    private func scatter() -> Tensor {
        let means = means(counts)
        var sum = [Double](repeating: 0, count: width * (width + 1) / 2)
        sum.withUnsafeMutableBufferPointer { sum in
            for (image, label) in labels.enumerated() {
                let residual = (0..<width).map { inputs[image * width + $0] - means[label * width + $0] }
                residual.withUnsafeBufferPointer { residual in
                    var place = 0
                    for row in 0..<width {
                        for column in row..<width {
                            sum[place] += residual[row] * residual[column]
                            place += 1
                        }
                    }
                }
            }
        }
        return Tensor(shape: [sum.count], values: sum.map { Float($0) })
    }
}
