import CPNG

/// Writes images as PNG, by libpng.
public enum PNGWriter {
    /// - Parameters:
    ///   - pixels: [channels, height, width].
    ///   - shape: gray or red, green and blue.
    ///   - name: of the image, for the error.
    /// - Returns: the bytes of the file, with 8 bits a channel.
    /// - Throws: `DatasetError` where there are not as many pixels as the shape says, or libpng refuses it.
    public static func bytes(
        of pixels: UnsafeBufferPointer<UInt8>, _ shape: ImageShape, name: String
    ) throws(DatasetError) -> [UInt8] {
        guard pixels.count == shape.byteCount else {
            throw .unsuitable("\(name): expected \(shape.byteCount) values (\(shape)), found \(pixels.count)")
        }
        var image = png_image()
        image.version = png_uint_32(PNG_IMAGE_VERSION)
        image.width = png_uint_32(shape.width)
        image.height = png_uint_32(shape.height)
        image.format = shape.channels == 1 ? 0 : png_uint_32(PNG_FORMAT_FLAG_COLOR)
        let interleaved = interleaved(pixels, shape)
        var size: png_alloc_size_t = 0
        guard png_image_write_to_memory(&image, nil, &size, 0, interleaved, 0, nil) != 0 else {
            throw refusal(image, name)
        }
        var bytes = [UInt8](repeating: 0, count: Int(size))
        guard png_image_write_to_memory(&image, &bytes, &size, 0, interleaved, 0, nil) != 0 else {
            throw refusal(image, name)
        }
        return Array(bytes.prefix(Int(size)))
    }

    /// From [channels, height, width] to [height, width, channels].
    private static func interleaved(_ pixels: UnsafeBufferPointer<UInt8>, _ shape: ImageShape) -> [UInt8] {
        let size = shape.height * shape.width
        return (0..<shape.byteCount).map { pixels[$0 % shape.channels * size + $0 / shape.channels] }
    }

    private static func refusal(_ image: png_image, _ name: String) -> DatasetError {
        let reason = withUnsafeBytes(of: image.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return .unsuitable("\(name): cannot be written as PNG: \(reason)")
    }
}
