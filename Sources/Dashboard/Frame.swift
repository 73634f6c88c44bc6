import Federation
import FederationRun
import Foundation
import PromptAggregation
import RunLog
import Text

/// What the page shows: a run's figures, small enough to be sent whole every second.
package struct Frame: Encodable {
    package var heading: String
    package var epoch: UInt64
    package var recovered: Bool
    package var finished: Bool
    /// Milliseconds since 1970, by the aggregator's clock.
    package var now: Int64
    package var seconds: Double
    package var version: Int
    package var updates: Int
    package var late: Int
    package var rejected: Int
    package var duplicates: Int
    package var quarantined: Int
    package var alive: Int
    package var inFlight: Int
    package var buffered: Int
    package var pool: Int
    package var malformed: Int
    package var impostures: Int
    /// nil before the first flush.
    package var sinceFlush: Double?
    /// Rows of updates, seconds, accuracy in percent.
    package var accuracy: [[Double]]
    /// Rows of version, prompts in the pool.
    package var pools: [[Double]]
    /// Used updates by staleness; the last entry holds all larger ones.
    package var staleness: [Int]
    package var clients: [Client]
    /// The number of clients, also of those that are not listed.
    package var clientCount: Int
    package var lines: [RecentLines.Line]

    package struct Client: Encodable, Equatable {
        package var id: String
        /// `quarantined`, `lost`, `late` (its task is of an earlier version), `training`, `idle` or `departed`.
        package var state: String
        /// Seconds.
        package var heard: Double
        /// Versions made since the one that its task starts from, nil without a task.
        package var behind: Int?
        package var updates: Int
        package var late: Int
        /// Of its last used update and the mean of all, nil before the first.
        package var lastStaleness: Int?
        package var meanStaleness: Double?
    }

    package static let mostPoints = 400
    package static let mostClients = 500
    package static let mostStaleness = 40

    package init(_ figures: LiveFigures, lines: [RecentLines.Line]) {
        let history = figures.history
        heading = figures.heading
        epoch = figures.epoch
        recovered = figures.isRecovered
        finished = figures.isFinished
        now = figures.time.nanoseconds / 1_000_000
        seconds = figures.seconds
        version = figures.version
        updates = figures.counts.accepted
        late = figures.counts.usedLate
        rejected = figures.counts.rejected
        duplicates = figures.counts.duplicates
        quarantined = figures.counts.quarantined
        alive = figures.counts.clientsAlive
        inFlight = figures.counts.inFlight
        buffered = figures.buffered
        pool = figures.pool
        malformed = figures.traffic.malformed
        impostures = figures.traffic.impostures
        sinceFlush = history.versions.last.map { max(0, figures.seconds - $0.seconds) }
        accuracy = Self.accuracy(in: history)
        pools = history.versions.evenlySpread(atMost: Self.mostPoints).map { [Double($0.version), Double($0.pool)] }
        staleness = Self.folded(history.stalenessCounts)
        clients = Self.clients(of: figures)
        clientCount = figures.clients.count
        self.lines = lines
    }

    /// On the validation images; of a run that evaluates none, on what the clients hold out.
    private static func accuracy(in history: RunHistory) -> [[Double]] {
        guard history.evaluations.isEmpty else {
            return history.evaluations.evenlySpread(atMost: mostPoints).map {
                [Double($0.updates), $0.seconds, $0.accuracy * 100]
            }
        }
        return history.federatedEvaluations.evenlySpread(atMost: mostPoints).map {
            [Double(history.updates(at: $0.version)), $0.seconds, $0.accuracy * 100]
        }
    }

    private static func folded(_ counts: [Int]) -> [Int] {
        counts.prefix(mostStaleness)
            + (counts.count > mostStaleness ? [counts.dropFirst(mostStaleness).reduce(0, +)] : [])
    }

    /// Those that need attention come first, so they are listed even if there are too many.
    private static func clients(of figures: LiveFigures) -> [Client] {
        let order = ["quarantined", "lost", "late", "training", "idle", "departed"]
        let states = figures.clients.map { ($0, state(of: $0, at: figures.version)) }
        let shown = order.flatMap { wanted in states.filter { $0.1 == wanted } }.prefix(mostClients)
        return shown.map { client, state in
            let part = figures.history.participation(of: client.id)
            return Client(
                id: client.id.name, state: state, heard: (figures.time - client.lastHeard) / .seconds(1),
                behind: client.taskVersion.map { figures.version - $0 }, updates: part?.updates ?? 0,
                late: part?.lateUpdates ?? 0, lastStaleness: part?.lastStaleness,
                meanStaleness: part.map { Double($0.stalenessSum) / Double($0.updates) })
        }
    }

    private static func state(of client: ClientState, at version: Version) -> String {
        guard client.presence == .alive else { return client.presence.rawValue }
        return client.taskVersion.map { $0 < version ? "late" : "training" } ?? "idle"
    }

    /// As JSON, in one line.
    /// - Throws: `EncodingError` for a value that is not finite.
    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
