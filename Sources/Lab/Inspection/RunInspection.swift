import Federation
import PromptAggregation
import PromptWire
import RunLog
import RunSettings
import Text

/// What happened in a run, read from its log.
@dynamicMemberLookup
public struct RunInspection: Encodable, Sendable {
    /// A version and the updates that made it.
    public struct VersionEntry: Encodable, Sendable {
        public var version: Int
        /// Since the first record of the log.
        public var seconds: Double
        public var digest: String
        public var pool: Int
        public var births: Int
        public var deaths: Int
        public var objectiveBefore: Double?
        public var objectiveAfter: Double?
        public var updates: [Part]

        public struct Part: Encodable, Sendable {
            public var client: String
            @Wide public var task: UInt64
            public var baseVersion: Int
            public var staleness: Int
            public var stalenessWeight: Double
            public var samples: Int
            /// The share in the version, as the strategy reports it.
            public var weight: Double
        }

        public var meanStaleness: Double {
            updates.isEmpty ? 0 : Double(updates.reduce(0) { $0 + $1.staleness }) / Double(updates.count)
        }
    }

    /// An update as it was received, and what became of it.
    public struct UpdateEntry: Encodable, Sendable {
        public enum Fate: String, Encodable, Sendable {
            case used
            /// In the buffer when the log ends.
            case waiting
            /// Too late for its synchronous round.
            case discarded
            case duplicate, rejected
        }
        /// Since the first record of the log.
        public var seconds: Double
        public var client: String
        @Wide public var session: UInt64
        @Wide public var task: UInt64
        public var baseVersion: Int
        public var samples: Int
        /// Prompts that the client touched.
        public var prompts: Int
        public var bytes: Int
        /// What the client reported; nil where it did not.
        public var loss: Double?
        public var fate: Fate
        /// Why it was rejected.
        public var reason: String?
        /// The version that it is part of; as staleness and weights, nil for one that was not used.
        public var version: Int?
        public var staleness: Int?
        public var stalenessWeight: Double?
        public var weight: Double?
    }

    /// A client and what it sent.
    public struct ClientEntry: Encodable, Sendable {
        public var client: String
        public var sessions = 0
        public var messages = 0
        public var bytes = 0
        public var updatesUsed = 0
        public var lateUpdatesUsed = 0
        public var rejected = 0
        public var meanStaleness = 0.0
        /// What it said last of a version on what it holds out; nil where it said nothing.
        public var evaluation: EvaluationEntry?
        /// The epsilon of all updates that came from it, by the privacy of the log's configuration; nil without
        /// privacy. δ is `privacy.delta`.
        public var epsilon: Double?
    }

    /// How a version does on what a client holds out.
    public struct EvaluationEntry: Encodable, Sendable {
        public var version: Int
        public var heldOut: Int
        public var accuracy: Double
        /// The mean cross-entropy.
        public var loss: Double
        /// Samples of each class, in the order of the labels, and those of them that are classified right.
        public var total: [Int]
        public var correct: [Int]

        init(_ evaluation: ClientMessage.Evaluation) {
            version = evaluation.version
            heldOut = evaluation.total.reduce(0, +)
            accuracy = evaluation.accuracy
            loss = evaluation.loss
            total = evaluation.total
            correct = evaluation.correct
        }
    }

    /// A setting that was changed in mid-run.
    public struct Change: Encodable, Sendable {
        public var key, value: String
    }

    /// The run as a whole.
    public struct Summary: Encodable, Sendable {
        public var log: String
        /// SHA-256 of the log's first record in hexadecimal.
        public var id: String
        /// What began the log.
        public var build: String
        public var kernels: String
        public var algorithm: Int
        /// The version of an earlier run that it began with, nil where it began with values of its own.
        public var startedFrom: WarmStart?
        /// The settings that were changed since it began, in their order.
        public var changes: [Change]
        /// In the order of the labels; empty where the log does not name them.
        public var classes: [String]
        public var strategy: String
        @Wide public var seed: UInt64
        public var records: Int
        /// Bytes of a torn end that were left out.
        public var droppedBytes: UInt64
        /// Where the log begins in the middle of the run; nil where it begins with the run. Seconds, counts of what clients
        /// sent, and versions are from there on.
        public var beginning: Replay.Beginning?
        public var seconds: Double
        public var finished: Bool
        public var updatesAccepted: Int
        public var duplicates: Int
        public var rejected: Int
        /// Starts of the aggregator.
        public var starts: Int
        /// Those that continued from other bits than were logged.
        public var forks: [ForkEntry]
        /// Whether the last start signs the log's checkpoints.
        public var signed: Bool
        /// The last one.
        public var version: Int
    }

