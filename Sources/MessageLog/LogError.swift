/// What went wrong with a log.
public enum LogError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A call to the operating system failed. `reason` is the system's own text for `code` (an errno).
    case system(operation: String, path: String, code: Int32, reason: String)
    /// A new log was asked for, but the path is taken.
    case exists(path: String)
    /// A log was to be read or continued, but there is none.
    case missing(path: String)
    /// The path names a directory, a device or another thing that cannot hold a log.
    case notARegularFile(path: String)
    /// Another writer holds the log.
    case locked(path: String)
    /// The file starts with something else than a log of this format.
    case notALog(path: String, detail: String)
    /// Bytes that were once written whole are no longer what they were.
    case damaged(path: String, Damage)
    /// A sound MCAP file that another program made of a log.
    case rewritten(path: String, detail: String)
    /// The writer was closed, or an earlier commit failed, so it takes nothing more.
    case unusable(path: String, reason: String)
    /// A schema or a channel contradicts an earlier one, or is too long, or there are too many.
    case invalidDeclaration(path: String, detail: String)
    /// The writer does not know this channel, or the message cannot be stored.
    case invalidMessage(path: String, detail: String)

    /// Where a log is damaged.
    public struct Damage: Equatable, Sendable {
        public var kind: RecordKind
        /// Counts the records at the top level of the file from 0, the header being the first.
        public var record: Int
        /// Counts the chunks from 0; nil for a record that belongs to none. An unknown record counts as the chunk
        /// that might have been there.
        public var chunk: Int?
        /// From the start of the file.
        public var offset: UInt64
        /// What was expected and what was found.
        public var detail: String
    }

    public var description: String {
        switch self {
        case .system(let operation, let path, let code, let reason):
            "cannot \(operation) the log \(path): \(reason) (errno \(code))"
        case .exists(let path):
            "cannot create the log \(path): the path exists already; continue that log or choose another path"
        case .missing(let path):
            "there is no log at \(path)"
        case .notARegularFile(let path):
            "\(path): expected the file of a log, found a folder, a FIFO or a device"
        case .locked(let path):
            "cannot write to the log \(path): another process holds it"
        case .notALog(let path, let detail):
            "\(path) is not a message log: \(detail)"
        case .damaged(let path, let damage):
            "the log \(path) is damaged: \(damage)"
        case .rewritten(let path, let detail):
            "the log \(path) was rewritten by another program, \(detail): use the original"
        case .unusable(let path, let reason):
            "the log \(path) takes no more messages: \(reason)"
        case .invalidDeclaration(let path, let detail):
            "cannot declare this in the log \(path): \(detail)"
        case .invalidMessage(let path, let detail):
            "cannot append to the log \(path): \(detail)"
        }
    }
}

extension LogError.Damage: CustomStringConvertible {
    public var description: String {
        let place = chunk.map { " of chunk \($0)" } ?? ""
        return "record \(record) (\(kind.name))\(place) at byte \(offset): \(detail)"
    }
}
