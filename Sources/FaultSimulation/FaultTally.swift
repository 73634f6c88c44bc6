/// What happened in simulations, to show that the faults came.
public struct FaultTally: Sendable {
    public internal(set) var versions = 0
    public internal(set) var updates = 0
    public internal(set) var duplicates = 0
    public internal(set) var rejected = 0
    public internal(set) var aggregatorCrashes = 0
    public internal(set) var clientCrashes = 0
    public internal(set) var powerFailures = 0
    /// How often the aggregator came to rest and was started again.
    public internal(set) var drains = 0
    /// Settings that were changed while the aggregator was at work.
    public internal(set) var changes = 0
    /// Batches of the log.
    public internal(set) var batches = 0
    /// How often the aggregator waited for the disk before it took anything more in.
    public internal(set) var waits = 0
    /// Messages taken in while a batch was on its way to the disk.
    public internal(set) var meanwhile = 0
    /// Flushes that were aggregated beside what came meanwhile.
    public internal(set) var flushesBeside = 0
    public internal(set) var tornWrites = 0
    /// Segments of the log that followed another, and those that were removed.
    public internal(set) var segments = 0
    public internal(set) var segmentsRemoved = 0
    public internal(set) var segmentsCompressed = 0
    public internal(set) var snapshots = 0
    public internal(set) var snapshotsDamaged = 0
    public internal(set) var snapshotsPassedOver = 0
    public internal(set) var recoveriesFromSnapshots = 0
    public internal(set) var recoveriesFromSegments = 0
    public internal(set) var partitions = 0
    /// Messages that the network lost.
    public internal(set) var lost = 0
    public internal(set) var repeated = 0
    /// Times that the aggregator's process stood still.
    public internal(set) var stalls = 0
    public internal(set) var clockSteps = 0
    /// Second processes of a client.
    public internal(set) var twins = 0
    /// Sessions that were asked to end since another had taken over.
    public internal(set) var fenced = 0
    /// What clients said of versions.
    public internal(set) var evaluations = 0
    /// Tasks that came to nothing at their clients.
    public internal(set) var failed = 0

    static func += (sum: inout FaultTally, other: FaultTally) {
        for total in totals { sum[keyPath: total.path] += other[keyPath: total.path] }
    }

    /// Each figure in words.
    public var lines: [String] { Self.totals.map { "\(self[keyPath: $0.path]) \($0.name)" } }

    private static var totals: [(path: WritableKeyPath<FaultTally, Int>, name: String)] {
        [
            (\.versions, "versions"), (\.updates, "updates accepted"), (\.duplicates, "duplicates dropped"),
            (\.rejected, "messages rejected"), (\.aggregatorCrashes, "crashes of the aggregator"),
            (\.clientCrashes, "crashes of clients"), (\.powerFailures, "of all crashes with the power lost"),
            (\.drains, "drains"), (\.changes, "settings changed"), (\.batches, "batches stored"),
            (\.waits, "waits for the disk"),
            (\.meanwhile, "messages taken in while a batch was stored"),
            (\.flushesBeside, "flushes aggregated beside"), (\.tornWrites, "writes torn"),
            (\.segments, "segments begun"),
            (\.segmentsRemoved, "segments removed"), (\.segmentsCompressed, "segments compressed"),
            (\.snapshots, "snapshots kept"),
            (\.snapshotsDamaged, "snapshots damaged"), (\.snapshotsPassedOver, "snapshots passed over"),
            (\.recoveriesFromSnapshots, "recoveries from a snapshot"),
            (\.recoveriesFromSegments, "recoveries from the beginning of a segment"), (\.partitions, "partitions"),
            (\.lost, "messages lost"), (\.repeated, "messages repeated"), (\.stalls, "stalls"),
            (\.clockSteps, "steps of the clock"), (\.twins, "second processes of a client"),
            (\.fenced, "sessions fenced"), (\.failed, "tasks failed"),
            (\.evaluations, "evaluations by clients"),
        ]
    }
}
