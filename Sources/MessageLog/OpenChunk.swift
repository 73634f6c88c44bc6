/// The chunk that is being filled. Its bytes stand in memory just as they will in the file, so that one write
/// stores them all.
struct OpenChunk {
    private(set) var bytes: [UInt8] = []
    private var index = MessageIndex()
    private(set) var times: TimeRange?

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

    mutating func append(
        channel: ChannelID, sequence: UInt32, logTime: UInt64, publishTime: UInt64, data: RawSpan
    ) {
        index.add(channel: channel, logTime: logTime, offset: UInt64(recordsSize))
        if times == nil { times = TimeRange(logTime) } else { times?.add(logTime) }
        bytes.append(RecordKind.message.rawValue)
        bytes.append(integer: UInt64(LogFormat.messageHeadSize + data.byteCount))
        bytes.append(integer: channel.value)
        bytes.append(integer: sequence)
        bytes.append(integer: logTime)
        bytes.append(integer: publishTime)
        data.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    /// Fills in the head, appends the index records and adds the chunk to what the log contains.
    mutating func seal(into contents: inout LogContents) {
        let recordsSize = recordsSize
        let checksum = bytes.withUnsafeBytes { bytes in
            Checksum.of(UnsafeRawBufferPointer(rebasing: bytes[LogFormat.chunkHeadSize...]))
        }
        writeHead(recordsSize: recordsSize, checksum: checksum)
        let offset = contents.length
        let length = bytes.count
        let locations = index.encode(into: &bytes, fileOffset: offset + UInt64(length))
        bytes.withUnsafeBytes { bytes in
            contents.addBytes(UnsafeRawBufferPointer(rebasing: bytes[..<LogFormat.chunkHeadSize]))
            contents.addBytes(checksum: checksum, size: recordsSize)
            contents.addBytes(UnsafeRawBufferPointer(rebasing: bytes[length...]))
        }
        contents.addChunk(
            LogContents.ChunkEntry(
                offset: offset, length: UInt64(length), recordsSize: UInt64(recordsSize),
                storedSize: UInt64(recordsSize), times: times, index: locations,
                indexLength: UInt64(bytes.count - length)))
    }

    /// Starts the next chunk in the same memory.
    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        index.removeAll()
        times = nil
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
