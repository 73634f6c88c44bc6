/// The chunk that is being filled. Its bytes stand in memory just as they will in the file, so that one write
/// stores them all.
struct OpenChunk {
    private(set) var bytes: [UInt8] = []
    private var index = MessageIndex()
    private(set) var times: TimeRange?
    /// What the log contains of it, once it is complete.
    private var completed: (checksum: UInt32, entry: LogContents.ChunkEntry)?

    init() {
        reserveHead()
    }

    /// Bytes of the inner records.
    var recordsSize: Int { bytes.count - LogFormat.chunkHeadSize }
    var isEmpty: Bool { recordsSize == 0 }

    mutating func append(_ schema: LogSchema, id: SchemaID) {
        bytes.append(schema, id: id)
    }

    mutating func append(_ channel: LogChannel, id: ChannelID) {
        bytes.append(channel, id: id)
    }

    /// Begins a message, whose data follow.
    mutating func append(
        channel: ChannelID, sequence: UInt32, logTime: UInt64, publishTime: UInt64, byteCount: Int
    ) {
        index.add(channel: channel, logTime: logTime, offset: UInt64(recordsSize))
        if times == nil { times = TimeRange(logTime) } else { times?.add(logTime) }
        bytes.append(RecordKind.message.rawValue)
        bytes.append(integer: UInt64(LogFormat.messageHeadSize + byteCount))
        bytes.append(integer: channel.value)
        bytes.append(integer: sequence)
        bytes.append(integer: logTime)
        bytes.append(integer: publishTime)
        // Room for a large message and what is likely to follow it: an array that grows on its own holds it twice meanwhile.
        if byteCount > Self.mostKept { bytes.reserveCapacity(bytes.count + byteCount + Self.following) }
    }

    /// Appends data of the message that was begun.
    mutating func append(_ data: UnsafeRawBufferPointer) { bytes.append(contentsOf: data) }

    /// Hands over the messages in their order. Their data may be overwritten until the chunk is complete.
    mutating func withMessages(_ body: (SealedChunk.Message) -> Void) {
        bytes.withUnsafeMutableBytes { bytes in
            let fields = UnsafeRawBufferPointer(bytes)
            var offset = LogFormat.chunkHeadSize
            while offset < fields.count {
                let content = offset + LogFormat.recordPrefixSize
                let end = content + Int(fields.integer(UInt64.self, at: offset + 1))
                if fields[offset] == RecordKind.message.rawValue {
                    body(
                        SealedChunk.Message(
                            channel: ChannelID(value: fields.integer(UInt16.self, at: content)),
                            logTime: fields.integer(UInt64.self, at: content + 6),
                            publishTime: fields.integer(UInt64.self, at: content + 14),
                            data: UnsafeMutableRawBufferPointer(
                                rebasing: bytes[content + LogFormat.messageHeadSize..<end])))
                }
                offset = end
            }
        }
    }

    /// Fills in the head and appends the index records, for a chunk that begins at `offset` of the file.
    mutating func complete(at offset: UInt64) {
        let recordsSize = recordsSize
        let checksum = bytes.withUnsafeBytes { bytes in
            Checksum.of(UnsafeRawBufferPointer(rebasing: bytes[LogFormat.chunkHeadSize...]))
        }
        writeHead(recordsSize: recordsSize, checksum: checksum)
        let length = bytes.count
        let locations = index.encode(into: &bytes, fileOffset: offset + UInt64(length))
        completed = (
            checksum,
            LogContents.ChunkEntry(
                offset: offset, length: UInt64(length), recordsSize: UInt64(recordsSize),
                storedSize: UInt64(recordsSize), times: times, index: locations,
                indexLength: UInt64(bytes.count - length))
        )
    }

    /// Adds the complete chunk to what the log contains.
    func add(to contents: inout LogContents) {
        guard let completed else { return }
        let (recordsSize, length) = (Int(completed.entry.recordsSize), Int(completed.entry.length))
        bytes.withUnsafeBytes { bytes in
            contents.addBytes(UnsafeRawBufferPointer(rebasing: bytes[..<LogFormat.chunkHeadSize]))
            contents.addBytes(checksum: completed.checksum, size: recordsSize)
            contents.addBytes(UnsafeRawBufferPointer(rebasing: bytes[length...]))
        }
        contents.addChunk(completed.entry)
    }

    /// Bytes that are kept for the next chunk: most chunks are smaller, and that of a large state comes once a segment.
    private static let mostKept = 32 << 20
    /// Bytes of the records and of the index that follow a large message in its chunk.
    private static let following = 1 << 16

    /// Starts the next chunk, in the same memory if that is not too large.
    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: bytes.capacity <= Self.mostKept)
        index.removeAll()
        times = nil
        completed = nil
        reserveHead()
    }

    private mutating func reserveHead() {
        bytes.append(contentsOf: repeatElement(0, count: LogFormat.chunkHeadSize))
    }

    private mutating func writeHead(recordsSize: Int, checksum: UInt32) {
        let content = LogFormat.recordPrefixSize
        bytes[0] = RecordKind.chunk.rawValue
        bytes.overwrite(at: 1, with: UInt64(recordsSize + 40))
        bytes.overwrite(at: content, with: times?.start ?? 0)
        bytes.overwrite(at: content + 8, with: times?.end ?? 0)
        bytes.overwrite(at: content + 16, with: UInt64(recordsSize))
        bytes.overwrite(at: content + 24, with: checksum)
        // Four zero bytes follow: the name of no compression.
        bytes.overwrite(at: content + 32, with: UInt64(recordsSize))
    }
}
