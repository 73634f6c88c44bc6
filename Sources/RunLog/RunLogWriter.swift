import Federation
import MessageLog
import PromptWire

/// The aggregator's log: what it received, which deadlines came, what it published.
///
/// Records are buffered until `commit`, which makes them durable together. The file of a new run is made by its first
/// record, so that a run that cannot begin leaves none behind.
package final class RunLogWriter {
    private struct Open {
        let log: LogWriter
        private let channels: [(id: ChannelID, link: RecordChain.Channel)]

        init(_ log: LogWriter) throws {
            self.log = log
            let schema = LogCodec.schema
            channels = try PromptWire.LogChannel.allCases.map { channel in
                let id = try log.addSchema(name: channel.schemaName, encoding: "protobuf", data: schema)
                return (
                    try log.addChannel(topic: channel.rawValue, schema: id),
                    RecordChain.Channel(
                        topic: channel.rawValue, schemaName: channel.schemaName, schemaData: schema)
                )
            }
        }

        func append(
            _ bytes: RawSpan, on channel: PromptWire.LogChannel, at time: Timestamp, to chain: inout RecordChain
        ) throws {
            let (id, _) = channels[PromptWire.LogChannel.allCases.firstIndex(of: channel)!]
            let nanoseconds = UInt64(max(0, time.nanoseconds))
            try log.append(channel: id, logTime: nanoseconds, publishTime: nanoseconds, data: bytes)
            let place = place(on: channel, at: time)
            bytes.withUnsafeBytes { chain.add($0, at: place) }
        }

        func place(on channel: PromptWire.LogChannel, at time: Timestamp) -> [UInt8] {
            let nanoseconds = UInt64(max(0, time.nanoseconds))
            return channels[PromptWire.LogChannel.allCases.firstIndex(of: channel)!].link
                .place(logTime: nanoseconds, publishTime: nanoseconds)
        }
    }

    private let begin: (inout RecordChain) throws -> Open
    private var open: Open?
    /// Over all records, with those that wait.
    package internal(set) var chain = RecordChain()
    /// Whether a continued log had been closed in order.
    let wasClosed: Bool
    /// The digest of the log's first record.
    package var run: Digest?

    /// The log of a new run, where `RunLogReader.holdsRun` finds none; the header becomes its first record.
    package init(creating storage: some RunStorage, header: RunHeader, at time: Timestamp) {
        wasClosed = false
        run = RunSnapshot.digest(of: header)
        begin = { chain in
            let open = try Open(storage.openLog(.createOrContinue, marks: []))
            try open.append(LogCodec.encode(header).span.bytes, on: .header, at: time, to: &chain)
            return open
        }
    }

    /// Continues the log of a run; a torn end is cut off.
    /// - Parameter marks: lengths of the log that `positions` reports.
    init(continuing storage: some RunStorage, marks: [UInt64] = []) throws {
        let writer = try storage.openLog(.continue, marks: marks)
        wasClosed = writer.previousEnd == .closed
        let open = try Open(writer)
        self.open = open
        begin = { _ in open }
    }

    /// Appends a message as its bytes came.
    package func append(received bytes: RawSpan, at time: Timestamp) throws {
        try append(bytes, on: .received, at: time)
    }

    package func append(_ tick: Tick, at time: Timestamp) throws {
        try append(LogCodec.encode(tick), on: .tick, at: time)
    }

    package func append(_ request: DrainRequested, at time: Timestamp) throws {
        try append(LogCodec.encode(request), on: .drain, at: time)
    }

    package func append(_ change: SettingChanged, at time: Timestamp) throws {
        try append(LogCodec.encode(change), on: .setting, at: time)
    }

    package func append(_ start: EpochStarted, at time: Timestamp) throws {
        try append(LogCodec.encode(start), on: .epoch, at: time)
    }

    package func append(_ publication: Publication, at time: Timestamp) throws {
        try append(LogCodec.encode(publication), on: .publication, at: time)
    }

    package func append(_ validation: Validation, at time: Timestamp) throws {
        try append(LogCodec.encode(validation), on: .validation, at: time)
    }

    /// Appends what the log holds up to here.
    /// - Parameters:
    ///   - closing: whether the log is closed behind it.
    ///   - key: nil leaves it unsigned.
    func appendCheckpoint(closing: Bool, signedBy key: LogKey?, at time: Timestamp) throws {
        var checkpoint = Checkpoint(records: chain.records, chain: chain.link, closing: closing)
        if let key, let open { checkpoint.signature = key.sign(checkpoint, at: open.place(on: .checkpoint, at: time)) }
        try append(LogCodec.encode(checkpoint), on: .checkpoint, at: time)
    }

    private func append(_ bytes: [UInt8], on channel: PromptWire.LogChannel, at time: Timestamp) throws {
        try append(bytes.span.bytes, on: channel, at: time)
    }

    private func append(_ bytes: RawSpan, on channel: PromptWire.LogChannel, at time: Timestamp) throws {
        let open = try open ?? begin(&chain)
        self.open = open
        try open.append(bytes, on: channel, at: time, to: &chain)
    }

    /// Takes the records out that wait, for another thread to store; nil where none do. It is stored and finished before the
    /// next one is sealed.
    package func seal() throws -> SealedChunk? { try open?.log.seal() }

    /// Notes that a sealed chunk was stored.
    package func finish(_ sealed: SealedChunk) throws { try open?.log.finish(sealed) }

    /// Commits and writes the summary that other MCAP readers use.
    package func close() throws { try open?.log.close() }

    /// Names the log in errors; empty before a new one's first record.
    var path: String { open?.log.path ?? "" }

    /// Bytes of the log that are on the disk.
    package var committedBytes: UInt64 { open?.log.committedLength ?? 0 }

    /// Bytes that wait for the next commit.
    package var bufferedBytes: Int { open?.log.bufferedBytes ?? 0 }

    /// Where the log ends; nil before its first record and while something waits for a commit.
    package var position: LogPosition? { open?.log.position }

    /// The positions of those marks that lie in the continued log.
    var positions: [LogPosition] { open?.log.positions ?? [] }

    /// Reads on from one of `positions`.
    /// - Parameter chain: over the records before it.
    package func reader(from position: LogPosition, behind chain: RecordChain) throws -> RunLogReader {
        RunLogReader(try open!.log.reader(from: position), behind: chain)
    }
}
