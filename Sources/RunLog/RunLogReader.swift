import Federation
import MessageLog
import PromptWire

/// One record of a run's log.
package struct RunLogEntry {
    /// Counted from 0 in the order of the log.
    var number: Int
    /// Where it begins in the file, in bytes.
    var offset: UInt64
    var time: Timestamp
    /// The bytes of the payload.
    var size: Int
    /// What it says beside its data, as it is chained and signed.
    var place: [UInt8]
    package var record: LogRecord
}

/// Reads a run's log from its first record to its last.
package struct RunLogReader: ~Copyable {
    package let path: String
    private var reader: LogReader
    /// Over all records up to the last that was read.
    package private(set) var chain: RecordChain
    /// What the chain says of the channels, by their ordinals.
    private var channels: [RecordChain.Channel] = []

    package init(path: String) throws { self.init(try LogReader(path: path)) }

    /// - Parameter chain: over the records before the first that is read.
    package init(_ reader: consuming LogReader, behind chain: RecordChain = RecordChain()) {
        path = reader.path
        self.reader = reader
        self.chain = chain
    }

    /// The first record.
    /// - Throws: `LogError`, `ReplayError` where it is none that begins a run.
    consuming func readHeader() throws -> RunHeader {
        guard let entry = try next(), case .header(let header) = entry.record else {
            throw ReplayError("\(path): expected the run's header first")
        }
        return header
    }

    /// Whether there is a log with a run's header: a crash may leave one without, in which nothing was promised yet.
    package static func holdsRun(in storage: some RunStorage) throws -> Bool {
        do {
            var reader = RunLogReader(try storage.readLog())
            return try reader.next() != nil
        } catch LogError.missing {
            return false
        }
    }

    /// The next record, nil at the end; a torn end is no error.
    /// - Throws: `LogError` where the file is damaged; `ReplayError` where a record cannot be understood, and at a checkpoint
    ///   where the records before it are not those that it was written behind.
    package mutating func next() throws -> RunLogEntry? {
        guard let message = try reader.next() else { return nil }
        let (path, number) = (path, Int(chain.records))
        func problem(_ words: String) -> ReplayError {
            ReplayError("\(path): record \(number) at byte \(message.offset): \(words)")
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
        if case .checkpoint(let checkpoint) = record, !chain.isBehind(checkpoint) {
            throw problem(
                "the checkpoint was written behind \(checkpoint.records) other records: the log was changed before it")
        }
        while channels.count <= message.channel.ordinal { channels.append(linkedChannel(channels.count)) }
        let place = channels[message.channel.ordinal].place(
            logTime: message.logTime, publishTime: message.publishTime)
        message.data.withUnsafeBytes { chain.add($0, at: place) }
        return RunLogEntry(
            number: number, offset: message.offset, time: Timestamp(nanoseconds: Int64(clamping: message.logTime)),
            size: message.data.count, place: place, record: record)
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

    /// How the log ends; known once `next` has returned nil.
    var end: LogEnd? { reader.end }
}

extension RecordChain {
    /// Whether a checkpoint was written behind the very records that this goes over.
    fileprivate func isBehind(_ checkpoint: Checkpoint) -> Bool {
        checkpoint.records == records && checkpoint.chain == link
    }
}

/// Why a log cannot be replayed, naming the record.
public struct ReplayError: Error, CustomStringConvertible, Equatable {
    public let description: String
    public init(_ description: String) { self.description = description }
}
