import Federation
import Foundation
import PromptAggregation
import PromptWire

/// What happened in a run, read from its log.
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
            public var sequence: UInt64
            public var baseVersion: Int
            public var staleness: Int
            public var stalenessWeight: Double
            public var samples: Int
            /// The share in the version, as the strategy reports it.
            public var weight: Double
        }
    }

    /// A client and what it sent.
    public struct ClientEntry: Encodable, Sendable {
        public var client: String
        public var sessions: Int
        public var messages: Int
        public var bytes: Int
        public var updatesUsed: Int
        public var lateUpdatesUsed: Int
        public var rejected: Int
        public var meanStaleness: Double
    }

    public var log: String
    public var build: String
    public var strategy: String
    public var seed: UInt64
    public var records: Int
    /// Bytes of a torn end that were left out.
    public var droppedBytes: UInt64
    public var seconds: Double
    public var finished: Bool
    public var updatesAccepted: Int
    public var duplicates: Int
    public var rejected: Int
    public var incarnations: Int
    public var versions: [VersionEntry] = []
    public var clients: [ClientEntry] = []

    /// Reads a log to its end.
    /// - Throws: `LogError` or `ReplayError`.
    public init(log path: String) throws {
        var collector = Collector()
        let replay = try Replay(path: path) { collector.take($0) }
        log = path
        build = replay.header?.build ?? ""
        strategy = replay.configuration?.strategy.name ?? ""
        seed = replay.header?.seed ?? 0
        records = replay.records
        droppedBytes = replay.droppedBytes
        seconds = collector.start.map { (replay.lastTime - $0) / .seconds(1) } ?? 0
        finished = replay.aggregator?.phase == .finished
        updatesAccepted = replay.aggregator?.counts.accepted ?? 0
        duplicates = replay.aggregator?.counts.duplicates ?? 0
        rejected = replay.aggregator?.counts.rejected ?? 0
        incarnations = collector.incarnations
        versions = collector.versions
        clients = collector.clients
    }

    /// Builds the entries while the log goes by.
    private struct Collector {
        var start: Timestamp?
        var incarnations = 0
        var versions: [VersionEntry] = []
        var clients: [ClientEntry] = []
        /// Those already counted: a client repeats its hello until it is welcomed, and after the aggregator's restart.
        private var sessions: Set<UInt64> = []

        mutating func take(_ step: Replay.Step) {
            switch step {
            case .event(let event, let bytes):
                start = start ?? event.time
                switch event.kind {
                case .started: incarnations += 1
                case .received(let message): count(message, bytes: bytes)
                case .timerFired: break
                }
            case .effect(.flushed(let flush)): add(flush)
            case .effect(.publish(.client(let id), .reject)): edit(id) { $0.rejected += 1 }
            case .effect: break
            case .checked(let publication):
                if let place = versions.lastIndex(where: { $0.version == publication.version }) {
                    versions[place].digest = publication.recorded.description
                }
            }
        }

        private mutating func count(_ message: ClientMessage, bytes: Int) {
            var begins = false
            if case .hello(let hello) = message { begins = sessions.insert(hello.session).inserted }
            edit(message.client) {
                $0.messages += 1
                $0.bytes += bytes
                if begins { $0.sessions += 1 }
            }
        }

        private mutating func add(_ flush: Flush) {
            let parts = flush.parts.enumerated().map { index, part in
                VersionEntry.Part(
                    client: part.client.name, sequence: part.sequence, baseVersion: part.baseVersion,
                    staleness: part.staleness, stalenessWeight: part.stalenessWeight, samples: part.sampleCount,
                    weight: index < flush.report.weights.count ? flush.report.weights[index] : 0)
            }
            for part in flush.parts {
                edit(part.client) {
                    let total = $0.meanStaleness * Double($0.updatesUsed) + Double(part.staleness)
                    $0.updatesUsed += 1
                    $0.meanStaleness = total / Double($0.updatesUsed)
                    if part.staleness > 0 { $0.lateUpdatesUsed += 1 }
                }
            }
            versions.append(
                VersionEntry(
                    version: flush.version, seconds: start.map { (flush.time - $0) / .seconds(1) } ?? 0, digest: "",
                    pool: flush.pool, births: flush.report.births.count, deaths: flush.report.deaths.count,
                    objectiveBefore: flush.report.objectiveBefore, objectiveAfter: flush.report.objectiveAfter,
                    updates: parts))
        }

        private mutating func edit(_ id: ClientID, _ change: (inout ClientEntry) -> Void) {
            var place = clients.firstIndex { $0.client >= id.name } ?? clients.count
            if place == clients.count || clients[place].client != id.name {
                let entry = ClientEntry(
                    client: id.name, sessions: 0, messages: 0, bytes: 0, updatesUsed: 0, lateUpdatesUsed: 0,
                    rejected: 0,
                    meanStaleness: 0)
                clients.insert(entry, at: place)
            }
            place = min(place, clients.count - 1)
            change(&clients[place])
        }
    }
}

/// The steps of a run, one line each, in the order of the log.
public enum RunTimeline {
    /// - Parameter line: gets each line without its end.
    public static func read(log path: String, line: (String) -> Void) throws {
        var start: Timestamp?
        _ = try Replay(path: path) { step in
            switch step {
            case .event(let event, let bytes):
                start = start ?? event.time
                let seconds = decimal((event.time - start!) / .seconds(1), 3)
                let padded = String(repeating: " ", count: max(0, 10 - seconds.count)) + seconds
                line("\(padded)  \(describe(event.kind, bytes: bytes))")
            case .effect(let effect):
                if let words = describe(effect) { line("            -> \(words)") }
            case .checked(let publication):
                let verdict = publication.isEqual ? "equal" : "DIFFERS from \(publication.replayed)"
                line("            =  version \(publication.version) digest \(publication.recorded) \(verdict)")
            }
        }
    }

    private static func describe(_ kind: AggregatorEvent.Kind, bytes: Int) -> String {
        switch kind {
        case .started: "aggregator started"
        case .timerFired(let timer): "timer \(timer)"
        case .received(.hello(let hello)):
            "\(hello.client) hello, holds version \(hello.lastVersion), \(hello.sampleCount) samples"
        case .received(.update(let update)):
            "\(update.client) update \(update.sequence) for task \(update.task) from version \(update.baseVersion),"
                + " \(update.promptIDs.count) prompts, \(bytes) bytes"
        case .received(.heartbeat(let heartbeat)):
            "\(heartbeat.client) heartbeat, \(heartbeat.activity), task \(heartbeat.task)"
        case .received(.goodbye(let goodbye)): "\(goodbye.client) goodbye"
        }
    }

    private static func describe(_ effect: AggregatorEffect) -> String? {
        switch effect {
        case .publish(_, .task(let task)): "task \(task.number) to \(task.client) on version \(task.version)"
        case .publish(_, .reject(let reject)):
            "reject \(reject.client) update \(reject.sequence), \(reject.code): \(reject.reason)"
        case .flushed(let flush):
            "version \(flush.version) from \(flush.parts.count) updates, pool \(flush.pool),"
                + " staleness \(flush.parts.map { String($0.staleness) }.joined(separator: " "))"
        case .presenceChanged(let client, let presence): "\(client) is \(presence)"
        case .finish: "run finished"
        case .publish, .publishVersion, .setTimer: nil
        }
    }
}
