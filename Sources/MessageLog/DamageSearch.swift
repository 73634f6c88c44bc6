/// Looks for whole records behind a broken one, to tell a file that was cut from one that was damaged.
enum DamageSearch {
    /// So many zeros up to the end of a file count as never written.
    static let unwrittenRun = 16

    /// Size and checksum from the head of a chunk at `offset`, if its three sizes agree. Nil also where the file
    /// ends within the head.
    static func chunkSizes(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> (recordsSize: Int, checksum: UInt32)? {
        guard bytes.count - offset >= LogFormat.chunkHeadSize else { return nil }
        let content = offset + LogFormat.recordPrefixSize
        let recordSize = bytes.integer(UInt64.self, at: offset + 1)
        let uncompressedSize = bytes.integer(UInt64.self, at: content + 16)
        let checksum = bytes.integer(UInt32.self, at: content + 24)
        let compressionSize = bytes.integer(UInt32.self, at: content + 28)
        let recordsSize = bytes.integer(UInt64.self, at: content + 32)
        guard compressionSize == 0, recordsSize == uncompressedSize, recordsSize < UInt64(Int.max / 2),
            recordSize == recordsSize + 40
        else { return nil }
        return (Int(recordsSize), checksum)
    }

    /// Whether a whole chunk, a message index or the end of a finished file lies behind `start`.
    static func findsRecord(_ bytes: UnsafeRawBufferPointer, from start: Int, channelCount: Int) -> Bool {
        if findsFooter(bytes, from: start) { return true }
        var offset = start
        while offset < bytes.count {
            switch RecordKind(rawValue: bytes[offset]) {
            case .chunk where isChunk(bytes, at: offset): return true
            case .messageIndex where isMessageIndex(bytes, at: offset, channelCount: channelCount): return true
            default: offset += 1
            }
        }
        return false
    }

    private static func findsFooter(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Bool {
        let footer = bytes.count - LogFormat.magic.count - LogFormat.recordPrefixSize - 20
        guard footer >= start, bytes[footer] == RecordKind.footer.rawValue,
            bytes.integer(UInt64.self, at: footer + 1) == 20
        else { return false }
        return bytes[(bytes.count - LogFormat.magic.count)...].elementsEqual(LogFormat.magic)
    }

    private static func isChunk(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        guard let (size, checksum) = chunkSizes(bytes, at: offset) else { return false }
        let start = offset + LogFormat.chunkHeadSize
        guard size > 0, size <= bytes.count - start else { return false }
        return Checksum.of(UnsafeRawBufferPointer(rebasing: bytes[start..<start + size])) == checksum
    }

    private static func isMessageIndex(_ bytes: UnsafeRawBufferPointer, at offset: Int, channelCount: Int) -> Bool {
        let content = offset + LogFormat.recordPrefixSize
        guard bytes.count - content >= 6 else { return false }
        let recordSize = bytes.integer(UInt64.self, at: offset + 1)
        let channel = bytes.integer(UInt16.self, at: content)
        let entriesSize = bytes.integer(UInt32.self, at: content + 2)
        guard channel >= 1, Int(channel) <= channelCount, entriesSize > 0 else { return false }
        guard Int(entriesSize) % LogFormat.indexEntrySize == 0, recordSize == UInt64(entriesSize) + 6 else {
            return false
        }
        return Int(recordSize) <= bytes.count - content
    }
}
