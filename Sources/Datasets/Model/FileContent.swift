import Files

/// Reads files of bounded size whole.
enum FileContent {
    /// The bytes of a regular file. A mapped file would trap where it shrinks.
    /// - Throws: `DatasetError.unreadable`.
    static func read(_ path: String) throws(DatasetError) -> [UInt8] {
        do throws(UnreadableFile) { return try RegularFile.bytes(of: path) } catch { throw DatasetError(error) }
    }
}

extension DatasetError {
    init(_ problem: UnreadableFile) { self = .unreadable(file: problem.path, reason: problem.reason) }
}
