import Federation
import Foundation
import PromptAggregation
import PromptWire
import Text

/// What a run's observers keep of it: a row a version, a row an evaluation, and who took part. Of a run that has no end in
/// sight they keep the newest rows and, evenly over the versions before, as many again.
public struct RunHistory: Sendable {
    private let rows: Rows

    /// Which rows are kept.
    package enum Rows: Sendable { case bounded, all }

    /// One version and the flush that made it.
    public struct VersionRow: Sendable {
        public var version: Version
        /// Since the start of the run.
        public var seconds: Double
        /// Updates used up to and with this version.
        public var updates: Int
        public var contributions: Int
        public var meanStaleness: Double
        public var maximumStaleness: Int
        public var pool: Int
        public var births: Int
        public var deaths: Int
        public var objectiveBefore: Double?
        public var objectiveAfter: Double?
        /// Mean of what the clients reported, nil when none did.
        public var loss: Double?

        package static let header =
            "version,seconds,updates,contributions,mean_staleness,maximum_staleness,pool,births,deaths,"
            + "objective_before,objective_after,loss"

        package var csv: String {
            let columns = [
                "\(version)", decimal(seconds, 3), "\(updates)", "\(contributions)", decimal(meanStaleness, 4),
                "\(maximumStaleness)", "\(pool)", "\(births)", "\(deaths)", objectiveBefore.map { "\($0)" } ?? "",
                objectiveAfter.map { "\($0)" } ?? "", loss.map { decimal($0, 6) } ?? "",
            ]
            return columns.joined(separator: ",")
        }
    }

    /// A version's figures on the validation split.
    public struct EvaluationRow: Codable, Sendable {
        public var version: Version
        public var seconds: Double
        public var updates: Int
        public var accuracy: Double
        public var balancedAccuracy: Double
        public var loss: Double
        /// Each image classified among the classes of its own source; the same as `accuracy` for data of one source.
        public var maskedAccuracy: Double

        package static let header = "version,seconds,updates,accuracy,balanced_accuracy,loss,masked_accuracy"

        package var csv: String {
            [
                "\(version)", decimal(seconds, 3), "\(updates)", decimal(accuracy, 6), decimal(balancedAccuracy, 6),
                decimal(loss, 6), decimal(maskedAccuracy, 6),
            ].joined(separator: ",")
        }

        package init(
            version: Version, seconds: Double, updates: Int, accuracy: Double, balancedAccuracy: Double, loss: Double,
            maskedAccuracy: Double
        ) {
            self.version = version
            self.seconds = seconds
            self.updates = updates
            self.accuracy = accuracy
            self.balancedAccuracy = balancedAccuracy
            self.loss = loss
            self.maskedAccuracy = maskedAccuracy
        }

        /// A row as `csv` wrote it; nil for one that was cut short.
        init?(csv line: Substring) {
            let columns = line.split(separator: ",").compactMap { Double($0) }
            guard columns.count == 7, let version = Int(exactly: columns[0]), let updates = Int(exactly: columns[2])
            else { return nil }
            self.version = version
            seconds = columns[1]
            self.updates = updates
            accuracy = columns[3]
            balancedAccuracy = columns[4]
            loss = columns[5]
            maskedAccuracy = columns[6]
        }
    }

    /// What a client's used updates came to.
    public struct Participation: Sendable {
        public var client: ClientID
        public var updates = 0
        /// Of these, with staleness above 0.
        public var lateUpdates = 0
        public var lastStaleness = 0
        /// Over all of its used updates.
        public var stalenessSum = 0

        package mutating func add(_ part: Flush.Part) {
            updates += 1
            if part.staleness > 0 { lateUpdates += 1 }
            lastStaleness = part.staleness
            stalenessSum += part.staleness
        }
    }

    public private(set) var versions: [VersionRow] = []
    public private(set) var evaluations: [EvaluationRow] = []
    /// How many used updates had each staleness.
    public private(set) var stalenessCounts: [Int] = []
    /// Each client that had an update used, ascending by client.
    public private(set) var participation: [Participation] = []
    /// The newest evaluation of each client on what it holds out, ascending by client.
    public internal(set) var clientEvaluations: [(client: ClientID, newest: ClientEvaluation)] = []
    /// The clients' evaluations together, a row a version, ascending.
    public internal(set) var federatedEvaluations: [FederatedEvaluation] = []
    package private(set) var startedAt: Timestamp?

    package init(rows: Rows = .bounded) { self.rows = rows }

    /// What was kept before.
    init(
        startedAt: Timestamp?, versions: [VersionRow], evaluations: [EvaluationRow], stalenessCounts: [Int],
        participation: [Participation]
    ) {
        rows = .bounded
        self.startedAt = startedAt
        self.versions = versions
        self.evaluations = evaluations
        self.stalenessCounts = stalenessCounts
        self.participation = participation
    }

    /// Used updates.
    public var updates: Int { versions.last?.updates ?? 0 }
    /// Used updates with staleness above 0.
    public var lateUpdates: Int { stalenessCounts.dropFirst().reduce(0, +) }

    package mutating func begin(at time: Timestamp) { startedAt = startedAt ?? time }

    package func seconds(at time: Timestamp) -> Double { startedAt.map { (time - $0) / .seconds(1) } ?? 0 }

