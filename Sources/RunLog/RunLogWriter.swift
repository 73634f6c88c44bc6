import Federation
import MessageLog
import PromptWire

/// The aggregator's log: what it received, which deadlines came, what it published.
///
/// Records are buffered until `commit`, which makes them durable together. The file of a new run is made by its first
/// record, so that a run that cannot begin leaves none behind. It writes the last segment, which `beginSegment` replaces.
package final class RunLogWriter {
    private struct Open {
        let log: LogWriter
        /// In the order of all channels.
        private let ids: [ChannelID]
        let links: [ChannelID: RecordChain.Channel]

        var checkpoints: ChannelID { id(of: .checkpoint) }

        init(_ log: LogWriter) throws {
            self.log = log
            let schema = LogCodec.schema
            let channels = try PromptWire.LogChannel.allCases.map { channel in
                func link(_ data: [UInt8]) -> RecordChain.Channel {
                    RecordChain.Channel(topic: channel.rawValue, schemaName: channel.schemaName, schemaData: data)
                }
                // A file that another build began keeps its schema: whether records are understood is for the header's format
                // to say, and a schema may gain fields.
                if let known = log.channel(ofTopic: channel.rawValue), known.schema.name == channel.schemaName {
                    return (known.id, link(known.schema.data))
                }
                let id = try log.addSchema(name: channel.schemaName, encoding: "protobuf", data: schema)
                return (try log.addChannel(topic: channel.rawValue, schema: id), link(schema))
            }
            ids = channels.map(\.0)
            links = Dictionary(uniqueKeysWithValues: channels)
        }

        private func id(of channel: PromptWire.LogChannel) -> ChannelID {
            ids[PromptWire.LogChannel.allCases.firstIndex(of: channel)!]
        }

        func append(_ bytes: RawSpan, on channel: PromptWire.LogChannel, at time: Timestamp) throws {
            try log.append(channel: id(of: channel), logTime: Self.nanoseconds(time), data: bytes)
        }

        /// Appends the record of a segment's beginning, without its bytes in memory before.
        func append(_ record: SegmentStarted, with state: RunSnapshot, of size: Int, at time: Timestamp) throws {
            let fields = LogCodec.encode(record, snapshotBytes: size)
            try log.append(
                channel: id(of: .segment), logTime: Self.nanoseconds(time), byteCount: fields.count + size
            ) { take in
                fields.withUnsafeBytes(take)
                state.write(take)
            }
        }

        private static func nanoseconds(_ time: Timestamp) -> UInt64 { UInt64(max(0, time.nanoseconds)) }
    }

    let storage: any RunStorage
    private let began: Timestamp
    private var open: Open?
    /// Over the records that are stored.
    package private(set) var chain = RecordChain()
    /// All records, with those that wait.
    package private(set) var records: UInt64 = 0
    /// Checkpoints that wait, without chain and signature: `SealedRecords` fills them in.
    private var checkpoints: [Checkpoint] = []
    private var key: LogKey?
    /// Whether a continued log had been closed in order.
    let wasClosed: Bool
    /// The log's first record.
    let header: RunHeader
    /// The digest of the log's first record.
    package let run: Digest
    /// The number of the segment that is written.
    package private(set) var segment = 1
    /// Bytes of the segments before it, up to their closing sections.
    private(set) var earlierBytes: UInt64 = 0
    /// Bytes of the state that the segment begins with.
    private var beginningBytes: UInt64 = 0

    /// The log of a new run, where `RunLogReader.holdsRun` finds none; the header becomes its first record.
    package init(creating storage: some RunStorage, header: RunHeader, at time: Timestamp) {
        self.storage = storage
        self.header = header
        wasClosed = false
        run = RunSnapshot.digest(of: header)
        began = time
    }

    /// Continues the log of a run; a torn end is cut off.
    /// - Parameter marks: lengths of the log, by segments, that `positions` reports.
    init(continuing storage: some RunStorage, marks: [Int: [UInt64]] = [:]) throws {
        self.storage = storage
        let (writer, number) = try Self.openNewest(of: storage, marks)
        wasClosed = writer.previousEnd == .closed
        segment = number
        var reader = try RunLogReader(LogSegments(of: storage, from: number))
        switch try reader.next()?.record {
        case .header(let header): self.header = header
        case .segment(let start):
            header = start.header
            earlierBytes = start.bytes
            beginningBytes = UInt64(start.snapshot.count)
        default: throw ReplayError("\(writer.path): expected the run's header first")
        }
        run = RunSnapshot.digest(of: header)
        began = Timestamp(nanoseconds: 0)
        open = try Open(writer)
    }

    /// Opens the newest segment. One without a record was not begun before a crash, and nothing was promised in it: it is
    /// removed, and the one before it continues.
    private static func openNewest(
        of storage: some RunStorage, _ marks: [Int: [UInt64]]
    ) throws -> (writer: LogWriter, number: Int) {
        guard var newest = try storage.segments().last else { throw LogError.missing(path: storage.path) }
        var writer = try storage.openSegment(newest, .continue, marks: marks[newest] ?? [])
        if writer.messageCount == 0, newest > 1 {
            guard try storage.segments().contains(newest - 1) else {
                throw ReplayError(
                    "\(writer.path): expected a state to continue from, found none, nor segment \(newest - 1)")
            }
            try storage.removeSegment(newest)
            newest -= 1
            writer = try storage.openSegment(newest, .continue, marks: marks[newest] ?? [])
        }
        // Another aggregator may have ended this segment while the lock was waited for.
        guard try storage.segments().last == newest else { throw LogError.locked(path: writer.path) }
        return (writer, newest)
    }

    private func begin() throws -> Open {
        let open = try Open(storage.openSegment(1, .createOrContinue, marks: []))
        try open.append(LogCodec.encode(header).span.bytes, on: .header, at: began)
        records += 1
        return open
    }

    /// Appends a message as its bytes came.
    package func append(received bytes: RawSpan, at time: Timestamp) throws {
        try append(bytes, on: .received, at: time)
    }

    package func append(_ tick: Tick, at time: Timestamp) throws {
        try append(LogCodec.encode(tick), on: .tick, at: time)
    }

    package func append(_ aggregated: FlushAggregated, at time: Timestamp) throws {
        try append(LogCodec.encode(aggregated), on: .aggregated, at: time)
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
    ///   - end: what follows it.
    ///   - key: nil leaves it unsigned.
    func appendCheckpoint(_ end: Checkpoint.End, signedBy key: LogKey?, at time: Timestamp) throws {
        let checkpoint = Checkpoint(
            records: records, chain: RecordChain().link,
            signature: key == nil ? [] : [UInt8](repeating: 0, count: LogKey.signatureBytes), end: end)
        self.key = key
        try append(LogCodec.encode(checkpoint), on: .checkpoint, at: time)
        checkpoints.append(checkpoint)
    }

    private func append(_ bytes: [UInt8], on channel: PromptWire.LogChannel, at time: Timestamp) throws {
        try append(bytes.span.bytes, on: channel, at: time)
    }

    private func append(_ bytes: RawSpan, on channel: PromptWire.LogChannel, at time: Timestamp) throws {
        let open = try open ?? begin()
        self.open = open
        try open.append(bytes, on: channel, at: time)
        records += 1
    }

    /// Continues behind records that were replayed.
    func resume(behind chain: RecordChain) {
        self.chain = chain
        records = chain.records
    }

    /// Takes the records out that wait, for another thread to store; nil where none do. It is stored and finished before the
    /// next one is sealed.
    package func seal() throws -> SealedRecords? {
        guard let open, let chunk = try open.log.seal() else { return nil }
        defer { checkpoints = [] }
        return SealedRecords(
            chunk, behind: chain, channels: open.links, checkpoints: (open.checkpoints, checkpoints), key: key)
    }

    /// Notes that sealed records were stored.
    package func finish(_ sealed: SealedRecords) throws {
        try open?.log.finish(sealed.chunk)
        chain = sealed.chain
    }

    /// Stores what waits.
    private func commit() throws {
        guard let sealed = try seal() else { return }
        sealed.store()
        try finish(sealed)
    }

    /// Commits and writes the summary that other MCAP readers use.
    package func close() throws {
        try commit()
        try open?.log.close()
    }

    // MARK: Segments

    /// Whether the segment that is written has reached a size, and is several times as long as the state that it begins
    /// with, so that states are a fraction of the log.
    func hasReached(_ bytes: UInt64, growth: Int) -> Bool {
        segmentBytes >= max(bytes, UInt64(growth) * beginningBytes)
    }

    /// Ends the present segment and begins the next one. Each step is on the disk before the next begins: the present
    /// segment with all of its records; then the next one with the state, which alone a run continues from. A crash in
    /// between leaves a segment without records, which recovery removes.
    /// - Parameters:
    ///   - snapshot: of the state behind all records.
    ///   - start: the newest start of the aggregator.
    func beginSegment(
        _ snapshot: RunSnapshot, start: EpochStarted, signedBy key: LogKey?, at time: Timestamp
    ) throws {
        guard let old = open else { return }
        try appendCheckpoint(.continued, signedBy: key, at: time)
        try commit()
        earlierBytes += old.log.committedLength
        try old.log.end()
        segment += 1
        var state = snapshot
        state.begin(segment, behind: earlierBytes, chain)
        let record = SegmentStarted(
            number: segment, records: chain.records, chain: chain.link, bytes: earlierBytes, header: header,
            start: start, snapshot: [])
        let size = state.size
        beginningBytes = UInt64(size)
        let next = try Open(storage.openSegment(segment, .create, marks: []))
        open = next
        try next.append(record, with: state, of: size, at: time)
        records += 1
        try appendCheckpoint(.none, signedBy: key, at: time)
        try commit()
        // The old one's lock is held until here, so that no other aggregator takes it for the newest.
        withExtendedLifetime(old) {}
    }

    /// Names the log in errors; empty before a new one's first record.
    var path: String { open?.log.path ?? "" }

    /// Bytes of the log that are on the disk, with those of earlier segments, and of the present segment alone.
    package var committedBytes: UInt64 { earlierBytes + segmentBytes }
    package var segmentBytes: UInt64 { open?.log.committedLength ?? 0 }

    /// Bytes that wait for the next commit.
    package var bufferedBytes: Int { open?.log.bufferedBytes ?? 0 }

    /// Where the present segment ends; nil before its first record and while something waits for a commit.
    package var position: LogPosition? { open?.log.position }

    /// The positions of those marks that lie in the continued segment.
    var positions: [LogPosition] { open?.log.positions ?? [] }

    /// Reads on from one of `positions`.
    /// - Parameter chain: over the records before it.
    package func reader(from position: LogPosition, behind chain: RecordChain) throws -> RunLogReader {
        RunLogReader(try open!.log.reader(from: position), behind: position.messageCount, chain)
    }
}
