/// Writes a log in which every commit survives a crash (a write-ahead log in the MCAP format).
///
///     let log = try LogWriter(path: "run-000001.mcap", mode: .create)
///     let schema = try log.addSchema(name: "impromptu.Update", encoding: "protobuf", data: descriptor)
///     let updates = try log.addChannel(topic: "updates", schema: schema)
///     try log.append(channel: updates, logTime: now, data: bytes)
///     try log.commit()
///
/// `append` only buffers. `commit` writes all that is buffered as one chunk and returns once it is on the disk.
/// After a failed commit the writer refuses further use; whatever part of the chunk reached the file is cut off when
/// the log is next continued. One writer at a time holds a log.
public final class LogWriter {
    /// Whether a log is begun or continued.
    public enum Mode: Sendable {
        /// The path must be free.
        case create
        /// The log must exist. A torn end and a closing section are cut off, and writing continues after the last
        /// chunk.
        case `continue`
        /// Continues the log if there is one.
        case createOrContinue
    }

    public let path: String
    /// How the log ended when it was opened to be continued; nil for a new one.
    public private(set) var previousEnd: LogEnd?
    /// Those of the requested positions that are between two chunks of the continued log.
    public private(set) var positions: [LogPosition] = []

    private let file: any LogStorage
    /// Up to the last commit, except for declarations and message counts, which run ahead with the open chunk.
    private var contents: LogContents
    private var chunk = OpenChunk()
    /// The memory for the next one.
    private var spare = OpenChunk()
    /// Where the chunk begins that is being stored; nil while none is.
    private(set) var storedFrom: UInt64?
    private var refusal: String?

    /// Opens a log for writing.
    /// - Parameters:
    ///   - syncs: false leaves it to the system when bytes reach the disk, for a log that nobody relies on yet.
    ///   - marks: lengths of the file that `positions` reports.
    /// - Throws: `LogError.exists`, `.missing`, `.notARegularFile`, `.locked`, `.notALog`, `.damaged` or `.system`.
    public convenience init(
        path: String, mode: Mode, syncs: Bool = true, marks: [UInt64] = []
    ) throws(LogError) {
        try self.init(Self.open(path, mode: mode, syncs: syncs), marks: marks)
    }

    /// Begins a log in a file that is new, and continues the one that another holds.
    package init(_ file: any LogStorage, marks: [UInt64] = []) throws(LogError) {
        self.file = file
        path = file.path
        contents = LogContents()
        if file.isNew { try begin() } else { try recover(marks) }
    }

    private static func open(_ path: String, mode: Mode, syncs: Bool) throws(LogError) -> LogFile {
        switch mode {
        case .create: return try LogFile.create(path, syncs: syncs)
        case .continue: return try LogFile.open(path, syncs: syncs)
        case .createOrContinue:
            do throws(LogError) {
                return try LogFile.open(path, syncs: syncs)
            } catch .missing {
                return try LogFile.create(path, syncs: syncs)
            }
        }
    }

    /// Writes the first bytes of a new log and makes its name durable.
    private func begin() throws(LogError) {
        try write(LogFormat.opening)
        try file.synchronize()
        try file.synchronizeParent()
    }

    /// Reads the whole log, then cuts off what is torn or closes it.
    private func recover(_ marks: [UInt64]) throws(LogError) {
        var scanner = try LogScanner(file.map())
        while try scanner.nextChunk() {
            if marks.contains(scanner.contents.length) { positions.append(scanner.contents.position) }
        }
        contents = scanner.contents
        previousEnd = scanner.end
        guard scanner.end != .open else { return }
        try file.truncate(to: contents.length)
        guard contents.length > 0 else { return try begin() }
        try write(scanner.missingIndex)
        try file.synchronize()
    }

    private func write(_ bytes: [UInt8]) throws(LogError) {
        try file.write(bytes.span.bytes, at: contents.length)
        bytes.withUnsafeBytes { contents.addBytes($0) }
    }

    // MARK: Declarations

