import CPNG
import CTurboJPEG
import Foundation

/// One JPEG or PNG file.
package enum ImageFile {
    /// The most pixels that an image may have; a header that claims more is taken for damage.
    private static let mostPixels = 1 << 27

    /// Endings of the files' names, in lower case.
    static let extensions: Set<String> = ["jpg", "jpeg", "png"]

    /// The shape as the header tells it, gray only where the file is.
    static func shape(_ path: String) throws(DatasetError) -> ImageShape {
        let bytes = try read(path)
        return try isPNG(bytes)
            ? PNGReader(bytes, path).shape
            : JPEGReader.open(bytes, path) { reader throws(DatasetError) in reader.shape }
    }

    /// Decodes to [height, width, channels].
    package static func decode(_ path: String) throws(DatasetError) -> (pixels: [UInt8], shape: ImageShape) {
        let bytes = try read(path)
        if isPNG(bytes) {
            let reader = try PNGReader(bytes, path)
            return (try reader.pixels(), reader.shape)
        }
        return try JPEGReader.open(bytes, path) { reader throws(DatasetError) in
            (try reader.pixels(), reader.shape)
        }
    }

    private static func read(_ path: String) throws(DatasetError) -> Data {
        let bytes: Data
        do {
            bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw .unreadable(file: path, reason: (error as NSError).localizedDescription)
        }
        guard isPNG(bytes) || bytes.starts(with: [0xff, 0xd8]) else {
            throw .damaged(file: path, offset: 0, problem: "expected the first bytes of a JPEG or PNG file")
        }
        return bytes
    }

    private static func isPNG(_ bytes: Data) -> Bool {
        bytes.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
    }

    fileprivate static func damage(_ path: String, _ problem: String) -> DatasetError {
        .damaged(file: path, offset: 0, problem: problem)
    }

    fileprivate static func checkSize(_ path: String, width: Int, height: Int) throws(DatasetError) {
        guard width > 0, height > 0, width <= mostPixels / height else {
            throw damage(path, "expected at most \(mostPixels) pixels, found \(width) x \(height)")
        }
    }
}

/// A JPEG file by libjpeg-turbo's TurboJPEG interface, which catches the library's errors itself.
private struct JPEGReader {
    private let handle: tjhandle
    private let bytes: Data
    private let path: String
    let shape: ImageShape

    /// Calls `body` with a reader that lives as long as that.
    static func open<R>(
        _ bytes: Data, _ path: String, _ body: (JPEGReader) throws(DatasetError) -> R
    ) throws(DatasetError) -> R {
        guard let handle = tjInitDecompress() else { throw ImageFile.damage(path, "libjpeg-turbo could not start") }
        defer { tjDestroy(handle) }
        return try body(JPEGReader(handle, bytes, path))
    }

    private init(_ handle: tjhandle, _ bytes: Data, _ path: String) throws(DatasetError) {
        self.handle = handle
        self.bytes = bytes
        self.path = path
        var (width, height, sampling, colours): (CInt, CInt, CInt, CInt) = (0, 0, 0, 0)
        let status = bytes.withUnsafeBytes { bytes in
            tjDecompressHeader3(
                handle, bytes.bindMemory(to: UInt8.self).baseAddress, CUnsignedLong(bytes.count), &width, &height,
                &sampling, &colours)
        }
        guard status == 0 else { throw ImageFile.damage(path, "no usable JPEG header: \(Self.reason(handle))") }
        try ImageFile.checkSize(path, width: Int(width), height: Int(height))
        shape = ImageShape(
            channels: colours == CInt(TJCS_GRAY.rawValue) ? 1 : 3, height: Int(height), width: Int(width))
    }

    /// Also a warning counts, which is how the library tells of a file that ends early.
    func pixels() throws(DatasetError) -> [UInt8] {
        var pixels = [UInt8](repeating: 0, count: shape.byteCount)
        let format = shape.channels == 1 ? TJPF_GRAY : TJPF_RGB
        let status = bytes.withUnsafeBytes { bytes in
            tjDecompress2(
                handle, bytes.bindMemory(to: UInt8.self).baseAddress, CUnsignedLong(bytes.count), &pixels,
                CInt(shape.width), 0, CInt(shape.height), CInt(format.rawValue), 0)
        }
        guard status == 0 else { throw ImageFile.damage(path, "damaged JPEG data: \(Self.reason(handle))") }
        return pixels
    }

    private static func reason(_ handle: tjhandle) -> String { String(cString: tjGetErrorStr2(handle)) }
}

/// A PNG file by libpng's simplified interface, which catches the library's errors itself. Transparent pixels are laid
/// over black.
private struct PNGReader {
    private let bytes: Data
    private let path: String
    let shape: ImageShape

    init(_ bytes: Data, _ path: String) throws(DatasetError) {
        self.bytes = bytes
        self.path = path
        shape = try Self.reading(bytes, path) { image throws(DatasetError) in
            let isColour = image.format & UInt32(PNG_FORMAT_FLAG_COLOR) != 0
            return ImageShape(channels: isColour ? 3 : 1, height: Int(image.height), width: Int(image.width))
        }
        try ImageFile.checkSize(path, width: shape.width, height: shape.height)
    }

    func pixels() throws(DatasetError) -> [UInt8] {
        let shape = shape
        let path = path
        return try Self.reading(bytes, path) { image throws(DatasetError) in
            image.format = shape.channels == 1 ? UInt32(PNG_FORMAT_GRAY) : UInt32(PNG_FORMAT_FLAG_COLOR)
            var pixels = [UInt8](repeating: 0, count: shape.byteCount)
            var background = png_color()
            guard png_image_finish_read(&image, &background, &pixels, 0, nil) != 0 else {
                throw ImageFile.damage(path, "damaged PNG data: \(Self.reason(image))")
            }
            return pixels
        }
    }

    private static func reading<R>(
        _ bytes: Data, _ path: String, _ body: (inout png_image) throws(DatasetError) -> R
    ) throws(DatasetError) -> R {
        var image = png_image()
        image.version = UInt32(PNG_IMAGE_VERSION)
        defer { png_image_free(&image) }
        // The library reads from this memory until the image is freed.
        let outcome = bytes.withUnsafeBytes { bytes in
            Result { () throws(DatasetError) -> R in
                guard png_image_begin_read_from_memory(&image, bytes.baseAddress, bytes.count) != 0 else {
                    throw ImageFile.damage(path, "no usable PNG header: \(reason(image))")
                }
                return try body(&image)
            }
        }
        return try outcome.get()
    }

    private static func reason(_ image: png_image) -> String {
        withUnsafeBytes(of: image.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

/// Images in files of their own, decoded when they are asked for.
struct FileImages: ImagePart {
    let files: [String]

    var count: Int { files.count }
    func shape(of index: Int) throws(DatasetError) -> ImageShape { try ImageFile.shape(files[index]) }
    func place(of index: Int) -> String { files[index] }

    func withPixels<R>(
        of index: Int, _ body: (UnsafeBufferPointer<UInt8>, ImageShape) -> R
    ) throws(DatasetError) -> R {
        let (pixels, shape) = try ImageFile.decode(files[index])
        return pixels.withUnsafeBufferPointer { withPlanes(of: $0, shape, body) }
    }
}
