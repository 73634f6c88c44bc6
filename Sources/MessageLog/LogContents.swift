/// What is known of a log up to a point between two chunks. Writer and reader build the same value, so the writer can go
/// on where a reader stopped, and the reader can work out the closing section that a finished file must have.
struct LogContents {
    var registry = Registry()
    private(set) var chunkCount = 0
    /// What the summary lists. A log of more than `mostIndexedChunks` has no summary: it would take as much memory as the
    /// log has chunks, and readers go through such a log from its start.
    private(set) var chunks = ChunkTable()
    private static let mostIndexedChunks = 1 << 18
    private(set) var messageCount: UInt64 = 0
    private(set) var messageCounts: [UInt64] = []
    private(set) var times: TimeRange?
    /// Covers all `length` bytes of the file.
    private(set) var checksum = Checksum()
    /// Bytes from the start of the file up to here.
    private(set) var length: UInt64 = 0

    /// A chunk as the summary lists it.
    struct ChunkEntry {
        var offset: UInt64
        /// Of the whole record.
        var length: UInt64
        var compression: ChunkHead.Compression = .none
        /// Of the inner records, and of what is stored of them.
        var recordsSize: UInt64
        var storedSize: UInt64
        var times: TimeRange?
        var index: [MessageIndex.Location]
        var indexLength: UInt64
    }

    mutating func addBytes(_ bytes: UnsafeRawBufferPointer) {
        checksum.add(bytes)
        length += UInt64(bytes.count)
    }

    /// Adds bytes whose checksum is known already.
    mutating func addBytes(checksum known: UInt32, size: Int) {
        checksum.add(checksum: known, size: size)
        length += UInt64(size)
    }

    /// Continues from a position that is not before anything that was added.
    mutating func resume(at position: LogPosition) {
        chunkCount = position.chunkCount
        messageCount = position.messageCount
        checksum = Checksum(position.checksum)
        length = position.length
    }

    mutating func addChunk(_ entry: ChunkEntry) {
        chunkCount += 1
        if hasSummary { chunks.append(entry) } else { chunks.removeAll() }
        guard let added = entry.times else { return }
        times = times.map { $0.union(added) } ?? added
    }

    var hasSummary: Bool { chunkCount <= Self.mostIndexedChunks }

    mutating func addMessage(channel: ChannelID) {
        while messageCounts.count <= channel.ordinal { messageCounts.append(0) }
        messageCounts[channel.ordinal] += 1
        messageCount += 1
    }

    /// Messages are numbered from 1 over the whole log; the format keeps the low 32 bits.
    var nextSequence: UInt32 { UInt32(truncatingIfNeeded: messageCount + 1) }
}

/// The earliest and the latest log time, in nanoseconds.
struct TimeRange: Equatable {
    var start: UInt64
    var end: UInt64

    init(_ time: UInt64) {
        start = time
        end = time
    }

    mutating func add(_ time: UInt64) {
        start = min(start, time)
        end = max(end, time)
    }

    func union(_ other: TimeRange) -> TimeRange {
        var result = self
        result.add(other.start)
        result.add(other.end)
        return result
    }
}
