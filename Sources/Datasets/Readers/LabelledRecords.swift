extension ImageDataset {
    /// Reads files of records: label bytes, then the pixels as planes [channels, height, width].
    ///
    /// CIFAR-10's binary files are of this kind (one label byte, 3 x 32 x 32), CIFAR-100's (a coarse and a fine label),
    /// and FER2013 as one label byte and 48 x 48 gray. Plain files are mapped, not read.
    ///
    /// - Parameters:
    ///   - files: read in this order as one data set.
    ///   - labelBytes: label bytes before the pixels of each image, at least 1.
    ///   - labelByte: the one of them that counts, from 0.
    public static func records(
        name: String, classNames: [String], files: [String], height: Int, width: Int, channels: Int,
        labelBytes: Int = 1, labelByte: Int = 0
    ) throws(DatasetError) -> ImageDataset {
        guard height > 0, width > 0, channels > 0, (0..<labelBytes).contains(labelByte) else {
            throw .unsuitable(
                "\(name): expected a size, channels and label bytes above 0, "
                    + "found \(channels) x \(height) x \(width) and label byte \(labelByte) of \(labelBytes)")
        }
        let record = labelBytes + channels * height * width
        var labels: [Int] = []
        var parts: [RawImages] = []
        for path in files {
            let file = try DatasetFile(path: path)
            let count = file.bytes.count / record
            guard count > 0, count * record == file.bytes.count else {
                throw file.damage(
                    at: count * record,
                    "expected whole records of \(record) bytes, found \(file.bytes.count - count * record) bytes")
            }
            labels += try file.labels(start: labelByte, stride: record, count: count, classCount: classNames.count)
            parts.append(
                RawImages(
                    file: path, bytes: file.bytes, start: labelBytes, stride: record, count: count,
                    shape: ImageShape(channels: channels, height: height, width: width)))
        }
        return ImageDataset(name: name, classNames: classNames, labels: labels, parts: parts)
    }
}
