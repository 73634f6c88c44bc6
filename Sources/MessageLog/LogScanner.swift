/// Goes through a log chunk by chunk and checks every byte. It trusts no length, count or offset in the file.
///
/// The log's conventions leave one way only to write what a log contains: message indexes and the closing section are
/// functions of the chunks. So the scanner works them out and compares.
struct LogScanner: ~Copyable {
    let map: FileMap
    private(set) var contents: LogContents
    /// Known once everything is read.
    private(set) var end: LogEnd?
    /// Where the messages of the present chunk lie.
    private(set) var messages: [MessageLocation] = []
    /// Index records of the last chunk that the tear took away. They belong where the tear begins.
    private(set) var missingIndex: [UInt8] = []

    /// The present chunk, and where its inner records lie in `records`.
    private(set) var chunk: (head: ChunkHead, records: Range<Int>)?
    /// What holds the inner records of the present chunk: the file, or what was unpacked of it.
    private(set) var records: FileMap
    private(set) var index = MessageIndex()
    private(set) var times: TimeRange?
    private var recordNumber = 0
    /// The file's bytes before it were given back.
    private var givenBack = 0

    struct MessageLocation {
        var channel: ChannelID
        var sequence: UInt32
        var logTime: UInt64
        var publishTime: UInt64
        /// Of the record, from the start of the file; of a record that was compressed, of its chunk.
        var offset: Int
        /// Of the data, in what holds the chunk's records.
        var data: Range<Int>
    }

    init(_ map: FileMap) throws(LogError) {
        self.map = map
        records = map
        contents = LogContents()
        try checkOpening()
    }

    /// Continues behind what is known already. Records are counted from there; a closing section would be taken for
    /// damage.
    init(_ map: FileMap, behind known: LogContents) {
        self.map = map
        records = map
        contents = known
    }

    private var bytes: UnsafeRawBufferPointer { map.bytes }
    private var position: Int { Int(contents.length) }

    /// Checks the next chunk and its indexes and fills `messages`. False at the end of the log.
    mutating func nextChunk() throws(LogError) -> Bool {
        messages.removeAll(keepingCapacity: true)
        guard end == nil else { return false }
        giveBackWhatIsRead()
        guard position < bytes.count else {
            end = .open
            return false
        }
        switch RecordKind(rawValue: bytes[position]) {
        case .chunk:
            return try takeChunk()
        case .dataEnd:
            try checkClosingSection()
        default:
            try breakOff(.unknown, "no record begins with the byte \(bytes[position])", searchFrom: position + 1)
        }
        return false
    }

    /// Bytes of the file that stay in memory behind the scanner, so that it seldom asks the system.
    private static let mostBehind = 16 << 20

    private mutating func giveBackWhatIsRead() {
        guard position - givenBack > Self.mostBehind else { return }
        map.giveBack(givenBack..<position)
        givenBack = position
    }

    // MARK: Opening

    private mutating func checkOpening() throws(LogError) {
        let expected = LogFormat.opening
        let difference = firstDifference(expected, at: 0)
        if difference == expected.count {
            contents.addBytes(UnsafeRawBufferPointer(rebasing: bytes[..<expected.count]))
            recordNumber = 1
            return
        }
        if isUnwritten(from: difference, expectedEnd: expected.count) {
            end = tear()
            return
        }
        guard difference >= LogFormat.magic.count else {
            throw .notALog(path: map.path, detail: "it does not start with the bytes of an MCAP file")
        }
        throw damage(
            .header, at: difference,
            "expected a header with the profile \(LogFormat.profile) and the library \(LogFormat.library)")
    }

    // MARK: Chunks

    /// Takes the chunk at `position`. False if the log ends here.
    private mutating func takeChunk() throws(LogError) -> Bool {
        guard bytes.count - position >= LogFormat.chunkHeadSize else {
            end = tear()
            return false
        }
        guard let head = ChunkHead(bytes, at: position) else {
            try breakOff(.chunk, "the sizes in its head contradict each other", searchFrom: position + 1)
            return false
        }
        // Three sizes agree, so the chunk was meant to be this long and the file was cut.
        guard head.isWhole(in: bytes) else {
            end = tear()
            return false
        }
        guard let (holder, range) = head.records(of: map) else {
            try breakOff(.chunk, "its checksum does not fit its bytes", searchFrom: head.stored.upperBound)
            return false
        }
        records = holder
        chunk = (head, range)
        try take(head, range)
        return true
    }

