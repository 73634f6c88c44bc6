/// What one client says of its images: class counts and means of what the head reads, and their scatter.
struct ClassScatter: Hashable, Sendable {
    let means: ClassMeans
    /// Σ (x − μ_class)(x − μ_class)ᵀ over the client's images, μ_class the client's own: the upper triangle row by row,
    /// [width (width + 1) / 2].
    let scatter: [Float]

    /// The number of values of a scatter.
    static func count(width: Int) -> Int { width * (width + 1) / 2 }

    /// nil where a tensor is missing or does not fit.
    init?(_ parameters: Parameters, classes: Int, width: Int) {
        guard let means = parameters[Parameters.classMeans], means.shape == [classes, width],
            let counts = parameters[Parameters.classCounts], counts.shape == [classes],
            let scatter = parameters[Parameters.classScatter], scatter.shape == [Self.count(width: width)]
        else { return nil }
        self.means = ClassMeans(counts: counts.values, means: means)
        self.scatter = scatter.values
    }

    func write(to writer: inout SnapshotWriter) {
        means.write(to: &writer)
        writer.write(scatter)
    }

    init(from reader: inout SnapshotReader, classes: Int, width: Int) throws(SnapshotError) {
        means = try ClassMeans(from: &reader, classes: classes, width: width)
        scatter = try reader.floats("class scatter", count: Self.count(width: width))
    }
}

extension ClientTable<ClassScatter> {
    /// Whether these know most images, two thirds, of each class that `others` know. So no class is lost with a client that
    /// does not report again, and nobody waits for a client whose images others have too.
    func covers(_ others: Self, classes: Int) -> Bool {
        zip(images(classes: classes), others.images(classes: classes)).allSatisfy { $0 >= 2 / 3 * $1 }
    }

    /// The number of images of each class: [classes].
    private func images(classes: Int) -> [Double] {
        var counts = [Double](repeating: 0, count: classes)
        for row in self {
            for (place, label) in row.value.means.classes.enumerated() {
                counts[label] += Double(row.value.means.counts[place])
            }
        }
        return counts
    }
}