    /// Declares a message type, or finds it if the log has it already. It becomes durable with the next commit.
    /// - Throws: `LogError.invalidDeclaration` or `.unusable`.
    public func addSchema(name: String, encoding: String, data: [UInt8]) throws(LogError) -> SchemaID {
        try requireUsable()
        let schema = LogSchema(name: name, encoding: encoding, data: data)
        if let known = contents.registry.id(of: schema) { return known }
        try requireShort(name, encoding)
        guard data.count <= UInt32.max else {
            throw .invalidDeclaration(path: path, detail: "the schema \(name) is longer than 4 GiB")
        }
        guard let id = contents.registry.add(schema) else {
            throw .invalidDeclaration(path: path, detail: "the log has 65535 schemas already")
        }
        chunk.append(schema, id: id)
        return id
    }

    /// Declares a channel, or finds it if the log has it already. It becomes durable with the next commit.
    /// - Throws: `LogError.invalidDeclaration` if the topic exists with another schema, encoding or metadata;
    ///   `LogError.unusable`.
    public func addChannel(
        topic: String, schema: SchemaID, messageEncoding: String = "protobuf", metadata: [String: String] = [:]
    ) throws(LogError) -> ChannelID {
        try requireUsable()
        let channel = LogChannel(topic: topic, schema: schema, messageEncoding: messageEncoding, metadata: metadata)
        if let known = contents.registry.id(ofTopic: topic) {
            if contents.registry.channels[known.ordinal] == channel { return known }
            throw .invalidDeclaration(path: path, detail: "the channel \(topic) exists with other properties")
        }
        guard contents.registry.knows(schema) else {
            throw .invalidDeclaration(path: path, detail: "the channel \(topic) names a schema of another log")
        }
        try requireShort(topic, messageEncoding)
        var metadataSize = 0
        for (key, value) in metadata { metadataSize += key.utf8.count + value.utf8.count + 8 }
        guard metadataSize <= UInt32.max else {
            throw .invalidDeclaration(path: path, detail: "the metadata of the channel \(topic) is longer than 4 GiB")
        }
        guard let id = contents.registry.add(channel) else {
            throw .invalidDeclaration(path: path, detail: "the log has 65535 channels already")
        }
        chunk.append(channel, id: id)
        return id
    }

    /// The channel of a topic with its schema, where the log has one.
    public func channel(ofTopic topic: String) -> (id: ChannelID, schema: LogSchema)? {
        guard let id = contents.registry.id(ofTopic: topic),
            let schema = contents.registry.schema(contents.registry.channels[id.ordinal].schema)
        else { return nil }
        return (id, schema)
    }

    private func requireShort(_ strings: String...) throws(LogError) {
        for string in strings where string.utf8.count > UInt32.max {
            throw .invalidDeclaration(path: path, detail: "a name is longer than 4 GiB")
        }
    }

    // MARK: Messages

    /// Buffers a message; nothing reaches the file before `commit`.
    /// - Parameters:
    ///   - logTime: Nanoseconds, in any clock, as long as the whole log keeps to it.
    ///   - publishTime: Nanoseconds; the log time if there is no other.
    /// - Throws: `LogError.invalidMessage` or `.unusable`.
    public func append(
        channel: ChannelID, logTime: UInt64, publishTime: UInt64? = nil, data: RawSpan
    ) throws(LogError) {
        let sequence = try begin(on: channel)
        chunk.append(
            channel: channel, sequence: sequence, logTime: logTime, publishTime: publishTime ?? logTime,
            byteCount: data.byteCount)
        data.withUnsafeBytes { chunk.append($0) }
    }

    /// As above, for a large message that comes piece by piece, so that no copy is made but the buffered one.
    /// - Parameters:
    ///   - byteCount: of all pieces together.
    ///   - write: hands the pieces over in their order.
    /// - Throws: as above, and `LogError.invalidMessage` where the pieces have other bytes; then the writer is unusable.
    package func append(
        channel: ChannelID, logTime: UInt64, byteCount: Int,
        _ write: (_ take: @escaping (UnsafeRawBufferPointer) -> Void) -> Void
    ) throws(LogError) {
        let sequence = try begin(on: channel)
        chunk.append(
            channel: channel, sequence: sequence, logTime: logTime, publishTime: logTime, byteCount: byteCount)
        let start = chunk.recordsSize
        write { [self] piece in chunk.append(piece) }
        let found = chunk.recordsSize - start
        guard found == byteCount else {
            refusal = "a message of \(byteCount) bytes came with \(found)"
            throw .invalidMessage(path: path, detail: "expected \(byteCount) bytes in pieces, found \(found)")
        }
    }