    /// Takes a chunk whose checksum fits.
    private mutating func take(_ head: ChunkHead, _ range: Range<Int>) throws(LogError) {
        let chunkOffset = position
        index.removeAll()
        times = nil
        var offset = range.lowerBound
        while offset < range.upperBound { offset = try takeRecord(at: offset, of: range) }
        guard head.startTime == times?.start ?? 0, head.endTime == times?.end ?? 0 else {
            throw damage(
                .chunk, at: chunkOffset + LogFormat.recordPrefixSize, "its times are not those of its messages")
        }
        if head.compression == .none {
            contents.addBytes(UnsafeRawBufferPointer(rebasing: bytes[chunkOffset..<head.stored.lowerBound]))
            contents.addBytes(checksum: head.checksum, size: head.stored.count)
        } else {
            contents.addBytes(UnsafeRawBufferPointer(rebasing: bytes[chunkOffset..<head.stored.upperBound]))
        }
        recordNumber += 1
        var indexBytes: [UInt8] = []
        let locations = index.encode(into: &indexBytes, fileOffset: contents.length)
        let entry = LogContents.ChunkEntry(
            offset: UInt64(chunkOffset), length: UInt64(head.stored.upperBound - chunkOffset),
            compression: head.compression, recordsSize: UInt64(head.recordsSize), storedSize: UInt64(head.stored.count),
            times: times, index: locations, indexLength: UInt64(indexBytes.count))
        try checkIndex(indexBytes, locations)
        contents.addChunk(entry)
    }

    /// Where an offset among the inner records lies in the file, as far as it can be said.
    private func place(_ offset: Int) -> Int { records === map ? offset : position }

    /// Takes the record at `offset` within a chunk and returns where the next one begins.
    private mutating func takeRecord(at offset: Int, of range: Range<Int>) throws(LogError) -> Int {
        let bytes = records.bytes
        let available = range.upperBound - offset - LogFormat.recordPrefixSize
        guard available >= 0 else { throw damage(.unknown, at: place(offset), "the chunk ends within a record's head") }
        let size = bytes.integer(UInt64.self, at: offset + 1)
        guard size <= UInt64(available) else {
            throw damage(
                .unknown, at: place(offset), "a record of \(size) bytes has only \(available) left in its chunk")
        }
        let start = offset + LogFormat.recordPrefixSize
        let content = start..<start + Int(size)
        switch RecordKind(rawValue: bytes[offset]) {
        case .message:
            try takeMessage(at: offset, content, firstRecord: range.lowerBound)
        case .schema:
            try takeSchema(at: offset, content)
        case .channel:
            try takeChannel(at: offset, content)
        default:
            throw damage(
                .unknown, at: place(offset), "a chunk holds no records that begin with the byte \(bytes[offset])")
        }
        return content.upperBound
    }

    private mutating func takeMessage(
        at offset: Int, _ content: Range<Int>, firstRecord: Int
    ) throws(LogError) {
        let bytes = records.bytes
        guard content.count >= LogFormat.messageHeadSize else {
            throw damage(.message, at: place(offset), "it has \(content.count) bytes, too few for its head")
        }
        let message = MessageLocation(
            channel: ChannelID(value: bytes.integer(UInt16.self, at: content.lowerBound)),
            sequence: bytes.integer(UInt32.self, at: content.lowerBound + 2),
            logTime: bytes.integer(UInt64.self, at: content.lowerBound + 6),
            publishTime: bytes.integer(UInt64.self, at: content.lowerBound + 14),
            offset: place(offset), data: content.lowerBound + LogFormat.messageHeadSize..<content.upperBound)
        guard contents.registry.knows(message.channel) else {
            throw damage(.message, at: place(offset), "its channel \(message.channel.value) was never declared")
        }
        guard message.sequence == contents.nextSequence else {
            throw damage(
                .message, at: place(offset),
                "expected the sequence number \(contents.nextSequence), found \(message.sequence)"
            )
        }
        if times == nil { times = TimeRange(message.logTime) } else { times?.add(message.logTime) }
        index.add(channel: message.channel, logTime: message.logTime, offset: UInt64(offset - firstRecord))
        contents.addMessage(channel: message.channel)
        messages.append(message)
    }

    private mutating func takeSchema(at offset: Int, _ content: Range<Int>) throws(LogError) {
        var cursor = FieldCursor(UnsafeRawBufferPointer(rebasing: records.bytes[content]))
        guard let (id, schema) = cursor.schema() else { throw damage(.schema, at: place(offset), "it is malformed") }
        guard contents.registry.add(schema)?.value == id else {
            throw damage(.schema, at: place(offset), "its id \(id) is not the next one")
        }
    }

    private mutating func takeChannel(at offset: Int, _ content: Range<Int>) throws(LogError) {
        var cursor = FieldCursor(UnsafeRawBufferPointer(rebasing: records.bytes[content]))
        guard let (id, channel) = cursor.channel() else { throw damage(.channel, at: place(offset), "it is malformed") }
        guard contents.registry.knows(channel.schema) else {
            throw damage(.channel, at: place(offset), "its schema \(channel.schema.value) was never declared")
        }
        guard contents.registry.add(channel)?.value == id else {
            throw damage(.channel, at: place(offset), "its id \(id) is not the next one")
        }
    }

    // MARK: What follows from the chunks

