/// One JPEG or PNG file. Its first bytes say which, whatever its name.
///
/// Pixels are those of Pillow's `convert("RGB")`, as torchvision's `ImageFolder` uses it, but for gray of 16 bits: Pillow
/// cuts its values off at 255, so that nearly all is white; here the upper 8 bits count, as Pillow takes them of colours of
/// 16 bits. As there, transparency, gamma, colour profiles and the orientation in EXIF data do not count.
package enum ImageFile {
    /// The most pixels that an image may have; a header that claims more is taken for damage.
    private static let mostPixels = 1 << 27

    /// Endings of the names of image files, in lower case; also of kinds that are not read, so that nobody's images
    /// are taken for something else and passed over.
    static let extensions: Set<String> = [
        "jpg", "jpeg", "jpe", "jfif", "png", "gif", "webp", "tif", "tiff", "bmp", "dib", "ppm", "pgm", "pbm", "pnm",
        "heic", "heif", "avif", "jp2", "j2k", "jxl", "dcm", "dicom", "tga", "psd", "nii",
    ]

    /// The shape in the file's header; gray only if the file is.
    static func shape(_ path: String) throws(DatasetError) -> ImageShape {
        let bytes = try FileContent.read(path)
        return try isPNG(bytes, path) ? PNGReader(bytes, path).shape : JPEGReader(bytes, path).shape
    }

    /// The bytes as they are in the file, and their media type.
    package static func encoded(_ path: String) throws(DatasetError) -> (bytes: [UInt8], mediaType: String) {
        let bytes = try FileContent.read(path)
        return (bytes, try isPNG(bytes, path) ? "image/png" : "image/jpeg")
    }

    /// Decodes to [height, width, channels].
    package static func decode(_ path: String) throws(DatasetError) -> (pixels: [UInt8], shape: ImageShape) {
        let bytes = try FileContent.read(path)
        if try isPNG(bytes, path) {
            let reader = try PNGReader(bytes, path)
            return (try reader.pixels(), reader.shape)
        }
        let reader = try JPEGReader(bytes, path)
        return (try reader.pixels(), reader.shape)
    }

    /// The other kind is JPEG.
    private static func isPNG(_ bytes: [UInt8], _ path: String) throws(DatasetError) -> Bool {
        switch FileKind(bytes) {
        case .png: return true
        case .jpeg: return false
        case .other(let words): throw .unsupported(file: path, problem: "expected a JPEG or PNG file, found \(words)")
        }
    }

    static func damage(_ path: String, _ problem: String) -> DatasetError {
        .damaged(file: path, offset: 0, problem: problem)
    }

    static func checkSize(_ path: String, width: Int, height: Int) throws(DatasetError) {
        guard width > 0, height > 0, width <= mostPixels / height else {
            throw damage(path, "expected 1 to \(mostPixels) pixels, found \(width) x \(height)")
        }
    }
}
