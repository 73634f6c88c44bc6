import Datasets
import Federation
import PromptAggregation
import PromptTuning

/// The data of a run: one training split divided over the clients, a validation split held out of it, and the test split
/// apart. What belongs to whom follows from the configuration alone, so every worker finds its clients' images by
/// itself.
struct FederatedData {
    static let datasets = KnownDataset.allCases.map(\.rawValue)

    private let source: RunConfiguration.DataSource
    private let training: ImageDataset
    private let transform: ImageTransform
    private let shares: [[Int]]
    private let validationIndices: [Int]

    /// Loads the training split and divides it.
    /// - Throws: `DatasetError`.
    init(_ source: RunConfiguration.DataSource, encoder: FrozenEncoder) throws {
        self.source = source
        training = try source.known.load(.train, from: source.folders)
        transform = try Self.transform(for: encoder)
        (shares, validationIndices) = try Self.divide(training, as: source)
    }

    /// The number of classes, without loading anything.
    static func classCount(of source: RunConfiguration.DataSource) throws -> Int { classNames(of: source).count }
    static func classNames(of source: RunConfiguration.DataSource) -> [String] { source.known.classNames }

    /// How many images of each class each client trains on, without an encoder.
    /// - Returns: a row for each of `RunConfiguration.clients`.
    /// - Throws: `DatasetError`.
    static func classCounts(of source: RunConfiguration.DataSource) throws -> [[Int]] {
        let training = try source.known.load(.train, from: source.folders)
        let classes = classNames(of: source).count
        return try divide(training, as: source).shares.map { share in
            var counts = [Int](repeating: 0, count: classes)
            for index in share { counts[training.labels[index]] += 1 }
            return counts
        }
    }

    private static func divide(
        _ training: ImageDataset, as source: RunConfiguration.DataSource
    ) throws -> (shares: [[Int]], validation: [Int]) {
        let held = try training.trainingAndValidation(validation: source.validationSamples, seed: source.seed)
        let drawn =
            source.trainingSamples == 0
            ? held.training
            : try training.subset(of: held.training, size: source.trainingSamples, seed: source.seed &+ 1)
        let shares = try training.partition(
            drawn, source.divided, clients: source.clients, seed: source.seed &+ 2)
        return (shares, held.validation)
    }

    /// The images of a client.
    /// - Parameter index: its place among `RunConfiguration.clients`.
    func images(ofClient index: Int) throws -> any ImageSource {
        SourcedImages(images: try PreparedImages(training, indices: shares[index], transform: transform))
    }

    var validation: any ImageSource {
        get throws {
            SourcedImages(images: try PreparedImages(training, indices: validationIndices, transform: transform))
        }
    }

    /// The test split, or the part of it that the configuration asks for.
    static func test(_ source: RunConfiguration.DataSource, encoder: FrozenEncoder) throws -> any ImageSource {
        let test = try source.known.load(.test, from: source.folders)
        let chosen =
            source.testSamples == 0 ? nil : try test.subset(size: source.testSamples, seed: source.seed &+ 3)
        return SourcedImages(images: try PreparedImages(test, indices: chosen, transform: transform(for: encoder)))
    }

    private static func transform(for encoder: FrozenEncoder) throws -> ImageTransform {
        try ImageTransform(size: encoder.imageSize, mean: encoder.mean, standardDeviation: encoder.std)
    }
}

extension RunConfiguration.DataSource {
    fileprivate var known: KnownDataset { KnownDataset(rawValue: dataset)! }
    fileprivate var folders: DatasetFolders { DatasetFolders(given: path.isEmpty ? nil : path) }
    fileprivate var divided: Partition {
        switch partition {
        case "iid": .iid
        case "imbalance": .imbalance()
        default: .dirichlet(alpha: alpha, minimum: minimumSamples)
        }
    }
}

/// Images of a data set as the tuning wants them.
private struct SourcedImages: ImageSource {
    let images: PreparedImages
    var count: Int { images.count }
    var labels: [Int] { images.labels }
    func copyImage(_ index: Int, into pixels: UnsafeMutableBufferPointer<Float>) throws {
        try images.copyImage(index, into: pixels)
    }
}
