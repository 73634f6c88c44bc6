import CPNG

/// A PNG file by libpng.
struct PNGReader {
    private let bytes: [UInt8]
    private let path: String
    /// Gray where the file is.
    let shape: ImageShape

    init(_ bytes: [UInt8], _ path: String) throws(DatasetError) {
        self.bytes = bytes
        self.path = path
        let picture = try Self.read(bytes, path, into: nil)
        shape = ImageShape(
            channels: Int(picture.channels), height: Int(picture.height), width: Int(picture.width))
        try ImageFile.checkSize(path, width: shape.width, height: shape.height)
        // Deflate makes at most 1,032 bytes of one, and a byte holds at most 8 pixels.
        guard shape.height * shape.width <= 8 * 1032 * bytes.count else {
            throw ImageFile.damage(path, "the file is too short for \(shape.width) x \(shape.height) pixels")
        }
    }

    /// [height, width, channels], of 8 bits: the upper ones of 16. Transparency and gamma do not count.
    func pixels() throws(DatasetError) -> [UInt8] {
        var pixels = [UInt8](repeating: 0, count: shape.byteCount)
        _ = try pixels.withUnsafeMutableBufferPointer { pixels in
            Result { () throws(DatasetError) in try Self.read(bytes, path, into: pixels.baseAddress) }
        }.get()
        return pixels
    }

    private static func read(
        _ bytes: [UInt8], _ path: String, into pixels: UnsafeMutablePointer<UInt8>?
    ) throws(DatasetError) -> png_picture {
        var picture = png_picture()
        let status = bytes.withUnsafeBufferPointer { bytes in
            picture.bytes = bytes.baseAddress
            picture.count = bytes.count
            return png_picture_read(&picture, pixels)
        }
        guard status != 0 else {
            let reason = withUnsafeBytes(of: picture.reason) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            throw ImageFile.damage(path, "the PNG data cannot be decoded: \(reason)")
        }
        return picture
    }
}
