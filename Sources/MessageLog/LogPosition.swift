/// A position between two chunks of a log, and what is before it: the log's length at some commit.
public struct LogPosition: Hashable, Sendable {
    /// Bytes of the file before the position.
    public var length: UInt64
    /// The CRC32 of these bytes.
    public var checksum: UInt32
    /// Chunks, messages and declarations before the position.
    public var chunkCount: Int
    public var messageCount: UInt64
    public var schemaCount: Int
    public var channelCount: Int

    /// Before everything.
    public static let start = LogPosition(
        length: 0, checksum: 0, chunkCount: 0, messageCount: 0, schemaCount: 0, channelCount: 0)

    public init(
        length: UInt64, checksum: UInt32, chunkCount: Int, messageCount: UInt64, schemaCount: Int, channelCount: Int
    ) {
        self.length = length
        self.checksum = checksum
        self.chunkCount = chunkCount
        self.messageCount = messageCount
        self.schemaCount = schemaCount
        self.channelCount = channelCount
    }
}

extension LogContents {
    /// What was known at an earlier place of a log, as far as reading on from there needs it: a closing section cannot be
    /// worked out from it.
    /// - Parameter registry: holds the declarations that the log had then, and later ones perhaps.
    init(at position: LogPosition, of registry: Registry) {
        self.init()
        self.registry = registry.prefix(schemas: position.schemaCount, channels: position.channelCount)
        resume(at: position)
    }

    /// Where these contents end.
    var position: LogPosition {
        LogPosition(
            length: length, checksum: checksum.value, chunkCount: chunkCount, messageCount: messageCount,
            schemaCount: registry.schemas.count, channelCount: registry.channels.count)
    }
}

extension LogWriter {
    /// Where the log ends now; nil while something waits for the next commit.
    public var position: LogPosition? { bufferedBytes == 0 && storedFrom == nil ? committedPosition : nil }

    /// Reads what a continued log held when it was opened, from one of its `positions` on.
    /// - Throws: `LogError.unusable` for a position that is none of those, `.damaged` or `.system`.
    public func reader(from position: LogPosition) throws(LogError) -> LogReader {
        guard positions.contains(position) else {
            throw .unusable(path: path, reason: "it was not asked for a position at byte \(position.length)")
        }
        return LogReader(try scanner(from: position))
    }
}
