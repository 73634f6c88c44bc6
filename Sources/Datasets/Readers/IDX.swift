extension ImageDataset {
    /// Reads a pair of IDX files (LeCun, Cortes, Burges: the MNIST database), plain or compressed with gzip.
    ///
    /// - Parameters:
    ///   - images: unsigned bytes of three dimensions, [images, height, width].
    ///   - labels: unsigned bytes of one dimension, as many as images.
    public static func idx(
        name: String, classNames: [String], images: String, labels: String
    ) throws(DatasetError) -> ImageDataset {
        let imageFile = try IDXFile(path: images, dimensions: 3)
        let labelFile = try IDXFile(path: labels, dimensions: 1)
        let (count, height, width) = (imageFile.extents[0], imageFile.extents[1], imageFile.extents[2])
        guard labelFile.extents[0] == count else {
            throw labelFile.file.damage(
                at: 4, "expected a label for each of the \(count) images of \(images), found \(labelFile.extents[0])")
        }
        return ImageDataset(
            name: name, classNames: classNames,
            labels: try labelFile.file.labels(
                start: labelFile.start, stride: 1, count: count, classCount: classNames.count),
            parts: [
                RawImages(
                    file: images, bytes: imageFile.file.bytes, start: imageFile.start, stride: height * width,
                    count: count, shape: ImageShape(channels: 1, height: height, width: width))
            ])
    }
}

/// A file of unsigned bytes in IDX: two zeros, the element type 8, the number of dimensions, then each extent in four
/// bytes and the elements.
private struct IDXFile {
    let file: DatasetFile
    let extents: [Int]
    /// Where the elements begin.
    let start: Int

    init(path: String, dimensions: Int) throws(DatasetError) {
        file = try DatasetFile(path: path)
        let expected = 8 << 8 | dimensions
        let magic = try file.bigEndian(at: 0)
        guard magic == expected else {
            throw file.damage(
                at: 0,
                "expected IDX's magic number \(hexadecimal(expected)) (unsigned bytes of \(dimensions) dimensions), "
                    + "found \(hexadecimal(magic))")
        }
        var extents: [Int] = []
        var elements = 1
        for dimension in 0..<dimensions {
            let offset = 4 + 4 * dimension
            let extent = try file.bigEndian(at: offset)
            let (product, overflow) = elements.multipliedReportingOverflow(by: extent)
            guard extent > 0, !overflow else {
                throw file.damage(at: offset, "expected a usable extent, found \(extent)")
            }
            elements = product
            extents.append(extent)
        }
        start = 4 + 4 * dimensions
        self.extents = extents
        let (end, overflow) = start.addingReportingOverflow(elements)
        guard !overflow, file.bytes.count == end else {
            let shape = extents.map(String.init).joined(separator: " x ")
            throw file.damage(
                at: min(end, file.bytes.count),
                "expected \(elements) bytes of elements for \(shape), found \(file.bytes.count - start)")
        }
    }
}

private func hexadecimal(_ number: Int) -> String {
    let digits = String(number, radix: 16)
    return "0x" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
}