    /// The updates used up to a version.
    package func updates(at version: Version) -> Int { versions.last { $0.version <= version }?.updates ?? 0 }

    @discardableResult
    package mutating func add(_ flush: Flush) -> VersionRow {
        for part in flush.parts {
            while stalenessCounts.count <= part.staleness { stalenessCounts.append(0) }
            stalenessCounts[part.staleness] += 1
            count(part)
        }
        let losses = flush.parts.flatMap(\.metrics).filter { $0.name == "loss" }.map(\.value)
        let parts = flush.parts.count
        let row = VersionRow(
            version: flush.version, seconds: seconds(at: flush.time), updates: updates + parts, contributions: parts,
            meanStaleness: parts == 0 ? 0 : Double(flush.parts.reduce(0) { $0 + $1.staleness }) / Double(parts),
            maximumStaleness: flush.parts.map(\.staleness).max() ?? 0, pool: flush.pool,
            births: flush.report.births.count, deaths: flush.report.deaths.count,
            objectiveBefore: flush.report.objectiveBefore, objectiveAfter: flush.report.objectiveAfter,
            loss: losses.isEmpty ? nil : losses.reduce(0, +) / Double(losses.count))
        versions.append(row)
        thin(&versions, by: \.version)
        return row
    }

    /// A row of an evaluation.
    package func row(_ validation: Validation, at time: Timestamp) -> EvaluationRow {
        EvaluationRow(
            version: validation.version, seconds: seconds(at: time), updates: updates(at: validation.version),
            accuracy: validation.accuracy, balancedAccuracy: validation.balancedAccuracy, loss: validation.loss,
            maskedAccuracy: validation.maskedAccuracy)
    }

    @discardableResult
    package mutating func add(_ validation: Validation, at time: Timestamp) -> EvaluationRow {
        let row = row(validation, at: time)
        evaluations.append(row)
        thin(&evaluations, by: \.version)
        return row
    }

    // MARK: Bounds

    /// Rows are thinned when there are more than this. The newest of them all stay.
    package static let (mostRows, newestRows) = (4096, 1024)

    /// Whether rows were left out.
    package var isThinned: Bool { versions.count < versions.last?.version ?? 0 }

    /// Keeps the newest rows, and of the others those whose version is a multiple of a power of 2 that is large enough.
    /// What is left depends on the rows alone, so that a recovered history continues as the one before it.
    func thin<Row>(_ table: inout [Row], by version: (Row) -> Version) {
        guard rows == .bounded, table.count > Self.mostRows else { return }
        var earlier = Array(table.dropLast(Self.newestRows))
        var stride = 2
        while earlier.count > Self.mostRows / 2 - Self.newestRows {
            earlier.removeAll { version($0) % stride != 0 }
            stride *= 2
        }
        table = earlier + table.suffix(Self.newestRows)
    }

    /// Takes what was kept of a run in place of its own rows.
    mutating func continueFrom(_ earlier: RunHistory) {
        (startedAt, versions, evaluations) = (earlier.startedAt, earlier.versions, earlier.evaluations)
        (stalenessCounts, participation) = (earlier.stalenessCounts, earlier.participation)
        (clientEvaluations, federatedEvaluations) = (earlier.clientEvaluations, earlier.federatedEvaluations)
    }

    private mutating func count(_ part: Flush.Part) {
        let place = Self.place(of: part.client, in: participation, \.client)
        if place == participation.count || participation[place].client != part.client {
            participation.insert(Participation(client: part.client), at: place)
        }
        participation[place].add(part)
    }

    /// nil for a client that had no update used.
    package func participation(of client: ClientID) -> Participation? {
        let place = Self.place(of: client, in: participation, \.client)
        return place < participation.count && participation[place].client == client ? participation[place] : nil
    }

    /// Where a client stands, or would, in rows that are ascending by client.
    static func place<Row>(of client: ClientID, in rows: [Row], _ identity: (Row) -> ClientID) -> Int {
        var (low, high) = (0, rows.count)
        while low < high {
            let middle = (low + high) / 2
            if identity(rows[middle]) < client { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension RunHistory.VersionRow {
    /// A row as `csv` wrote it; nil for one that was cut short.
    package init?(csv line: Substring) {
        let columns = line.split(separator: ",", omittingEmptySubsequences: false)
        guard columns.count == 12, let version = Int(columns[0]), let seconds = Double(columns[1]),
            let updates = Int(columns[2]), let contributions = Int(columns[3]), let mean = Double(columns[4]),
            let maximum = Int(columns[5]), let pool = Int(columns[6]), let births = Int(columns[7]),
            let deaths = Int(columns[8])
        else { return nil }
        self.init(
            version: version, seconds: seconds, updates: updates, contributions: contributions,
            meanStaleness: mean, maximumStaleness: maximum, pool: pool, births: births, deaths: deaths,
            objectiveBefore: Double(columns[9]), objectiveAfter: Double(columns[10]), loss: Double(columns[11]))
    }
}

extension RunHistory {
    /// The evaluations that earlier starts of a run wrote; a row that was cut short is left out.
    package static func evaluations(in folder: RunFolder) -> [EvaluationRow] {
        guard let text = try? String(contentsOfFile: folder.evaluations, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").dropFirst().compactMap(EvaluationRow.init(csv:))
    }
}
