/// What one client says of the classes that it has.
package struct ClassMeans: Hashable, Sendable {
    /// The classes with images, ascending.
    let classes: [Int]
    /// The number of images of each.
    let counts: [Float]
    /// The mean feature of each: [classes, width].
    let means: [Float]

    /// - Parameters:
    ///   - counts: of all classes; those without a positive one are left out.
    ///   - means: [counts.count, width].
    package init(counts: [Float], means: Tensor) {
        classes = counts.indices.filter { counts[$0] > 0 }
        self.counts = classes.map { counts[$0] }
        self.means = classes.flatMap { means.row($0) }
    }

    /// What it says of one class.
    struct OfClass: Hashable, Sendable {
        /// The number of images, above 0.
        let count: Double
        let mean: ArraySlice<Float>
    }

    /// nil where the client has no image of the class.
    func of(_ label: Int, width: Int) -> OfClass? {
        var (low, high) = (0, classes.count)
        while low < high {
            let middle = (low + high) / 2
            if classes[middle] < label { low = middle + 1 } else { high = middle }
        }
        guard low < classes.count, classes[low] == label else { return nil }
        return OfClass(count: Double(counts[low]), mean: means[low * width..<(low + 1) * width])
    }

    func write(to writer: inout SnapshotWriter) {
        writer.write(classes)
        writer.write(counts)
        writer.write(means)
    }

    init(from reader: inout SnapshotReader, classes all: Int, width: Int) throws(SnapshotError) {
        classes = try reader.integers("classes")
        guard classes.allSatisfy({ 0..<all ~= $0 }), zip(classes, classes.dropFirst()).allSatisfy(<) else {
            throw reader.unexpected("classes", "ascending below \(all)", "\(classes)")
        }
        counts = try reader.floats("class counts", count: classes.count)
        guard counts.allSatisfy({ $0 > 0 }) else {
            throw reader.unexpected("class counts", "above 0", "\(counts)")
        }
        means = try reader.floats("class means", count: classes.count * width)
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
