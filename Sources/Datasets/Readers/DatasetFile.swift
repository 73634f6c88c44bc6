import Files
import Foundation

/// The whole content of a file, mapped into memory where it is not compressed.
struct DatasetFile {
    let path: String
    let bytes: Data

    init(path: String) throws(DatasetError) {
        self.path = path
        // A mapped device or pipe has no end; the system's words for one are about permissions.
        do throws(UnreadableFile) { try RegularFile.require(path) } catch { throw DatasetError(error) }
        let raw: Data
        do {
            raw = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
        } catch {
            throw .unreadable(file: path, reason: (error as NSError).localizedDescription)
        }
        bytes = Gzip.isGzip(raw) ? try Gzip.content(of: raw, file: path) : raw
    }

    /// A number of four bytes, the most significant first.
    func bigEndian(at offset: Int) throws(DatasetError) -> Int {
        guard offset + 4 <= bytes.count else {
            throw damage(at: bytes.count, "expected at least \(offset + 4) bytes, found \(bytes.count)")
        }
        return bytes[bytes.startIndex + offset..<bytes.startIndex + offset + 4].reduce(0) { $0 << 8 | Int($1) }
    }

    /// What is wrong with the file; offsets count in its uncompressed content.
    func damage(at offset: Int, _ problem: String) -> DatasetError {
        .damaged(file: path, offset: offset, problem: problem)
    }

    /// Checks that each label names a class; the labels lie at equal distances.
    func labels(start: Int, stride: Int, count: Int, classCount: Int) throws(DatasetError) -> [Int] {
        var labels: [Int] = []
        labels.reserveCapacity(count)
        for index in 0..<count {
            let offset = start + index * stride
            let label = Int(bytes[bytes.startIndex + offset])
            guard label < classCount else {
                throw damage(at: offset, "expected a label from 0 to \(classCount - 1), found \(label)")
            }
            labels.append(label)
        }
        return labels
    }
}
