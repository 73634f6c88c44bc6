import Datasets
import Federation
import PromptAggregation
import PromptTuning
import RunSettings

/// The data of a run as an encoder wants it: one training split divided over the clients, a validation split held out of
/// it, and the test split apart. Every worker finds its clients' images by itself.
package struct FederatedData {
    private let division: DataDivision
    private let transform: ImageTransform

    /// Loads the training split and divides it.
    /// - Throws: `DatasetError`, `SafetensorsError`.
    package init(_ source: RunConfiguration.DataSource, encoder: FrozenEncoder) throws {
        division = try DataDivision(source)
        transform = try Self.transform(for: encoder)
    }

    /// The images of a client.
    /// - Parameter index: its index in `RunConfiguration.clients`.
    package func images(ofClient index: Int) throws -> any ImageSource {
        try SourcedImages(division.training, division.shares[index], transform)
    }

    package var validation: any ImageSource {
        get throws { try SourcedImages(division.training, division.validation, transform) }
    }

    /// The test split, or the part of it that the configuration asks for.
    package static func test(_ source: RunConfiguration.DataSource, encoder: FrozenEncoder) throws -> any ImageSource {
        let (images, chosen) = try DataDivision.test(source)
        return try SourcedImages(images, chosen, transform(for: encoder))
    }

    static func transform(for encoder: FrozenEncoder) throws -> ImageTransform {
        try ImageTransform(size: encoder.imageSize, mean: encoder.mean, standardDeviation: encoder.std)
    }
}

/// Images of a data set as the tuning wants them.
struct SourcedImages: ImageSource {
    private let images: PreparedImages
    let classGroups: [Range<Int>]

    init(_ dataset: ImageDataset, _ indices: [Int], _ transform: ImageTransform) throws {
        images = try PreparedImages(dataset, indices: indices, transform: transform)
        let groups = dataset.sources.map(\.classes)
        classGroups = Set(groups).count > 1 ? groups : []
    }

    var count: Int { images.count }
    var labels: [Int] { images.labels }
    func copyImage(_ index: Int, into pixels: UnsafeMutableBufferPointer<Float>) throws {
        try images.copyImage(index, into: pixels)
    }
}
