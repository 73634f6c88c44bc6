import Federation
import PromptAggregation
import PromptTuning

/// What a run's observers keep of it: a row a version, a row an evaluation, and who took part.
public struct RunHistory: Sendable {
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

        static let header =
            "version,seconds,updates,contributions,mean_staleness,maximum_staleness,pool,births,deaths,"
            + "objective_before,objective_after,loss"

        var csv: String {
            let columns = [
                "\(version)", decimal(seconds, 3), "\(updates)", "\(contributions)", decimal(meanStaleness, 4),
                "\(maximumStaleness)", "\(pool)", "\(births)", "\(deaths)", objectiveBefore.map { "\($0)" } ?? "",
                objectiveAfter.map { "\($0)" } ?? "", loss.map { decimal($0, 6) } ?? "",
            ]
            return columns.joined(separator: ",")
        }
    }

    /// A version's figures on the validation split.
    public struct EvaluationRow: Sendable {
        public var version: Version
        public var seconds: Double
        public var updates: Int
        public var accuracy: Double
        public var balancedAccuracy: Double
        public var loss: Double
        /// Each image classified among the classes of its own source; the same as `accuracy` for data of one source.
        public var maskedAccuracy: Double

        static let header = "version,seconds,updates,accuracy,balanced_accuracy,loss,masked_accuracy"

        var csv: String {
            [
                "\(version)", decimal(seconds, 3), "\(updates)", decimal(accuracy, 6), decimal(balancedAccuracy, 6),
                decimal(loss, 6), decimal(maskedAccuracy, 6),
            ].joined(separator: ",")
        }

        init(version: Version, seconds: Double, updates: Int, _ evaluation: Evaluation) {
            self.version = version
            self.seconds = seconds
            self.updates = updates
            accuracy = evaluation.accuracy
            balancedAccuracy = evaluation.balancedAccuracy
            loss = evaluation.loss
            maskedAccuracy = evaluation.maskedAccuracy
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

        mutating func add(_ part: Flush.Part) {
            updates += 1
            if part.staleness > 0 { lateUpdates += 1 }
            lastStaleness = part.staleness
            stalenessSum += part.staleness
        }
    }

    public private(set) var versions: [VersionRow] = []
    public package(set) var evaluations: [EvaluationRow] = []
    /// How many used updates had each staleness.
    public private(set) var stalenessCounts: [Int] = []
    /// Each client that had an update used, ascending by client.
    public private(set) var participation: [Participation] = []
    private(set) var startedAt: Timestamp?

    public init() {}

    /// What was kept before.
    init(
        startedAt: Timestamp?, versions: [VersionRow], stalenessCounts: [Int],
        participation: [Participation]
    ) {
        self.startedAt = startedAt
        self.versions = versions
        self.stalenessCounts = stalenessCounts
        self.participation = participation
    }

    /// Used updates.
    public var updates: Int { versions.last?.updates ?? 0 }
    /// Used updates with staleness above 0.
    public var lateUpdates: Int { stalenessCounts.dropFirst().reduce(0, +) }

    package mutating func begin(at time: Timestamp) { startedAt = startedAt ?? time }

    func seconds(at time: Timestamp) -> Double { startedAt.map { (time - $0) / .seconds(1) } ?? 0 }

    /// The updates used up to a version.
    func updates(at version: Version) -> Int { versions.last { $0.version <= version }?.updates ?? 0 }

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
        return row
    }

    private mutating func count(_ part: Flush.Part) {
        let place = place(of: part.client)
        if place == participation.count || participation[place].client != part.client {
            participation.insert(Participation(client: part.client), at: place)
        }
        participation[place].add(part)
    }

    /// nil for a client that had no update used.
    package func participation(of client: ClientID) -> Participation? {
        let place = place(of: client)
        return place < participation.count && participation[place].client == client ? participation[place] : nil
    }

    /// Where a client stands, or would.
    private func place(of client: ClientID) -> Int {
        var (low, high) = (0, participation.count)
        while low < high {
            let middle = (low + high) / 2
            if participation[middle].client < client { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension Array {
    /// At most so many, evenly spread, with the last.
    package func evenlySpread(atMost most: Int) -> [Element] {
        let step = Swift.max(1, (count + most - 1) / most)
        return indices.filter { (count - 1 - $0) % step == 0 }.map { self[$0] }
    }
}

extension RunHistory.VersionRow {
    /// A row as `csv` wrote it; nil for one that was cut short.
    init?(csv line: Substring) {
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

/// A share of 1 as a percentage with one digit after the point.
public func percent(_ share: Double) -> String { decimal(share * 100, 1) + " %" }

/// A number with that many digits after the point, the same on every machine.
public func decimal(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = (abs(value) * scale).rounded()
    guard scaled < 9e15 else { return "\(value)" }
    let whole = Int64(scaled / scale)
    let sign = value < 0 && scaled > 0 ? "-" : ""
    if digits == 0 { return "\(sign)\(whole)" }
    let fraction = String(Int64(scaled - Double(whole) * scale))
    return "\(sign)\(whole).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
}
