import Federation
import MessageLog
import PromptWire

/// One record of a run's log.
package struct RunLogEntry {
    /// Counted from 0 in the order of the log, over all of its segments.
    var number: Int
    /// The segment's file.
    var file: String
    /// Where it begins in the file, in bytes.
    var offset: UInt64
    var time: Timestamp
    /// The bytes of the payload.
    var size: Int
    /// What it says beside its data, as it is chained and signed.
    var place: [UInt8]
    package var record: LogRecord
}

/// Reads a run's log from its first record to its last, through all segments as if they were one file.
package struct RunLogReader: ~Copyable {
    package let path: String
    /// Those that follow the present one.
    private var segments: LogSegments?
    private var reader: LogReader
    /// The number of the present segment.
    private var segment: Int
    /// Records read of the present segment.
    private var position: UInt64
    /// What the last checkpoint said of what follows it.
    private var checkpoint = Checkpoint.End.none
    /// Over all records up to the last that was read.
    package private(set) var chain: RecordChain
    /// What the chain says of the present segment's channels, by their ordinals.
    private var channels: [RecordChain.Channel] = []

    /// - Parameter path: a run folder, or the file of one segment.
    package init(path: String) throws { try self.init(LogSegments(path: path)) }

    package init(_ segments: LogSegments) throws {
        var rest = segments
        path = rest.path
        segment = rest.numbers[0]
        reader = try rest.openNext()
        self.segments = rest
        position = 0
        chain = RecordChain()
    }

    /// Reads on in one segment.
    /// - Parameters:
    ///   - position: the records of the segment before the first that is read.
    ///   - chain: over the records of the log before that.
    package init(_ reader: consuming LogReader, behind position: UInt64, _ chain: RecordChain) {
        path = reader.path
        self.reader = reader
        segment = LogSegments.unnumbered
        self.position = position
        self.chain = chain
    }

    /// Whether there is a log with a run's header: a crash may leave one without, in which nothing was promised yet.
    package static func holdsRun(in storage: some RunStorage) throws -> Bool {
        guard let newest = try storage.segments().last else { return false }
        // A later segment follows one that was whole.
        if newest > 1 { return true }
        var reader = try RunLogReader(LogSegments(of: storage))
        return try reader.next() != nil
    }

    /// The next record, nil at the end; a torn end is no error.
    /// - Throws: `LogError` where a file is damaged; `ReplayError` where a record cannot be understood, at a checkpoint
    ///   where the records before it are not those that it was written behind, and where a segment does not follow the one
    ///   before it.
    package mutating func next() throws -> RunLogEntry? {
        while true {
            if let message = try reader.next() { return try entry(message) }
            guard let number = segments?.numbers.first else { return nil }
            guard reader.end == .closed, checkpoint == .continued else {
                throw ReplayError(
                    "\(reader.path): the segment ends behind record \(Int(chain.records) - 1) without the checkpoint that"
                        + " continues it, but segment \(number) is there")
            }
            reader = try segments!.openNext()
            segment = number
            position = 0
            channels = []
        }
    }

    private mutating func entry(_ message: LogMessage) throws -> RunLogEntry {
        func problem(_ words: String) -> ReplayError {
            ReplayError("\(reader.path): record \(chain.records) at byte \(message.offset): \(words)")
        }
        guard let channel = PromptWire.LogChannel(rawValue: message.topic) else {
            throw problem("unknown channel '\(message.topic)'")
        }
        let record: LogRecord
        do {
            record = try message.data.withUnsafeBytes { bytes throws(WireError) in
                try LogCodec.decode(bytes, on: channel)
            }
        } catch {
            throw problem("\(error)")
        }
        if let words = unfitting(record) { throw problem(words) }
        if case .segment(let start) = record { chain = RecordChain(records: start.records, link: start.chain) }
        if case .checkpoint(let found) = record { checkpoint = found.end } else { checkpoint = .none }
        while channels.count <= message.channel.ordinal { channels.append(linkedChannel(channels.count)) }
        let place = channels[message.channel.ordinal].place(
            logTime: message.logTime, publishTime: message.publishTime)
        let number = Int(chain.records)
        message.data.withUnsafeBytes { chain.add($0, at: place) }
        // The record has a copy of the states that a segment begins with.
        if case .segment = record { message.data.giveBack() }
        position += 1
        return RunLogEntry(
            number: number, file: reader.path, offset: message.offset,
            time: Timestamp(nanoseconds: Int64(clamping: message.logTime)), size: message.data.count, place: place,
            record: record)
    }

    /// What keeps a record from being the next one of this log; nil where it is.
    private func unfitting(_ record: LogRecord) -> String? {
        switch record {
        case .checkpoint(let found) where !chain.isAt(found.records, found.chain):
            return "the checkpoint was written behind \(found.records) other records: the log was changed before it"
        case .segment(let start):
            if position > 0 { return "segment \(start.number) begins in the middle of another" }
            if segment != LogSegments.unnumbered, start.number != segment {
                return "expected the beginning of segment \(segment), found that of segment \(start.number)"
            }
            // The first one that is read says itself what came before it.
            return chain.records == 0 || chain.isAt(start.records, start.chain)
                ? nil
                : "segment \(start.number) was begun behind \(start.records) other records: the log was changed before it"
        default:
            return position == 0 && chain.records > 0 ? "expected the beginning of segment \(segment)" : nil
        }
    }

    private func linkedChannel(_ ordinal: Int) -> RecordChain.Channel {
        let channel = reader.channels[ordinal]
        let schema = reader.schema(channel.schema)
        return RecordChain.Channel(
            topic: channel.topic, schemaName: schema?.name ?? "", schemaData: schema?.data ?? [])
    }

    /// Bytes that were dropped from a torn end, 0 for a whole log; known once `next` has returned nil.
    package var droppedBytes: UInt64 {
        if case .tornTail(_, let dropped) = reader.end { return UInt64(dropped) }
        return 0
    }

    /// How the last segment ends; known once `next` has returned nil.
    var end: LogEnd? { reader.end }
}

extension RecordChain {
    /// Whether it goes over so many records and comes to that link.
    fileprivate func isAt(_ records: UInt64, _ link: [UInt8]) -> Bool { self.records == records && self.link == link }
}

/// Why a log cannot be replayed, naming the record.
public struct ReplayError: Error, CustomStringConvertible, Equatable {
    public let description: String
    public init(_ description: String) { self.description = description }
}
