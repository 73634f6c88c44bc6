/// The chunks of a log as its summary lists them, each in some 20 bytes. Only what does not follow from the layout is kept:
/// a chunk's index records follow the chunk, and the next chunk follows them.
struct ChunkTable {
    /// Chunks one after the other, so that they are read from its start alone and a block is never moved to grow.
    private struct Block {
        var bytes: [UInt8] = []
        /// Where its first chunk begins in the file, and the start time that its first one is relative to.
        let offset: UInt64
        let time: UInt64
    }

    private static let blockSize = 16 << 10
    /// More than a chunk takes, with messages on a few channels.
    private static let spareBytes = 256

    private var blocks: [Block] = []
    /// Where the next chunk begins in the file, and when the last one with messages did.
    private var offset = UInt64(LogFormat.opening.count)
    private var time: UInt64 = 0

    mutating func append(_ chunk: LogContents.ChunkEntry) {
        if blocks.last.map({ $0.bytes.count > Self.blockSize - Self.spareBytes }) ?? true {
            var block = Block(offset: offset, time: time)
            block.bytes.reserveCapacity(Self.blockSize)
            blocks.append(block)
        }
        let last = blocks.count - 1
        blocks[last].bytes.append(chunk, since: time)
        offset += chunk.length + chunk.indexLength
        time = chunk.times?.start ?? time
    }

    mutating func removeAll() { blocks = [] }

    var blockCount: Int { blocks.count }

    /// The chunk index records of a block's chunks.
    func records(ofBlock number: Int) -> [UInt8] {
        let block = blocks[number]
        var (offset, time) = (block.offset, block.time)
        var records: [UInt8] = []
        block.bytes.withUnsafeBytes { bytes in
            var reader = PackedReader(bytes: bytes)
            while reader.position < bytes.count {
                let chunk = reader.chunk(at: offset, since: time)
                records.append(chunk)
                offset += chunk.length + chunk.indexLength
                time = chunk.times?.start ?? time
            }
        }
        return records
    }
}

/// Reads what `append(_:since:)` wrote. It sees memory of this process alone, so nothing is checked.
private struct PackedReader {
    let bytes: UnsafeRawBufferPointer
    private(set) var position = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func integer() -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    mutating func chunk(at offset: UInt64, since time: UInt64) -> LogContents.ChunkEntry {
        let length = integer()
        let unpackedSize = integer()
        let compression: ChunkHead.Compression = unpackedSize == 0 ? .none : .zstd
        let storedSize = length - UInt64(LogFormat.chunkHeadSize + compression.rawValue.utf8.count)
        var chunk = LogContents.ChunkEntry(
            offset: offset, length: length, compression: compression,
            recordsSize: unpackedSize == 0 ? storedSize : unpackedSize - 1, storedSize: storedSize, times: nil,
            index: [], indexLength: 0)
        for _ in 0..<integer() {
            let channel = UInt16(integer())
            chunk.index.append(
                MessageIndex.Location(channel: channel, offset: offset + length + chunk.indexLength))
            chunk.indexLength += integer()
        }
        guard !chunk.index.isEmpty else { return chunk }
        let start = time &+ integer()
        chunk.times = TimeRange(start)
        chunk.times?.add(start + integer())
        return chunk
    }
}

extension [UInt8] {
    /// - Parameter time: when the chunk before it began.
    fileprivate mutating func append(_ chunk: LogContents.ChunkEntry, since time: UInt64) {
        append(packed: chunk.length)
        append(packed: chunk.compression == .none ? 0 : chunk.recordsSize + 1)
        append(packed: UInt64(chunk.index.count))
        for (place, location) in chunk.index.enumerated() {
            let next =
                place + 1 < chunk.index.count
                ? chunk.index[place + 1].offset : chunk.offset + chunk.length + chunk.indexLength
            append(packed: UInt64(location.channel))
            append(packed: next - location.offset)
        }
        guard let times = chunk.times else { return }
        append(packed: times.start &- time)
        append(packed: times.end - times.start)
    }

    /// In as many bytes as its size takes, seven bits in each.
    private mutating func append(packed value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }

    fileprivate mutating func append(_ chunk: LogContents.ChunkEntry) {
        appendRecord(.chunkIndex) { content in
            content.append(integer: chunk.times?.start ?? 0)
            content.append(integer: chunk.times?.end ?? 0)
            content.append(integer: chunk.offset)
            content.append(integer: chunk.length)
            content.append(integer: UInt32(chunk.index.count * 10))
            for location in chunk.index {
                content.append(integer: location.channel)
                content.append(integer: location.offset)
            }
            content.append(integer: chunk.indexLength)
            content.append(string: chunk.compression.rawValue)
            content.append(integer: chunk.storedSize)
            content.append(integer: chunk.recordsSize)
        }
    }
}
