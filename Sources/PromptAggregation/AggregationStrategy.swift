/// How the contributions of a flush become the next version.
///
/// A strategy is a value: a copy is a snapshot. It has no clock and no randomness but the seed it was made with, so the
/// same contributions give the same bits.
public protocol AggregationStrategy: Sendable {
    /// The state to publish.
    var state: PromptState { get }

    /// Turns a flush's contributions into the next `state`.
    ///
    /// - Parameter contributions: in the order of `Contribution.inOrder`; checked by the aggregator: every tensor finite
    ///   and of the shape that `state` has (but for the rows of `prompts`), identities without repetition. May be empty.
    mutating func aggregate(_ contributions: [Contribution]) -> FlushReport

    /// Writes all that flushes may have changed; what the settings and the seed say is left out.
    func write(to writer: inout SnapshotWriter)

    /// Reads what `write` wrote, into a strategy made with the same settings, initial state and seed.
    ///
    /// - Throws: `SnapshotError`; the value is then of no further use.
    mutating func read(from reader: inout SnapshotReader) throws(SnapshotError)
}

extension AggregationStrategy {
    /// The strategy's memory as bytes, the same for the same memory.
    public func snapshot() -> [UInt8] {
        var writer = SnapshotWriter()
        writeNamed(to: &writer)
        return writer.finish()
    }

    /// Goes on from where `snapshot` was taken of a strategy that was made with the same settings, initial state and seed.
    ///
    /// - Throws: `SnapshotError` saying what was expected and what came; the strategy is then as it was.
    public mutating func restore(_ snapshot: [UInt8]) throws(SnapshotError) {
        var reader = try SnapshotReader(snapshot)
        var restored = self
        try restored.readNamed(from: &reader)
        try reader.finish()
        self = restored
    }

    /// Writes the memory after the strategy's name, so that another one refuses it.
    package func writeNamed(to writer: inout SnapshotWriter) {
        writer.write("\(Self.self)")
        write(to: &writer)
    }

    package mutating func readNamed(from reader: inout SnapshotReader) throws(SnapshotError) {
        try reader.expect("\(Self.self)", "strategy")
        try read(from: &reader)
    }
}

/// A strategy whose published state is all that it remembers.
protocol MemorylessStrategy: AggregationStrategy {
    var state: PromptState { get set }
}

extension MemorylessStrategy {
    func write(to writer: inout SnapshotWriter) { writer.write(state) }
    mutating func read(from reader: inout SnapshotReader) throws(SnapshotError) {
        state = try reader.state(like: state)
    }
}

/// What a strategy tells observers of one flush.
public struct FlushReport: Hashable, Sendable {
    /// The share of each contribution in the result, in the order of the contributions; the sum is 1 unless none counted.
    public var weights: [Double]
    /// For each contribution, the pool prompt that each of its rows was matched with; empty where a strategy matches none.
    public var matches: [[PromptID]]
    public var births: [PromptID]
    public var deaths: [PromptID]
    /// The strategy's objective before and after the flush, nil where it has none.
    public var objectiveBefore: Double?
    public var objectiveAfter: Double?

    public init(
        weights: [Double], matches: [[PromptID]] = [], births: [PromptID] = [], deaths: [PromptID] = [],
        objectiveBefore: Double? = nil, objectiveAfter: Double? = nil
    ) {
        self.weights = weights
        self.matches = matches
        self.births = births
        self.deaths = deaths
        self.objectiveBefore = objectiveBefore
        self.objectiveAfter = objectiveAfter
    }
}