    /// The sequence number of the next message.
    private func begin(on channel: ChannelID) throws(LogError) -> UInt32 {
        try requireUsable()
        guard contents.registry.knows(channel) else {
            throw .invalidMessage(path: path, detail: "the channel belongs to another log")
        }
        defer { contents.addMessage(channel: channel) }
        return contents.nextSequence
    }

    /// As above, for an array.
    public func append(
        channel: ChannelID, logTime: UInt64, publishTime: UInt64? = nil, data: [UInt8]
    ) throws(LogError) {
        try append(channel: channel, logTime: logTime, publishTime: publishTime, data: data.span.bytes)
    }

    /// Messages appended since the log was created, with those not yet committed.
    public var messageCount: UInt64 { contents.messageCount }

    /// Bytes of the file up to the last commit.
    public var committedLength: UInt64 { contents.length }

    var committedPosition: LogPosition { contents.position }

    func scanner(from position: LogPosition) throws(LogError) -> LogScanner {
        LogScanner(try file.map(), behind: LogContents(at: position, of: contents.registry))
    }

    /// Bytes that wait for the next commit.
    public var bufferedBytes: Int { chunk.recordsSize }

    /// Writes all that is buffered and returns once it is on the disk. Does nothing if nothing is buffered.
    /// - Throws: `LogError.system` if the disk is full or fails; then the writer is unusable. `LogError.unusable`.
    public func commit() throws(LogError) {
        guard let sealed = try seal() else { return }
        sealed.store()
        try finish(sealed)
    }

    /// Takes what is buffered out of the writer as one chunk, so that another thread can store it while the writer takes
    /// the next messages. There is one such chunk at a time: it is stored and finished before the next is sealed.
    /// - Returns: nil if nothing is buffered.
    /// - Throws: `LogError.unusable`, also while the chunk before it is not finished.
    package func seal() throws(LogError) -> SealedChunk? {
        try requireUsable()
        guard !chunk.isEmpty else { return nil }
        if let storedFrom {
            throw .unusable(path: path, reason: "the chunk at byte \(storedFrom) is not finished")
        }
        let offset = contents.length
        storedFrom = offset
        let sealed = SealedChunk(chunk, of: file, at: offset)
        chunk = spare
        spare = OpenChunk()
        return sealed
    }

    /// Notes that a sealed chunk was stored.
    /// - Throws: what storing it threw; then the writer is unusable.
    package func finish(_ sealed: SealedChunk) throws(LogError) {
        storedFrom = nil
        if let failure = sealed.failure {
            refusal = "an earlier write failed: \(failure)"
            throw failure
        }
        sealed.add(to: &contents)
        spare = sealed.recycle()
    }

    /// Commits, then writes the summary and the footer that other MCAP readers use. The writer takes nothing more.
    /// - Throws: `LogError.system` or `.unusable`.
    public func close() throws(LogError) {
        try end()
        file.unlock()
    }

    /// As `close`, and keeps the lock for as long as the writer lives: until its successor holds that of another file.
    /// - Throws: `LogError.system` or `.unusable`.
    package func end() throws(LogError) {
        try commit()
        var closing = ClosingSection(of: contents)
        var offset = contents.length
        try refusingAfterFailure { () throws(LogError) in
            while let piece = closing.piece() {
                try file.write(piece.span.bytes, at: offset)
                offset += UInt64(piece.count)
            }
            try file.synchronize()
        }
        refusal = "it was closed"
    }

    private func requireUsable() throws(LogError) {
        if let refusal { throw .unusable(path: path, reason: refusal) }
    }

    private func refusingAfterFailure(_ body: () throws(LogError) -> Void) throws(LogError) {
        do throws(LogError) {
            try body()
        } catch {
            refusal = "an earlier write failed: \(error)"
            throw error
        }
    }
}
