/// Reads a sound MCAP file that another program made of a log: compressed, cut into other chunks or into none. What it
/// holds is shown by the chain over its records, which does not depend on their layout.
struct ForeignReader {
    private let map: FileMap
    private(set) var registry = Registry()
    private var schemas: [UInt16: SchemaID] = [0: .none]
    private var channels: [UInt16: ChannelID] = [:]
    /// Where the next record at the top level begins.
    private var offset = LogFormat.magic.count
    /// Where the present chunk begins, and its inner records that were not read.
    private var inner: (chunk: Int, records: FileMap, rest: Range<Int>)?
    /// Chunks so far.
    private(set) var chunkCount = 0

    /// - Parameter map: a file that `ForeignFile` found sound.
    init(_ map: FileMap) { self.map = map }

    /// The next message in the order of the file; nil at its end.
    /// - Throws: `LogError.rewritten` for a compression that is not known here, `.damaged` for a record that is malformed.
    mutating func next() throws(LogError) -> LogMessage? {
        while true {
            if let (chunk, records, rest) = inner {
                let (kind, content) = try record(records.bytes, at: rest.lowerBound, end: rest.upperBound, of: chunk)
                inner =
                    content.upperBound == rest.upperBound ? nil : (chunk, records, content.upperBound..<rest.upperBound)
                if let message = try take(kind, records, content, at: chunk) { return message }
            } else {
                let start = offset
                let (kind, content) = try record(map.bytes, at: start, end: map.bytes.count, of: start)
                offset = content.upperBound
                switch kind {
                case RecordKind.chunk.rawValue: try open(chunk: start)
                case RecordKind.dataEnd.rawValue, RecordKind.footer.rawValue: return nil
                default: if let message = try take(kind, map, content, at: start) { return message }
                }
            }
        }
    }

    private func record(
        _ bytes: UnsafeRawBufferPointer, at offset: Int, end: Int, of place: Int
    ) throws(LogError) -> (kind: UInt8, content: Range<Int>) {
        let start = offset + LogFormat.recordPrefixSize
        guard start <= end, case let size = bytes.integer(UInt64.self, at: offset + 1), size <= UInt64(end - start)
        else {
            throw damage(.unknown, at: place, "a record is longer than what holds it")
        }
        return (bytes[offset], start..<start + Int(size))
    }

    private mutating func open(chunk start: Int) throws(LogError) {
        guard let head = ChunkHead(map.bytes, at: start) else {
            throw .rewritten(path: map.path, detail: ForeignFile.words(map.bytes) ?? "its chunks are of another kind")
        }
        guard let (records, range) = head.records(of: map, zeroIsNone: true) else {
            throw damage(.chunk, at: start, "its checksum does not fit its bytes")
        }
        chunkCount += 1
        if !range.isEmpty { inner = (start, records, range) }
    }

    /// Takes a declaration or a message; everything else says nothing of a log.
    private mutating func take(
        _ kind: UInt8, _ holder: FileMap, _ content: Range<Int>, at place: Int
    ) throws(LogError) -> LogMessage? {
        let bytes = UnsafeRawBufferPointer(rebasing: holder.bytes[content])
        var cursor = FieldCursor(bytes)
        switch kind {
        case RecordKind.schema.rawValue:
            guard let (id, schema) = cursor.schema() else { throw damage(.schema, at: place, "it is malformed") }
            if schemas[id] == nil { schemas[id] = registry.id(of: schema) ?? registry.add(schema) }
        case RecordKind.channel.rawValue:
            guard let (id, channel) = cursor.channel(), let schema = schemas[channel.schema.value] else {
                throw damage(.channel, at: place, "it is malformed, or its schema was never declared")
            }
            var own = channel
            own.schema = schema
            if channels[id] == nil { channels[id] = registry.add(own) }
        case RecordKind.message.rawValue:
            guard bytes.count >= LogFormat.messageHeadSize,
                let channel = channels[bytes.integer(UInt16.self, at: 0)]
            else { throw damage(.message, at: place, "it is too short, or its channel was never declared") }
            return LogMessage(
                channel: channel, topic: registry.channels[channel.ordinal].topic,
                sequence: bytes.integer(UInt32.self, at: 2), logTime: bytes.integer(UInt64.self, at: 6),
                publishTime: bytes.integer(UInt64.self, at: 14), chunk: max(0, chunkCount - 1), offset: UInt64(place),
                data: MappedBytes(
                    map: holder, range: content.lowerBound + LogFormat.messageHeadSize..<content.upperBound))
        default: break
        }
        return nil
    }

    private func damage(_ kind: RecordKind, at offset: Int, _ detail: String) -> LogError {
        .damaged(
            path: map.path,
            .init(kind: kind, record: 0, chunk: chunkCount, offset: UInt64(offset), detail: detail))
    }
}
