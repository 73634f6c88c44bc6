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
        let channels: [ChannelID]

        init(_ log: LogWriter) throws {
            self.log = log
            let schema = LogCodec.schema
            channels = try PromptWire.LogChannel.allCases.map { channel in
                let id = try log.addSchema(name: channel.schemaName, encoding: "protobuf", data: schema)
                return try log.addChannel(topic: channel.rawValue, schema: id)
            }
        }

        func append(_ bytes: RawSpan, on channel: PromptWire.LogChannel, at time: Timestamp) throws {
            let place = PromptWire.LogChannel.allCases.firstIndex(of: channel)!
            let nanoseconds = UInt64(max(0, time.nanoseconds))
            try log.append(channel: channels[place], logTime: nanoseconds, publishTime: nanoseconds, data: bytes)
        }
    }

    private let begin: () throws -> Open
    private var open: Open?
    /// Whether a continued log had been closed in order.
    let wasClosed: Bool
    /// The digest of the log's first record.
    package var run: Digest?

    /// The log of a new run, where `RunLogReader.holdsRun` finds none; the header becomes its first record.
    package init(creating storage: some RunStorage, header: RunHeader, at time: Timestamp) {
        wasClosed = false
        run = RunSnapshot.digest(of: header)
        begin = {
            let open = try Open(storage.openLog(.createOrContinue, marks: []))
            try open.append(LogCodec.encode(header).span.bytes, on: .header, at: time)
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
        begin = { open }
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

    private func append(_ bytes: [UInt8], on channel: PromptWire.LogChannel, at time: Timestamp) throws {
        try append(bytes.span.bytes, on: channel, at: time)
    }

    private func append(_ bytes: RawSpan, on channel: PromptWire.LogChannel, at time: Timestamp) throws {
        let open = try open ?? begin()
        self.open = open
        try open.append(bytes, on: channel, at: time)
    }

    /// Takes the records out that wait, for another thread to store; nil where none do. It is stored and finished before the
    /// next one is sealed.
    package func seal() throws -> SealedChunk? { try open?.log.seal() }

    /// Notes that a sealed chunk was stored.
    package func finish(_ sealed: SealedChunk) throws { try open?.log.finish(sealed) }

    /// Commits and writes the summary that other MCAP readers use.
    package func close() throws { try open?.log.close() }

    /// Bytes of the log that are on the disk.
    package var committedBytes: UInt64 { open?.log.committedLength ?? 0 }

    /// Bytes that wait for the next commit.
    package var bufferedBytes: Int { open?.log.bufferedBytes ?? 0 }

    /// Where the log ends; nil before its first record and while something waits for a commit.
    package var position: LogPosition? { open?.log.position }

    /// The positions of those marks that lie in the continued log.
    var positions: [LogPosition] { open?.log.positions ?? [] }

    /// Reads on from one of `positions`.
    package func reader(from position: LogPosition) throws -> RunLogReader {
        RunLogReader(try open!.log.reader(from: position), number: Int(position.messageCount))
    }
}

/// One record of a run's log.
package struct RunLogEntry {
    /// Counted from 0 in the order of the log.
    var number: Int
    /// Where it begins in the file, in bytes.
    var offset: UInt64
    var time: Timestamp
    /// The bytes of the payload.
    var size: Int
    package var record: LogRecord
}

/// Reads a run's log from its first record to its last.
package struct RunLogReader: ~Copyable {
    package let path: String
    private var reader: LogReader
    private var number: Int

    package init(path: String) throws { self.init(try LogReader(path: path)) }

    /// - Parameter number: of the first record that is read.
    package init(_ reader: consuming LogReader, number: Int = 0) {
        path = reader.path
        self.reader = reader
        self.number = number
    }

    /// The first record.
    /// - Throws: `LogError`, `ReplayError` where it is none that begins a run.
    consuming func readHeader() throws -> RunHeader {
        guard let entry = try next(), case .header(let header) = entry.record else {
            throw ReplayError("\(path): expected the run's header first")
        }
        return header
    }

    /// Whether there is a log with a run's header: a crash may leave one without, and then nothing was promised yet.
    package static func holdsRun(in storage: some RunStorage) throws -> Bool {
        do {
            var reader = RunLogReader(try storage.readLog())
            return try reader.next() != nil
        } catch LogError.missing {
            return false
        }
    }

    /// The next record, nil at the end; a torn end is no error.
    /// - Throws: `LogError` where the file is damaged; `ReplayError` where a record cannot be understood.
    package mutating func next() throws -> RunLogEntry? {
        guard let message = try reader.next() else { return nil }
        guard let channel = PromptWire.LogChannel(rawValue: message.topic) else {
            throw ReplayError("\(path): record \(number) at byte \(message.offset): unknown channel '\(message.topic)'")
        }
        let record: LogRecord
        do {
            record = try message.data.withUnsafeBytes { bytes throws(WireError) in
                try LogCodec.decode(bytes, on: channel)
            }
        } catch {
            throw ReplayError("\(path): record \(number) at byte \(message.offset): \(error)")
        }
        defer { number += 1 }
        return RunLogEntry(
            number: number, offset: message.offset, time: Timestamp(nanoseconds: Int64(clamping: message.logTime)),
            size: message.data.count, record: record)
    }

    /// Bytes that were dropped from a torn end, 0 for a whole log; known once `next` has returned nil.
    package var droppedBytes: UInt64 {
        if case .tornTail(_, let dropped) = reader.end { return UInt64(dropped) }
        return 0
    }
}

/// Why a log cannot be replayed, naming the record.
public struct ReplayError: Error, CustomStringConvertible, Equatable {
    public let description: String
    public init(_ description: String) { self.description = description }
}
