/// How the contributions of a flush become the next version.
///
/// A strategy is a value: a copy is a snapshot. It has no clock and no randomness but the seed it was made with, so the
/// same contributions give the same bits.
public protocol AggregationStrategy: Sendable {
    /// The state to publish.
    var state: PromptState { get }

    /// The most prompts that the pool of `state` may come to hold.
    var largestPool: Int { get }

    /// What snapshots call the strategy. It never changes, whatever becomes of the type's name.
    var formatID: String { get }

    /// Turns a flush's contributions into the next `state`. Callers use `aggregate(_:)`.
    ///
    /// - Parameter contributions: in the order of `Contribution.inOrder`; checked by the aggregator: every tensor finite
    ///   and of the shape that `state` has (but for the rows of `prompts`), identities without repetition. May be empty.
    mutating func aggregate(inOrder contributions: [Contribution]) -> FlushReport

    /// Writes all that flushes may have changed; what the settings and the seed say is left out.
    func write(to writer: inout SnapshotWriter)

    /// Reads what `write` wrote, into a strategy made with the same settings, initial state and seed.
    ///
    /// - Throws: `SnapshotError`; the value is then of no further use.
    mutating func read(from reader: inout SnapshotReader) throws(SnapshotError)
}

extension AggregationStrategy {
    /// Those of now: most strategies keep the pool's size.
    public var largestPool: Int { state.promptIDs.count }

    /// Turns a flush's contributions into the next `state`, whatever the order in which they arrived.
    ///
    /// - Parameter contributions: as `aggregate(inOrder:)` takes them, in any order.
    /// - Returns: the report, whose lists follow the contributions as `Contribution.inOrder` sorts them.
    public mutating func aggregate(_ contributions: [Contribution]) -> FlushReport {
        aggregate(inOrder: contributions.sorted(by: Contribution.inOrder))
    }

    /// The strategy's memory as bytes, the same for the same memory.
    public func snapshot() -> [UInt8] {
        var writer = SnapshotWriter()
        writeNamed(to: &writer)
        return writer.finish()
    }

    /// Continues from a `snapshot` of a strategy that was made with the same settings, initial state and seed.
    ///
    /// - Throws: `SnapshotError` saying what was expected and what came; the strategy is then as it was.
    public mutating func restore(_ snapshot: [UInt8]) throws(SnapshotError) {
        var reader = try SnapshotReader(snapshot)
        var restored = self
        try restored.readNamed(from: &reader)
        try reader.finish()
        self = restored
    }

    /// Writes the memory after the strategy's format id and the algorithm's version, so that another one refuses it.
    package func writeNamed(to writer: inout SnapshotWriter) {
        writer.write(formatID)
        writer.write(AggregationAlgorithm.version)
        write(to: &writer)
    }

    package mutating func readNamed(from reader: inout SnapshotReader) throws(SnapshotError) {
        try reader.expect(formatID, "strategy")
        try reader.expect(AggregationAlgorithm.version, "algorithm version")
        try read(from: &reader)
    }
}

/// A strategy that the catalog knows by name.
protocol CatalogStrategy: AggregationStrategy {
    static var entry: StrategyEntry { get }
}

extension CatalogStrategy {
    var formatID: String { Self.entry.name }
}

/// A strategy whose published state is all that it remembers.
protocol MemorylessStrategy: CatalogStrategy {
    var state: PromptState { get set }
}

extension MemorylessStrategy {
    func write(to writer: inout SnapshotWriter) { writer.write(state) }
    mutating func read(from reader: inout SnapshotReader) throws(SnapshotError) {
        state = try reader.state(like: state)
    }
}