    /// A start of the aggregator that continued although a version did not come out as it was logged.
    public struct ForkEntry: Encodable, Sendable {
        /// Which start it was, from 1, and of what.
        public var start: Int
        public var program: String
        /// The first version that differed, its digest as it was logged, and as that start made it.
        public var version: Int
        public var logged: String
        public var replayed: String
    }

    public let run: Summary
    /// Ascending.
    public var versions: [VersionEntry]
    /// In the order of their arrival.
    public var updates: [UpdateEntry]
    /// Ascending by name.
    public var clients: [ClientEntry]

    /// Reads a log to its end.
    /// - Parameter observe: sees each step of the replay.
    /// - Throws: `LogError` or `ReplayError`.
    public init(log path: String, observe: (Replay.Step) throws -> Void = { _ in }) throws {
        var collector = RunCollector()
        let replay = try Replay(path: path) { step in
            collector.take(step)
            try observe(step)
        }
        let aggregator = replay.aggregator!
        run = Summary(
            log: path, id: "\(RunSnapshot.digest(of: replay.header!))",
            build: replay.header!.program.build, kernels: replay.header!.program.kernels,
            algorithm: Int(clamping: replay.header!.program.algorithm), startedFrom: replay.header!.warmStart,
            changes: replay.changes.map { Change(key: $0.key, value: $0.value) },
            classes: replay.header!.model.fields.filter { $0.name.hasPrefix("classes[") }.map(\.value),
            strategy: replay.configuration!.strategy.name,
            seed: replay.header!.seed, records: replay.records, droppedBytes: replay.droppedBytes,
            beginning: replay.beginning,
            seconds: collector.start.map { (replay.lastTime - $0) / .seconds(1) } ?? 0,
            finished: aggregator.phase == .finished, updatesAccepted: aggregator.counts.accepted,
            duplicates: aggregator.counts.duplicates, rejected: aggregator.counts.rejected,
            starts: collector.starts, forks: collector.forks, signed: collector.isSigned, version: aggregator.version)
        versions = collector.versions
        updates = collector.updates
        clients = collector.clients
        if let privacy = replay.configuration!.privacy { addEpsilon(privacy) }
    }

    /// Every update counts that was received, whatever became of it, but once.
    private mutating func addEpsilon(_ privacy: ClientPrivacy) {
        for place in clients.indices {
            let sent = updates.lazy.filter { [client = clients[place].client] in $0.client == client }
            let count = Set(sent.map(\.task)).count
            clients[place].epsilon = privacy.epsilon(rho: privacy.rho * Double(count))
        }
    }

    /// The figures of the run as a whole, as properties of its own.
    public subscript<Value>(dynamicMember figure: KeyPath<Summary, Value>) -> Value { run[keyPath: figure] }

    /// - Throws: `ReplayError` where the log does not show how a version was made.
    func require(version: Int) throws {
        guard !versions.contains(where: { $0.version == version }) else { return }
        guard let first = versions.first?.version, let last = versions.last?.version else {
            throw ReplayError("\(run.log): expected a version that updates made, found none in the log")
        }
        throw ReplayError("\(run.log): expected a version from \(first) to \(last), found \(version)")
    }

    /// Leaves one version and what made it.
    /// - Throws: `ReplayError` where no flush made it.
    public mutating func select(version: Int) throws {
        try require(version: version)
        versions.removeAll { $0.version != version }
        updates.removeAll { $0.version != version }
        clients.removeAll { client in !updates.contains { $0.client == client.client } }
    }

    /// Leaves one client and its part in each version.
    /// - Throws: `ReplayError` where the log has nothing of it.
    public mutating func select(client: String) throws {
        clients.removeAll { $0.client != client }
        guard !clients.isEmpty else { throw ReplayError("\(run.log): no client '\(client)' in the log") }
        updates.removeAll { $0.client != client }
        for place in versions.indices { versions[place].updates.removeAll { $0.client != client } }
        versions.removeAll { $0.updates.isEmpty }
    }
}
