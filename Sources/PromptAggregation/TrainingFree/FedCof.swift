/// FedCOF (Goswami et al., NeurIPS 2025, arXiv 2412.14326), the control without training: every client sends the mean
/// of each class's features, as the frozen encoder gives them without prompts, and the number of its images; how the
/// means of the clients differ gives the covariances, and ridge regression on these gives the classifier
/// (`RidgeClassifier`).
///
/// The last report of every client counts, whatever its staleness: features of a frozen encoder do not age. The published
/// head is the classifier, with a bias of 0; `class.means` and `class.counts` are those of all clients together. Prompts
/// stay as they are and nobody uses them.
struct FedCof: CatalogStrategy {
    static let entry = StrategyEntry(
        name: "fedcof", summary: "No training: a classifier from the class means and counts that clients send.",
        source: "Goswami et al., NeurIPS 2025, arXiv 2412.14326",
        settings: [
            .number("shrinkage", 1, 0...1e6, "The paper's γ: what is added to the variances of every class.")
        ],
        adapt: { _, plan in
            plan.classMeans = true
            plan.epochs = 1
            plan.maximumSteps = 0
        },
        make: { settings, initial, _ throws(StrategyError) in
            try FedCof(initial, shrinkage: settings.number("shrinkage"))
        })

    private(set) var state: PromptState
    private let shrinkage: Double
    private let classes: Int
    private let width: Int
    private var reports: ClassReports

    private init(_ initial: PromptState, shrinkage: Double) throws(StrategyError) {
        let shape = try initial.linearHead(for: Self.entry.name)
        (classes, width) = (shape[0], shape[1])
        self.shrinkage = shrinkage
        reports = ClassReports(classes: classes, width: width)
        state = initial
        state.parameters[Parameters.classMeans] = Tensor(zeros: shape)
        state.parameters[Parameters.classCounts] = Tensor(zeros: [classes])
    }

    mutating func aggregate(inOrder contributions: [Contribution]) -> FlushReport {
        let counts = contributions.map { $0.stalenessWeight > 0 ? max(0, Double($0.sampleCount)) : 0 }
        let weights = shares(counts)
        var news = ClientTable<ClassMeans>()
        for (contribution, count) in zip(contributions, counts) where count > 0 {
            if let means = means(of: contribution) { news[contribution.client] = means }
        }
        if reports.take(news) { publish() }
        return FlushReport(weights: weights)
    }

    /// nil where a tensor is missing or does not fit.
    private func means(of contribution: Contribution) -> ClassMeans? {
        guard let means = contribution.parameters[Parameters.classMeans], means.shape == [classes, width],
            let counts = contribution.parameters[Parameters.classCounts], counts.shape == [classes]
        else { return nil }
        return ClassMeans(counts: counts.values, means: means)
    }

    private mutating func publish() {
        let classifier = RidgeClassifier(of: reports.sums, width: width, shrinkage: shrinkage)
        func tensor(_ values: [Double], _ shape: [Int]) -> Tensor {
            Tensor(shape: shape, values: values.map { Float(saturating: $0) })
        }
        state.parameters[Parameters.headWeight] = tensor(classifier.weight, [classes, width])
        state.parameters[Parameters.headBias] = Tensor(zeros: [classes])
        state.parameters[Parameters.classMeans] = tensor(classifier.means, [classes, width])
        state.parameters[Parameters.classCounts] = tensor(classifier.counts, [classes])
    }

    func write(to writer: inout SnapshotWriter) {
        writer.write(state)
        reports.write(to: &writer)
    }

    mutating func read(from reader: inout SnapshotReader) throws(SnapshotError) {
        state = try reader.state(like: state)
        reports = try ClassReports(from: &reader, classes: classes, width: width)
    }
}
