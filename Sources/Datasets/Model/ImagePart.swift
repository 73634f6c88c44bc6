import Foundation

/// Consecutive images, or texts, of a data set that are kept in one way.
protocol ImagePart: Sendable {
    var count: Int { get }
    func shape(of index: Int) throws(DatasetError) -> ImageShape
    /// Calls `body` with the pixels, [channels, height, width], valid until it returns.
    func withPixels<R>(
        of index: Int, _ body: (UnsafeBufferPointer<UInt8>, ImageShape) -> R
    ) throws(DatasetError) -> R
    /// Where an image lies, for a person.
    func place(of index: Int) -> String
    /// The text that stands where an image would; nil for an image.
    func text(of index: Int) -> String?
}

extension ImagePart {
    func text(of index: Int) -> String? { nil }
}

/// Images of one shape as raw bytes at equal distances in one file.
struct RawImages: ImagePart {
    var file: String
    var bytes: Data
    /// Where the first image's pixels begin.
    var start: Int
    /// From one image to the next.
    var stride: Int
    var count: Int
    var shape: ImageShape
    /// Whether they lie as [height, width, channels].
    var isInterleaved = false

    func shape(of index: Int) -> ImageShape { shape }

    func place(of index: Int) -> String { "\(file), image \(index)" }

    func withPixels<R>(
        of index: Int, _ body: (UnsafeBufferPointer<UInt8>, ImageShape) -> R
    ) throws(DatasetError) -> R {
        bytes.withUnsafeBytes { bytes in
            let begin = start + index * stride
            let pixels = UnsafeBufferPointer(
                rebasing: bytes.bindMemory(to: UInt8.self)[begin..<begin + shape.byteCount])
            return isInterleaved ? withPlanes(of: pixels, shape, body) : body(pixels, shape)
        }
    }
}

/// Calls `body` with the planes of interleaved pixels: from [height, width, channels] to [channels, height, width].
func withPlanes<R>(
    of pixels: UnsafeBufferPointer<UInt8>, _ shape: ImageShape,
    _ body: (UnsafeBufferPointer<UInt8>, ImageShape) -> R
) -> R {
    guard shape.channels > 1 else { return body(pixels, shape) }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: shape.byteCount) { planes in
        let size = shape.height * shape.width
        for place in 0..<size {
            for channel in 0..<shape.channels {
                planes[channel * size + place] = pixels[place * shape.channels + channel]
            }
        }
        return body(UnsafeBufferPointer(planes), shape)
    }
}
