/// FedCOF (Goswami et al., NeurIPS 2025, arXiv 2412.14326), the control without training: every client sends the mean
/// of each class's features, as the frozen encoder gives them without prompts, and the number of its images; how the
/// means of the clients differ gives the covariances, and ridge regression on these gives the classifier
/// (`ClassTotals.ridgeWeight`).
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
    /// The last of each client.
    private var reports = ClientTable<ClassMeans>()

    private init(_ initial: PromptState, shrinkage: Double) throws(StrategyError) {
        let shape = try initial.linearHead(for: Self.entry.name)
        (classes, width) = (shape[0], shape[1])
        self.shrinkage = shrinkage
        state = initial
        state.parameters[Parameters.classMeans] = Tensor(zeros: shape)
        state.parameters[Parameters.classCounts] = Tensor(zeros: [classes])
    }

    mutating func aggregate(inOrder contributions: [Contribution]) -> FlushReport {
        let counts = contributions.map { $0.stalenessWeight > 0 ? max(0, Double($0.sampleCount)) : 0 }
        let weights = shares(counts)
        for (contribution, count) in zip(contributions, counts) where count > 0 { remember(contribution) }
        if counts.contains(where: { $0 > 0 }) { publish() }
        return FlushReport(weights: weights)
    }

    private mutating func remember(_ contribution: Contribution) {
        guard let means = contribution.parameters[Parameters.classMeans], means.shape == [classes, width],
            let counts = contribution.parameters[Parameters.classCounts], counts.shape == [classes]
        else { return }
        reports[contribution.client] = ClassMeans(counts: counts.values, means: means)
    }

    private mutating func publish() {
        let reports = reports.map(\.value)
        let totals = ClassTotals(reports, classes: classes, width: width)
        let weight = totals.ridgeWeight(of: reports, shrinkage: shrinkage)
        func tensor(_ values: [Double], _ shape: [Int]) -> Tensor {
            Tensor(shape: shape, values: values.map { Float(saturating: $0) })
        }
        state.parameters[Parameters.headWeight] = tensor(weight, [classes, width])
        state.parameters[Parameters.headBias] = Tensor(zeros: [classes])
        state.parameters[Parameters.classMeans] = tensor(totals.means, [classes, width])
        state.parameters[Parameters.classCounts] = tensor(totals.counts, [classes])
    }

    func write(to writer: inout SnapshotWriter) {
        writer.write(state)
        reports.write(to: &writer) { $1.write(to: &$0) }
    }

    mutating func read(from reader: inout SnapshotReader) throws(SnapshotError) {
        state = try reader.state(like: state)
        let (classes, width) = (classes, width)
        reports = try ClientTable(from: &reader) { reader throws(SnapshotError) in
            try ClassMeans(from: &reader, classes: classes, width: width)
        }
    }
}