    /// Compares the index records behind a chunk with what they must be.
    private mutating func checkIndex(_ expected: [UInt8], _ locations: [MessageIndex.Location]) throws(LogError) {
        let start = position
        let difference = firstDifference(expected, at: start)
        if difference == expected.count {
            contents.addBytes(UnsafeRawBufferPointer(rebasing: bytes[start..<start + expected.count]))
            recordNumber += locations.count
            return
        }
        guard isUnwritten(from: start + difference, expectedEnd: start + expected.count) else {
            let record = locations.lastIndex { $0.offset <= UInt64(start + difference) } ?? 0
            recordNumber += record
            throw damage(
                .messageIndex, at: start + difference, "it does not list the messages of its chunk",
                chunk: contents.chunkCount)
        }
        missingIndex = expected
        end = tear()
    }

    /// Compares all that follows the last chunk with what it must be.
    private mutating func checkClosingSection() throws(LogError) {
        var closing = ClosingSection(of: contents)
        var start = position
        while let piece = closing.piece() {
            let difference = firstDifference(piece, at: start)
            guard difference == piece.count else { return try breakOffClosing(closing, start, piece, at: difference) }
            start += piece.count
            recordNumber += records(of: piece).count
        }
        guard bytes.count == start else {
            throw damage(.trailingMagic, at: start, "expected the end of the file, found more bytes")
        }
        end = .closed
    }

    /// Ends the log in a closing section that was not written to its end, and throws where it was.
    /// - Parameters:
    ///   - rest: what follows the piece that differs.
    ///   - start: where that piece begins in the file.
    private mutating func breakOffClosing(
        _ rest: consuming ClosingSection, _ start: Int, _ piece: [UInt8], at difference: Int
    ) throws(LogError) {
        var expectedEnd = start + piece.count
        while let next = rest.piece() { expectedEnd += next.count }
        guard !isUnwritten(from: start + difference, expectedEnd: expectedEnd) else {
            end = tear()
            return
        }
        let whole = records(of: piece)
        let number = whole.firstIndex { difference < $0.end } ?? whole.count
        recordNumber += number
        throw damage(
            number < whole.count ? whole[number].kind : .trailingMagic, at: start + difference,
            "it does not fit the chunks before it", chunk: nil)
    }

    /// The records of a piece of a closing section, and where each ends.
    private func records(of piece: [UInt8]) -> [(kind: RecordKind, end: Int)] {
        var records: [(RecordKind, Int)] = []
        var start = 0
        while start < piece.count, let kind = RecordKind(rawValue: piece[start]) {
            let size = piece.withUnsafeBytes { $0.integer(UInt64.self, at: start + 1) }
            start += LogFormat.recordPrefixSize + Int(size)
            records.append((kind, start))
        }
        return records
    }

    // MARK: Torn or damaged

    /// How many bytes of the file, from `start` on, are the expected ones.
    private func firstDifference(_ expected: [UInt8], at start: Int) -> Int {
        let available = min(expected.count, bytes.count - start)
        for offset in 0..<available where bytes[start + offset] != expected[offset] { return offset }
        return available
    }

    /// Whether the bytes from `start` on look like a write that was cut short: they end before they should, or they
    /// are zeros, which is what a file system leaves where it had made room but not yet written. A few zeros are enough
    /// where the file is no longer than it should be: what is expected follows from the chunks, so nothing is lost.
    private func isUnwritten(from start: Int, expectedEnd: Int) -> Bool {
        if start == bytes.count { return bytes.count < expectedEnd }
        guard bytes.count <= expectedEnd || bytes.count - start >= DamageSearch.unwrittenRun else { return false }
        return bytes[start...].allSatisfy { $0 == 0 }
    }

    private func tear() -> LogEnd {
        .tornTail(atOffset: contents.length, droppedBytes: UInt64(bytes.count) - contents.length)
    }

    /// Ends the log here if nothing whole follows, and throws if something does: then this is no torn end.
    private mutating func breakOff(_ kind: RecordKind, _ detail: String, searchFrom: Int) throws(LogError) {
        if DamageSearch.findsRecord(map, from: searchFrom, channelCount: contents.registry.channels.count) {
            throw damage(kind, at: position, detail)
        }
        end = tear()
    }

    private func damage(_ kind: RecordKind, at offset: Int, _ detail: String) -> LogError {
        let inChunk = [.chunk, .message, .schema, .channel, .unknown].contains(kind)
        return damage(kind, at: offset, detail, chunk: inChunk ? contents.chunkCount : nil)
    }

    private func damage(_ kind: RecordKind, at offset: Int, _ detail: String, chunk: Int?) -> LogError {
        if let words = ForeignFile.words(bytes) { return .rewritten(path: map.path, detail: words) }
        return .damaged(
            path: map.path,
            LogError.Damage(kind: kind, record: recordNumber, chunk: chunk, offset: UInt64(offset), detail: detail))
    }
}
