/// Some images of a data set as an encoder wants them, transformed when they are asked for.
public struct PreparedImages: Sendable {
    private let dataset: ImageDataset
    private let indices: [Int]
    private let transform: PreparedTransform
    /// The class of each image, from 0.
    public let labels: [Int]

    public var count: Int { indices.count }
    public var classCount: Int { dataset.classCount }
    /// The height and width of the images in pixels.
    public var size: Int { transform.size }

    /// - Parameter indices: the images of the data set, in the order in which they are numbered here; nil takes all.
    public init(
        _ dataset: ImageDataset, indices: [Int]? = nil, transform: ImageTransform
    ) throws(DatasetError) {
        let indices = indices ?? Array(0..<dataset.count)
        if let stranger = indices.first(where: { !(0..<dataset.count).contains($0) }) {
            throw .unsuitable("\(dataset.name): expected images from 0 to \(dataset.count - 1), found \(stranger)")
        }
        self.dataset = dataset
        self.indices = indices
        self.transform = try PreparedTransform(
            transform, height: dataset.height, width: dataset.width, channels: dataset.channels)
        labels = indices.map { dataset.labels[$0] }
    }

    /// Writes one image as [3, size, size], normalised. May be called from several threads at once.
    ///
    /// - Parameter pixels: 3 · size · size values, all written.
    public func copyImage(_ index: Int, into pixels: UnsafeMutableBufferPointer<Float>) throws(DatasetError) {
        guard indices.indices.contains(index) else {
            throw .unsuitable("\(dataset.name): expected an image from 0 to \(count - 1), found \(index)")
        }
        guard pixels.count == 3 * size * size else {
            throw .unsuitable(
                "\(dataset.name): expected room for \(3 * size * size) values of an image, found \(pixels.count)")
        }
        try dataset.withPixels(of: indices[index]) { transform.apply($0, into: pixels) }
    }
}
