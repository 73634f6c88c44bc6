/// Looks for whole records behind a broken one, to tell a file that was cut from one that was damaged.
enum DamageSearch {
    /// So many zeros up to the end of a file count as never written.
    static let unwrittenRun = 16

    /// Whether a whole chunk, a message index or the end of a finished file lies behind `start`.
    static func findsRecord(_ map: FileMap, from start: Int, channelCount: Int) -> Bool {
        let bytes = map.bytes
        if findsFooter(bytes, from: start) { return true }
        var offset = start
        while offset < bytes.count {
            switch RecordKind(rawValue: bytes[offset]) {
            case .chunk where isChunk(map, at: offset): return true
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

    private static func isChunk(_ map: FileMap, at offset: Int) -> Bool {
        guard let head = ChunkHead(map.bytes, at: offset) else { return false }
        return head.recordsSize > 0 && head.isWhole(in: map.bytes) && head.records(of: map) != nil
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
