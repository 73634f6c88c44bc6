import Federation
import MessageLog
import PromptAggregation
import PromptWire
import RunSettings

/// The aggregator's state and the run's figures at a place of its log, so that recovery need not begin at the log's start.
///
/// It is good for one log alone: for the run whose first record has the digest `run`, and for a log whose segment's bytes
/// before `position` are those that it was made behind. Each segment but the first begins with one.
package struct RunSnapshot {
    /// The segment that it was taken in, and bytes of those before.
    package private(set) var segment: Int
    private var earlierBytes: UInt64
    /// The position in the segment that it was taken at.
    package var position: LogPosition
    /// Over the records before the position.
    package var chain: RecordChain
    /// Of the log's first record.
    package var run: Digest
    /// The settings that were changed before that position, in their order.
    package var changes: [SettingChanged]
    /// Starts of the aggregator before that position.
    package var epoch: UInt64
    /// When the last record before that position was made.
    package var time: Timestamp
    package var version: Version
    package var history: RunHistory
    package var state: State

    /// The aggregator's state.
    package enum State: Sendable {
        /// Encoded when the snapshot is written.
        case live(Aggregator)
        /// `Aggregator.snapshot`, as it was read.
        case encoded(ArraySlice<UInt8>)
    }

    package init(
        of aggregator: Aggregator, history: RunHistory, run: Digest, changes: [SettingChanged] = [], epoch: UInt64,
        at position: LogPosition, in segment: Int = 1, after earlierBytes: UInt64 = 0, behind chain: RecordChain,
        time: Timestamp
    ) {
        self.segment = segment
        self.earlierBytes = earlierBytes
        self.changes = changes
        self.position = position
        self.chain = chain
        self.run = run
        self.epoch = epoch
        self.time = time
        version = aggregator.version
        self.history = history
        state = .live(aggregator)
    }

    /// Bytes of the log, up to each segment's closing section, before the position.
    package var length: UInt64 { earlierBytes + position.length }

    /// Makes it the beginning of a segment.
    mutating func begin(_ segment: Int, behind earlierBytes: UInt64, _ chain: RecordChain) {
        self.segment = segment
        self.earlierBytes = earlierBytes
        self.chain = chain
        position = .start
    }

    /// The digest that names a run.
    package static func digest(of header: RunHeader) -> Digest { Digest(of: LogCodec.encode(header)) }

    // MARK: Bytes

    private static let kind = "Run"
    /// Goes up with every change of what is written here.
    private static let format: UInt64 = 6
    /// Another compilation of the same version may continue from it: what follows is compared with the log's digests.
    private static let maker = "impromptu \(buildVersion), algorithm \(AggregationAlgorithm.version)"

    /// What finds its position in a log, without the state.
    package struct Mark {
        package var run: Digest
        package var segment: Int
        package var position: LogPosition
        package var records: UInt64
        package var version: Version
    }

    package var mark: Mark {
        Mark(run: run, segment: segment, position: position, records: chain.records, version: version)
    }

    /// Hands its bytes over, piece by piece: a large state is never in memory as bytes.
    package func write(_ take: @escaping SnapshotWriter.Taker) {
        var writer = SnapshotWriter(handingTo: take)
        write(to: &writer)
        writer.finish()
    }

    /// The number of its bytes.
    package var size: Int { SnapshotWriter.count(of: write) }

    private func write(to writer: inout SnapshotWriter) {
        writer.write(Self.kind)
        writer.write(Self.format)
        writer.write(Self.maker)
        writer.write(bytes: run.bytes)
        writer.write(changes) { writer, change in
            writer.write(change.key)
            writer.write(change.value)
        }
        writer.write(epoch)
        writer.write(segment)
        writer.write(earlierBytes)
        writer.write(position.length)
        writer.write(UInt64(position.checksum))
        writer.write(position.chunkCount)
        writer.write(position.messageCount)
        writer.write(position.schemaCount)
        writer.write(position.channelCount)
        writer.write(chain.records)
        writer.write(bytes: chain.link)
        writer.write(Int(time.nanoseconds))
        writer.write(version)
        history.write(to: &writer)
        switch state {
        case .live(let aggregator): writer.write(snapshot: aggregator.writeState)
        case .encoded(let bytes): writer.write(bytes: bytes)
        }
    }

    /// - Throws: `SnapshotError` where the bytes are no such snapshot, are damaged, or come from another version.
    package init(_ bytes: [UInt8]) throws(SnapshotError) {
        var reader = try SnapshotReader(bytes)
        try reader.expect(Self.kind, "kind")
        try reader.expect(Self.format, "format of a run's snapshot")
        try reader.expect(Self.maker, "maker")
        run = Digest(bytes: try reader.byteList())
        changes = try reader.list { reader throws(SnapshotError) in
            SettingChanged(key: try reader.text(), value: try reader.text())
        }
        epoch = try reader.word()
        segment = try reader.integer("segment", in: 1...Int(Int32.max))
        earlierBytes = try reader.word()
        position = LogPosition(
            length: try reader.word(), checksum: UInt32(try reader.integer("checksum", in: 0...Int(UInt32.max))),
            chunkCount: try reader.integer("chunks", in: 0...Int.max), messageCount: try reader.word(),
            schemaCount: try reader.integer("schemas", in: 0...Int(UInt16.max)),
            channelCount: try reader.integer("channels", in: 0...Int(UInt16.max)))
        chain = RecordChain(records: try reader.word(), link: try reader.byteList())
        time = Timestamp(nanoseconds: Int64(try reader.integer()))
        version = try reader.integer("version", in: 0...Int.max)
        history = try RunHistory(from: &reader)
        state = .encoded(try reader.byteSlice())
        try reader.finish()
    }

    // MARK: Its content

    /// The aggregator that it was made of.
    /// - Parameters:
    ///   - header: the log's first record.
    ///   - initial: what the run's strategy was made of.
    /// - Throws: `SnapshotError`, or what making the strategy throws.
    package func restore(
        _ configuration: RunConfiguration, _ header: RunHeader, initial: PromptState
    ) throws -> Aggregator {
        let restored = try Aggregator(
            configuration: configuration.federation(for: header), run: header.run,
            strategy: try configuration.makeStrategy(initial: initial), snapshot: encodedState)
        guard restored.version == version, isState(of: restored) else {
            throw UnusableSnapshot("it restores to another state than it was made of")
        }
        return restored
    }

    /// Whether its state is that of an aggregator, down to the last bit.
    func isState(of other: Aggregator) -> Bool { other.isEqual(toSnapshot: encodedState) }

    private var encodedState: ArraySlice<UInt8> {
        switch state {
        case .live(let aggregator): aggregator.snapshot()[...]
        case .encoded(let bytes): bytes
        }
    }
}

