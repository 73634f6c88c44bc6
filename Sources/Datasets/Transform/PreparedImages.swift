import Synchronization

/// Some images of a data set as an encoder wants them, transformed when they are asked for.
public final class PreparedImages: Sendable {
    private let dataset: ImageDataset
    private let indices: [Int]
    private let transform: ImageTransform
    /// By the shape of the images that they are for.
    private let prepared = Mutex<[ImageShape: PreparedTransform]>([:])
    /// The class of each image, from 0.
    public let labels: [Int]

    public var count: Int { indices.count }
    public var classCount: Int { dataset.classCount }
    /// The height and width of the images in pixels.
    public var size: Int { transform.size }

    /// Image files may all be of different shapes; no more transforms than this are kept.
    private static let mostShapes = 64

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
        self.transform = transform
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
        let outcome = try dataset.withPixels(of: indices[index]) { raw, shape in
            Result { () throws(DatasetError) in try self.transform(for: shape).apply(raw, into: pixels) }
        }
        try outcome.get()
    }

    private func transform(for shape: ImageShape) throws(DatasetError) -> PreparedTransform {
        if let known = prepared.withLock({ $0[shape] }) { return known }
        let made = try PreparedTransform(
            transform, height: shape.height, width: shape.width, channels: shape.channels)
        prepared.withLock { prepared in
            if prepared.count >= Self.mostShapes { prepared.removeAll() }
            prepared[shape] = made
        }
        return made
    }
}
