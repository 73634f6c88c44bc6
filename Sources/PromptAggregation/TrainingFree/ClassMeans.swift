/// What one client says of the classes that it has.
struct ClassMeans: Hashable, Sendable {
    /// The classes with images, ascending.
    let classes: [Int]
    /// The number of images of each.
    let counts: [Float]
    /// The mean feature of each: [classes, width].
    let means: [Float]

    /// - Parameters:
    ///   - counts: of all classes; those without a positive one are left out.
    ///   - means: [counts.count, width].
    init(counts: [Float], means: Tensor) {
        classes = counts.indices.filter { counts[$0] > 0 }
        self.counts = classes.map { counts[$0] }
        self.means = classes.flatMap { means.row($0) }
    }

    func write(to writer: inout SnapshotWriter) {
        writer.write(classes)
        writer.write(counts)
        writer.write(means)
    }

    init(from reader: inout SnapshotReader, classes all: Int, width: Int) throws(SnapshotError) {
        classes = try reader.integers("classes")
        guard classes.allSatisfy({ 0..<all ~= $0 }) else {
            throw reader.unexpected("classes", "below \(all)", "\(classes)")
        }
        counts = try reader.floats("class counts", count: classes.count)
        means = try reader.floats("class means", count: classes.count * width)
    }
}

/// The statistics of all clients together, and what FedCOF makes of them.
struct ClassTotals {
    let classes: Int
    let width: Int
    /// N_c: [classes].
    private(set) var counts: [Double]
    /// μ_c: [classes, width], 0 for a class without images.
    private(set) var means: [Double]
    /// K_c, the number of clients that have images of the class.
    private var holders: [Int]

    init(_ reports: [ClassMeans], classes: Int, width: Int) {
        self.classes = classes
        self.width = width
        counts = [Double](repeating: 0, count: classes)
        means = [Double](repeating: 0, count: classes * width)
        holders = [Int](repeating: 0, count: classes)
        for report in reports {
            for (place, label) in report.classes.enumerated() {
                let count = Double(report.counts[place])
                counts[label] += count
                holders[label] += 1
                for column in 0..<width {
                    means[label * width + column] += count * Double(report.means[place * width + column])
                }
            }
        }
        for place in means.indices where counts[place / width] > 0 { means[place] /= counts[place / width] }
    }

    /// The rows of W = B Ĝ⁻¹, each brought to length 1 (0 for a class without images): [classes, width], where
    ///
    ///     B_c = N_c μ_c,   Ĝ = Σ_c (N_c − 1) Σ̂_c + N μ μᵀ,
    ///     Σ̂_c = 1 / (K_c − 1) Σ_k n_kc (μ_kc − μ_c)(μ_kc − μ_c)ᵀ + γ I,
    ///
    /// with 1 for K_c − 1 where one client alone has the class, as the authors' code does it. Deviation: where no class has
    /// two images γ I enters once, so that Ĝ has an inverse.
    func ridgeWeight(of reports: [ClassMeans], shrinkage: Double) -> [Double] {
        let total = counts.reduce(0, +)
        guard total > 0 else { return means }
        var gram = SymmetricMatrix(size: width)
        var residual = [Double](repeating: 0, count: width)
        for report in reports {
            for (place, label) in report.classes.enumerated() where counts[label] > 1 {
                for column in 0..<width {
                    residual[column] =
                        Double(report.means[place * width + column]) - means[label * width + column]
                }
                let share = Double(report.counts[place]) / Double(max(holders[label] - 1, 1))
                gram.add(residual, weight: (counts[label] - 1) * share)
            }
        }
        var mean = [Double](repeating: 0, count: width)
        for place in means.indices { mean[place % width] += counts[place / width] / total * means[place] }
        gram.add(mean, weight: total)
        gram.addToDiagonal(shrinkage * max(1, counts.reduce(0) { $0 + max(0, $1 - 1) }))
        gram.factorize()
        return (0..<classes).flatMap { label in
            unit(gram.solve(means[label * width..<(label + 1) * width].map { counts[label] * $0 }))
        }
    }

    private func unit(_ values: [Double]) -> [Double] {
        let largest = values.reduce(0) { max($0, abs($1)) }
        guard largest > 0, largest.isFinite else { return values.map { _ in 0 } }
        let scaled = values.map { $0 / largest }
        let length = scaled.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return scaled.map { $0 / length }
    }
}

extension PromptState {
    /// The shape [classes, width] of a linear head, the only one that statistics of classes give.
    ///
    /// - Throws: `StrategyError.unfitState` for any other head.
    func linearHead(for strategy: String) throws(StrategyError) -> [Int] {
        let shape = parameters[Parameters.headWeight]?.shape ?? []
        guard shape.count == 2, parameters[Parameters.headHiddenWeight] == nil,
            parameters[Parameters.headBias]?.shape == [shape[0]]
        else {
            throw .unfitState(
                strategy: strategy, expected: "a linear head without a hidden layer", actual: "\(parameters.names)")
        }
        return shape
    }
}
