import Datasets
import Federation
import PromptAggregation
import RunSettings
import Text

/// Which image of a run's data set belongs to whom. It follows from the configuration alone: a part of the training split
/// is held out for validation, what remains is thinned and divided over the clients, and the test split stays apart.
package struct DataDivision {
    let source: RunConfiguration.DataSource
    let training: ImageDataset
    /// By the clients' indexes in `RunConfiguration.clients`; images of the training split.
    let shares: [[Int]]
    /// Images of the training split.
    let validation: [Int]

    /// Loads the training split and divides it.
    /// - Throws: `DatasetError`, `SafetensorsError`.
    init(_ source: RunConfiguration.DataSource) throws {
        self.source = source
        training = try source.load(.train)
        try source.requireRoom(among: training.count)
        let held = try choice(by: "data.validation_samples") { [training] () throws(DatasetError) in
            try training.trainingAndValidation(validation: source.validationSamples, seed: source.seed)
        }
        validation = held.validation
        let tail =
            source.imbalanceFactor == 1
            ? held.training
            : try training.longTail(held.training, factor: source.imbalanceFactor, seed: source.seed &+ 4)
        let drawn =
            source.trainingSamples == 0
            ? tail
            : try choice(by: "data.training_samples") { [training] () throws(DatasetError) in
                try training.subset(of: tail, size: source.trainingSamples, seed: source.seed &+ 1)
            }
        shares = try choice(by: "data.clients") { [training] () throws(DatasetError) in
            try training.partition(
                drawn, source.divided, bySource: source.bySource, clients: source.clients, seed: source.seed &+ 2)
        }
    }

    /// The test split and those of its images that are used.
    package static func test(_ source: RunConfiguration.DataSource) throws -> (images: ImageDataset, chosen: [Int]) {
        let test = try source.load(.test)
        let chosen =
            source.testSamples == 0
            ? Array(0..<test.count)
            : try choice(by: "data.test_samples") { () throws(DatasetError) in
                try test.subset(size: source.testSamples, seed: source.seed &+ 3)
            }
        return (test, chosen)
    }
}

/// What is chosen, or an error that begins with the key that asks for it.
private func choice<Images>(
    by key: String, _ choose: () throws(DatasetError) -> Images
) throws(DatasetError) -> Images {
    do throws(DatasetError) { return try choose() } catch {
        guard case .unsuitable(let problem) = error else { throw error }
        throw .unsuitable("\(key): \(problem)")
    }
}

extension RunConfiguration.DataSource {
    /// - Throws: `ConfigurationError` where no data set is divided.
    package var name: DatasetName {
        get throws {
            guard isDivided, let name = DatasetName(dataset) else {
                throw ConfigurationError(
                    "data.dataset: expected a data set, found \(dataset): every client of this run has data of its own"
                )
            }
            return name
        }
    }

    /// A split, its classes numbered as the run numbers them.
    fileprivate func load(_ split: KnownDataset.Split) throws -> ImageDataset {
        let images = try name.load(split, from: folders, unreadable: unreadable)
        return try classes.map { try images.numbered(by: $0) } ?? images
    }

    /// The classes of the run in the order of their numbers.
    package var classNames: [String] {
        get throws { try classes?.names ?? name.classNames(in: folders) }
    }

    /// What seems odd about the classes' names (`ClassList.doubt`).
    package var classDoubt: String? { get throws { ClassList.doubt(about: try classNames) } }

    /// Says in one go which numbers are too large for a small data set.
    /// - Throws: `DatasetError` where several are; one alone is named where it matters.
    fileprivate func requireRoom(among images: Int) throws(DatasetError) {
        var problems: [String] = []
        for (key, count) in [("validation", validationSamples), ("training", trainingSamples)] where count > images {
            problems.append("data.\(key)_samples: expected 0 to \(images), found \(count)")
        }
        if case .dirichlet(_, let minimum) = divided, clients * minimum > images {
            problems.append(
                "data.clients: expected at most \(images / minimum) with data.minimum_samples \(minimum), found"
                    + " \(clients)")
        }
        guard problems.count > 1 else { return }
        throw .unsuitable("\(dataset) has \(images) training samples; \(problems.joined(separator: "; "))")
    }

    package var folders: DatasetFolders { DatasetFolders(given: path.isEmpty ? nil : path) }
    fileprivate var divided: Partition {
        switch partition {
        case "iid": .iid
        case "imbalance": .imbalance()
        default: .dirichlet(alpha: alpha, minimum: minimumSamples)
        }
    }
}

/// How many images of each class everybody holds.
public struct Allotment: Sendable {
    /// A client, or one of the splits that no client trains on.
    public struct Holder: Sendable {
        public var name: String
        /// By class.
        public var counts: [Int]
        public var images: Int { counts.reduce(0, +) }
    }

    public let dataset: String
    public let classNames: [String]
    public let clients: [Holder]
    public let validation: Holder
    public let test: Holder

    /// Divides the data that a configuration names.
    /// - Throws: what is wrong with the data.
    public init(of configuration: RunConfiguration) throws {
        let division = try DataDivision(configuration.data)
        let test = try DataDivision.test(configuration.data)
        let classes = division.training.classCount
        func holder(_ name: String, _ indices: [Int], of images: ImageDataset) -> Holder {
            var counts = [Int](repeating: 0, count: classes)
            for index in indices { counts[images.labels[index]] += 1 }
            return Holder(name: name, counts: counts)
        }
        dataset = configuration.data.dataset
        classNames = division.training.classNames
        clients = zip(configuration.clients, division.shares).map { holder($0.name, $1, of: division.training) }
        validation = holder("validation", division.validation, of: division.training)
        self.test = holder("test", test.chosen, of: test.images)
    }

    /// A row for each class of each holder that has images of it.
    public var csv: String {
        var rows = [["holder", "class", "class_name", "images"]]
        for holder in clients + [validation, test] {
            for (label, count) in holder.counts.enumerated() where count > 0 {
                rows.append([holder.name, "\(label)", classNames[label], "\(count)"])
            }
        }
        return rows.map(CSV.row).joined(separator: "\n") + "\n"
    }
}