/// Why recovery passes over a snapshot.
struct UnusableSnapshot: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension RunHistory {
    /// As bytes: the same history gives the same.
    package var bytes: [UInt8] {
        var writer = SnapshotWriter()
        write(to: &writer)
        return writer.finish()
    }

    package func write(to writer: inout SnapshotWriter) {
        writer.write(startedAt) { $0.write(Int($1.nanoseconds)) }
        writer.write(versions) { writer, row in
            for count in Self.rowCounts { writer.write(row[keyPath: count]) }
            for figure in [row.seconds, row.meanStaleness] { writer.write(figure) }
            // What clients report may be anything, so it travels as bits.
            for figure in [row.objectiveBefore, row.objectiveAfter, row.loss] {
                writer.write(figure) { $0.write($1.bitPattern) }
            }
        }
        writer.write(evaluations) { writer, row in
            for count in [row.version, row.updates] { writer.write(count) }
            for figure in Self.evaluationFigures { writer.write(row[keyPath: figure].bitPattern) }
        }
        writer.write(stalenessCounts)
        writer.write(participation) { writer, part in
            writer.write(part.client.name)
            for count in Self.partCounts { writer.write(part[keyPath: count]) }
        }
        writeClientEvaluations(to: &writer)
    }

    init(from reader: inout SnapshotReader) throws(SnapshotError) {
        let startedAt = try reader.optional { reader throws(SnapshotError) in
            Timestamp(nanoseconds: Int64(try reader.integer()))
        }
        let versions = try reader.list { reader throws(SnapshotError) in try VersionRow(from: &reader) }
        let evaluations = try reader.list { reader throws(SnapshotError) in
            var row = EvaluationRow(
                version: try reader.integer("version", in: 0...Int.max), seconds: 0,
                updates: try reader.integer("updates", in: 0...Int.max), accuracy: 0, balancedAccuracy: 0, loss: 0,
                maskedAccuracy: 0)
            for figure in Self.evaluationFigures { row[keyPath: figure] = Double(bitPattern: try reader.word()) }
            return row
        }
        let stalenessCounts = try reader.integers("updates by staleness")
        let participation = try reader.list { reader throws(SnapshotError) in
            var part = Participation(client: ClientID(try reader.text()))
            for count in Self.partCounts { part[keyPath: count] = try reader.integer("figure", in: 0...Int.max) }
            return part
        }
        self.init(
            startedAt: startedAt, versions: versions, evaluations: evaluations, stalenessCounts: stalenessCounts,
            participation: participation)
        try readClientEvaluations(from: &reader)
    }

    fileprivate static var rowCounts: [WritableKeyPath<VersionRow, Int>] {
        [\.version, \.updates, \.contributions, \.maximumStaleness, \.pool, \.births, \.deaths]
    }

    private static var evaluationFigures: [WritableKeyPath<EvaluationRow, Double>] {
        [\.seconds, \.accuracy, \.balancedAccuracy, \.loss, \.maskedAccuracy]
    }

    private static var partCounts: [WritableKeyPath<Participation, Int>] {
        [\.updates, \.lateUpdates, \.lastStaleness, \.stalenessSum]
    }
}

extension RunHistory.VersionRow {
    fileprivate init(from reader: inout SnapshotReader) throws(SnapshotError) {
        self.init(
            version: 0, seconds: 0, updates: 0, contributions: 0, meanStaleness: 0, maximumStaleness: 0, pool: 0,
            births: 0, deaths: 0, objectiveBefore: nil, objectiveAfter: nil, loss: nil)
        for count in RunHistory.rowCounts { self[keyPath: count] = try reader.integer("figure", in: 0...Int.max) }
        seconds = try reader.number()
        meanStaleness = try reader.number()
        for figure in [\Self.objectiveBefore, \Self.objectiveAfter, \Self.loss] {
            self[keyPath: figure] = try reader.optional { reader throws(SnapshotError) in
                Double(bitPattern: try reader.word())
            }
        }
    }
}
