/// Reads a log from its first to its last message and checks every byte on the way.
///
///     var reader = try LogReader(path: "run-000001.mcap")
///     while let message = try reader.next() {
///         message.data.withUnsafeBytes { ... }
///     }
///     if case .tornTail(let offset, let dropped) = reader.end { ... }
///
/// A torn end is no error: reading stops there and `end` says so. Damage before the end throws `LogError.damaged`. A sound MCAP
/// file that another program made of a log is read as well, as far as its compression is known.
///
/// A log may be read while it is written; the reader sees what was there when it opened the file. A log that a writer may
/// open to continue it is to be copied, since the writer cuts off a torn end.
public struct LogReader: ~Copyable, Sendable {
    private var scanner: LogScanner
    private var nextMessage = 0
    /// Messages read so far.
    private var count = 0
    /// Reads on where the file turns out to be of another program's making.
    private var foreign: ForeignReader?

    /// Maps the file and checks its first bytes.
    /// - Throws: `LogError.missing`, `.notARegularFile`, `.notALog`, `.damaged` or `.system`.
    public init(path: String) throws(LogError) { try self.init(FileMap(path: path)) }

    /// Copies the file and checks its first bytes.
    /// - Throws: as `init(path:)`.
    public init(copyOf path: String) throws(LogError) { try self.init(FileMap(copyOf: path)) }

    /// Reads what was mapped before.
    package init(_ map: FileMap) throws(LogError) {
        do throws(LogError) {
            scanner = try LogScanner(map)
        } catch .rewritten {
            scanner = LogScanner(map, behind: LogContents())
            foreign = ForeignReader(map)
        }
    }

    init(_ scanner: consuming LogScanner) { self.scanner = scanner }

    /// The file.
    public var path: String { scanner.map.path }

    /// The next message, or nil at the end of the log.
    /// - Throws: `LogError.damaged`, or `.rewritten` for a file of another program's making that cannot be read.
    public mutating func next() throws(LogError) -> LogMessage? {
        if foreign != nil { return try foreign!.next() }
        do throws(LogError) {
            let message = try nextOwn()
            count += 1
            return message
        } catch .rewritten {
            var reader = ForeignReader(scanner.map)
            // The order of the messages is the same, whatever their layout.
            for _ in 0..<count { _ = try reader.next() }
            foreign = reader
            return try foreign!.next()
        }
    }

    private mutating func nextOwn() throws(LogError) -> LogMessage? {
        while nextMessage == scanner.messages.count {
            nextMessage = 0
            guard try scanner.nextChunk() else { return nil }
        }
        let location = scanner.messages[nextMessage]
        nextMessage += 1
        return LogMessage(
            channel: location.channel, topic: scanner.contents.registry.channels[location.channel.ordinal].topic,
            sequence: location.sequence, logTime: location.logTime, publishTime: location.publishTime,
            chunk: scanner.contents.chunkCount - 1, offset: UInt64(location.offset),
            data: MappedBytes(map: scanner.records, range: location.data))
    }

    /// How the log ends; nil until `next()` has returned nil.
    public var end: LogEnd? { foreign == nil ? scanner.end : .closed }

    /// The schemas read so far, in the order of their ids.
    public var schemas: [LogSchema] { registry.schemas }

    private var registry: Registry { foreign?.registry ?? scanner.contents.registry }

    /// A schema of those read so far; nil for a channel that has none.
    public func schema(_ id: SchemaID) -> LogSchema? {
        registry.schema(id)
    }

    /// The channels read so far, in the order of their ids.
    public var channels: [LogChannel] { registry.channels }

    /// Chunks read so far.
    public var chunkCount: Int { foreign?.chunkCount ?? scanner.contents.chunkCount }

    /// Bytes from the start of the file up to the last whole record that was read.
    public var length: UInt64 { scanner.contents.length }
}

/// A message as the log holds it.
public struct LogMessage: Sendable {
    public var channel: ChannelID
    public var topic: String
    /// Counts the messages of the log from 1, modulo 2³².
    public var sequence: UInt32
    /// Nanoseconds, in the clock of whoever appended the message.
    public var logTime: UInt64
    /// Nanoseconds.
    public var publishTime: UInt64
    /// The chunk that holds the message, counted from 0.
    public var chunk: Int
    /// Where the message's record begins, from the start of the file.
    public var offset: UInt64
    public var data: MappedBytes
}

/// Bytes within a mapped file. Copies of this value share them.
public struct MappedBytes: Sendable {
    private let map: FileMap
    private let range: Range<Int>

    init(map: FileMap, range: Range<Int>) {
        self.map = map
        self.range = range
    }

    public var count: Int { range.count }

    /// Calls `body` with the bytes, which are valid until it returns.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(rebasing: map.bytes[range]))
    }

    /// Lets the system have the memory of the file's bytes again: for many that were read and are not needed soon.
    package func giveBack() { map.giveBack(range) }

    /// A copy of the bytes.
    public var bytes: [UInt8] { withUnsafeBytes { Array($0) } }
}
