/// What a file is by its first bytes.
enum FileKind: Equatable {
    case jpeg
    case png
    /// With the words for it, as `a GIF file`.
    case other(String)

    init(_ bytes: [UInt8]) {
        if bytes.isEmpty {
            self = .other("an empty file")
        } else if bytes.starts(with: [0xff, 0xd8]) {
            self = .jpeg
        } else if bytes.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) {
            self = .png
        } else if let mark = Self.marks.first(where: { $0.stands(in: bytes) }) {
            self = .other(mark.words)
        } else if bytes.prefix(512).allSatisfy({ $0 == 0 }) {
            self = .other("zeros")
        } else if Self.isText(bytes.prefix(512)) {
            self = .other("text")
        } else if bytes.starts(with: Array("BM".utf8)) {
            self = .other("a BMP file")
        } else {
            let first = bytes.prefix(4).map { String($0, radix: 16) }.joined(separator: " ")
            self = .other("bytes of no known kind (\(first))")
        }
    }

    private struct Mark {
        var offset: Int
        var bytes: [UInt8]
        var words: String

        init(_ text: String, at offset: Int = 0, _ words: String) {
            self.init(Array(text.utf8), at: offset, words)
        }

        init(_ bytes: [UInt8], at offset: Int = 0, _ words: String) {
            self.offset = offset
            self.bytes = bytes
            self.words = words
        }

        func stands(in file: [UInt8]) -> Bool { file.dropFirst(offset).starts(with: bytes) }
    }

    private static let marks = [
        Mark("GIF8", "a GIF file"), Mark("WEBP", at: 8, "a WebP file"),
        Mark([0x49, 0x49, 0x2a, 0], "a TIFF file"), Mark([0x4d, 0x4d, 0, 0x2a], "a TIFF file"),
        Mark([0x49, 0x49, 0x2b, 0], "a BigTIFF file"), Mark([0x4d, 0x4d, 0, 0x2b], "a BigTIFF file"),
        Mark("ftypavif", at: 4, "an AVIF file"), Mark("ftypheic", at: 4, "a HEIC file"),
        Mark("ftypmif1", at: 4, "a HEIF file"), Mark("ftyp", at: 4, "an MP4 file or one of its kin"),
        Mark([0, 0, 0, 12, 0x6a, 0x50, 0x20, 0x20], "a JPEG 2000 file"),
        Mark([0xff, 0x4f, 0xff, 0x51], "a JPEG 2000 file"),
        Mark([0xff, 0x0a], "a JPEG XL file"), Mark([0, 0, 0, 12, 0x4a, 0x58, 0x4c, 0x20], "a JPEG XL file"),
        Mark("DICM", at: 128, "a DICOM file"), Mark("n+1\0", at: 344, "a NIfTI file"), Mark("8BPS", "a Photoshop file"),
        Mark([0, 0, 1, 0], "an icon file"), Mark("P4\n", "a PBM file"), Mark("P5\n", "a PGM file"),
        Mark("P6\n", "a PPM file"), Mark([0x8a, 0x4d, 0x4e, 0x47], "an MNG file"), Mark("%PDF", "a PDF file"),
        Mark([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59], "a NumPy file"), Mark([0x89, 0x48, 0x44, 0x46], "an HDF5 file"),
        Mark([0x50, 0x4b, 3, 4], "a ZIP file"), Mark([0x1f, 0x8b], "a gzip file"),
        Mark("version https://git-lfs", "a Git LFS pointer; 'git lfs pull' gets the file itself"),
        Mark("<!DOCTYPE html", "a web page"), Mark("<!doctype html", "a web page"), Mark("<html", "a web page"),
        Mark("<svg", "an SVG file"), Mark("<?xml", "an XML file"),
    ]

    /// In UTF-8 or an older encoding of one byte a letter.
    private static func isText(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7f || (0x09...0x0d).contains($0) }
            && bytes.count { $0 >= 0x80 } * 2 <= bytes.count
    }
}
