import Charts
import Federation
import FederationRun
import Foundation
import PromptAggregation
import RunLog
import Text

/// One run in pictures: who took part, how late, with what weight, and what became of the prompts.
struct RunCharts {
    let logged: LoggedRun
    /// Images of each class that each client has, by client and class, where the data set is at hand.
    let partition: Allotment?

    /// More clients than these are not drawn.
    static let mostClients = 60

    /// Names of clients and their positions in charts.
    let clients: [String]
    private let labels: [String]

    init(logged: LoggedRun, partition: Allotment?) {
        self.logged = logged
        self.partition = partition
        clients = Self.shown(logged)
        labels = withoutCommonStart(clients)
    }

    var charts: [Chart] {
        let takingPart = [Chart.staleness(of: logged.history), influence, participation]
        return takingPart + [partition.map(Self.partitionChart)].compactMap { $0 } + trails
            + [matches, uses].compactMap { $0 }
    }

    /// All clients, or those with the most updates; ascending by name.
    private static func shown(_ logged: LoggedRun) -> [String] {
        let ranked = logged.inspection.clients.sorted {
            ($0.updatesUsed, $1.client) > ($1.updatesUsed, $0.client)
        }
        return ranked.prefix(mostClients).map(\.client).sorted()
    }

    private var clientTitle: String {
        let all = logged.inspection.clients.count
        return all > clients.count ? "client, the \(clients.count) of \(all) with the most updates" : "client"
    }

    // MARK: Taking part

    private var influence: Chart {
        let figures = clients.map { logged.figures(of: $0) }
        let versions = Double(max(logged.inspection.versions.count, 1))
        let samples = max(logged.inspection.clients.reduce(0) { $0 + logged.figures(of: $1.client).samples }, 1)
        let bars = zip(clients, figures).map { client, figures in
            let share = 100 * figures.influence / versions
            let ownShare = 100 * Double(figures.samples) / Double(samples)
            return BarMarks.Bar(
                value: share, ring: ownShare,
                tip: "\(client): \(decimal(share, 1)) % of the weight, \(decimal(ownShare, 1)) % of the samples")
        }
        let most = zip(clients, bars).max { $0.1.value < $1.1.value }
        return Chart(
            title: "Influence: share of the weight that moved versions",
            summary: most.map { "\($0.0) has the most, \(decimal($0.1.value, 1)) %." } ?? "No version was made.",
            x: .labels(labels, title: clientTitle),
            y: .fromZero(bars.flatMap { [$0.value, $0.ring ?? 0] }, title: "share, %"), marks: [BarMarks(bars: bars)],
            keys: [
                .init(symbol: .square, style: "s0", text: "of the weight"),
                .init(symbol: .ring, style: "s1", text: "of the samples"),
            ])
    }

    /// Columns of time, so many that a field holds about an update.
    private var timeBins: Int {
        min(60, max(12, logged.history.updates / max(logged.inspection.clients.count, 1)))
    }

    private var participation: Chart {
        let seconds = max(logged.inspection.versions.last?.seconds ?? 0, 1e-9)
        let unit = ClockUnit(upTo: seconds)
        let timeBins = timeBins
        let rows = Dictionary(uniqueKeysWithValues: clients.enumerated().map { ($1, $0) })
        var counts: [[Int]] = clients.map { _ in [Int](repeating: 0, count: timeBins) }
        for update in logged.inspection.updates where update.fate == .used {
            guard let row = rows[update.client] else { continue }
            counts[row][min(Int(update.seconds / seconds * Double(timeBins)), timeBins - 1)] += 1
        }
        let most = max(counts.joined().max() ?? 1, 1)
        let width = seconds / unit.seconds / Double(timeBins)
        let cells = counts.indices.flatMap { row -> [GridMarks.Cell] in
            counts[row].indices.filter { counts[row][$0] > 0 }.map { bin in
                let span = "\(decimal(Double(bin) * width, 1)) to \(decimal(Double(bin + 1) * width, 1)) \(unit.name)"
                return GridMarks.Cell(
                    row: row, column: bin, shape: .shade, share: Double(counts[row][bin]) / Double(most),
                    tip: "\(clients[row]), \(span): \(counts[row][bin]) updates used")
            }
        }
        return Chart(
            title: "Updates used, by client over time",
            summary:
                "\(clients.count) clients; the strongest field has \(counted(most, "update", "updates")) in \(decimal(width, 1)) \(unit.name).",
            x: .upTo([seconds / unit.seconds], title: "\(unit.name) when they arrived"),
            y: .labels(labels, title: clientTitle), marks: [GridMarks(columns: timeBins, cells: cells)],
            keys: shades(counted(most, "update", "updates")), isWide: timeBins > mostNarrowColumns,
            plotHeight: rowsHeight(clients.count, 13))
    }

    // MARK: The data

    static func partitionChart(_ shares: Allotment) -> Chart {
        let shown = shares.clients.prefix(mostClients)
        let most = max(shown.flatMap(\.counts).max() ?? 1, 1)
        let cells = shown.enumerated().flatMap { column, client -> [GridMarks.Cell] in
            client.counts.indices.filter { client.counts[$0] > 0 }.map { row in
                GridMarks.Cell(
                    row: row, column: column, shape: .bubble, share: Double(client.counts[row]) / Double(most),
                    tip: "\(client.name), \(shares.classNames[row]): \(client.counts[row]) samples")
            }
        }
        let samples = shares.clients.flatMap(\.counts).reduce(0, +)
        let title =
            shown.count < shares.clients.count
            ? "client, the first \(shown.count) of \(shares.clients.count)" : "client"
        return Chart(
            title: "What each client has: samples by class",
            summary: "\(samples) samples of \(shares.classNames.count) classes over \(shares.clients.count) clients.",
            x: .labels(withoutCommonStart(shown.map(\.name)), title: title),
            y: .labels(shares.classNames, title: "class"), marks: [GridMarks(columns: shown.count, cells: cells)],
            keys: [.init(symbol: .dot, style: "s0", text: "area: samples, the largest \(most)")],
            isWide: shown.count > mostNarrowColumns,
            plotHeight: rowsHeight(shares.classNames.count, shares.classNames.count > 30 ? 12 : 22))
    }

    // MARK: The prompts

    private var trails: [Chart] {
        let trails = logged.trails
        return [
            trailChart(trails.projected(.place), title: "The pool's prompts from version to version"),
            trailChart(trails.projected(.displacement), title: "How the pool's prompts moved from where they began"),
            neighbourChart(trails.mapped()),
        ]
    }

    private func trailChart(_ projection: PromptTrails.Projection, title: String) -> Chart {
        let shares = (0..<2).map {
            decimal(100 * ($0 < projection.plane.shares.count ? projection.plane.shares[$0] : 0), 0) + " %"
        }
        return trailChart(
            projection.trails, title: title, note: "",
            axes: ("first principal component, \(shares[0]) of the variance", "second, \(shares[1])"))
    }

    /// The paper's picture of the pool (t-SNE), with the way of each prompt.
    private func neighbourChart(_ trails: [PromptTrails.Trail]) -> Chart {
        trailChart(
            trails, title: "Which of the pool's prompts are neighbours, from version to version",
            note: " Near points are alike; distances between far ones mean little (t-SNE).",
            axes: ("t-SNE, first", "second"))
    }

    private func trailChart(
        _ trails: [PromptTrails.Trail], title: String, note: String, axes: (x: String, y: String)
    ) -> Chart {
        let lastVersion = logged.trails.lastVersion
        let points = trails.flatMap(\.points)
        let dropped = trails.count { $0.last < lastVersion }
        return Chart(
            title: title,
            summary: "\(trails.count) prompts; \(dropped) were dropped before version \(lastVersion)." + note,
            x: .around(points.map(\.x), title: axes.x), y: .around(points.map(\.y), title: axes.y),
            marks: [
                TrailMarks(
                    trails: trails.enumerated().map { place, trail in
                        let end = trail.last < lastVersion ? "last seen in version" : "to version"
                        return .init(
                            points: trail.points, hasEnded: trail.last < lastVersion, style: place,
                            tip: "prompt \(trail.id), from version \(trail.first) \(end) \(trail.last)")
                    })
            ],
            keys: [
                .init(symbol: .ring, style: "s6", text: "first seen"),
                .init(symbol: .dot, style: "s6", text: "in the last version"),
                .init(symbol: .cross, style: "s6", text: "dropped"),
            ], plotHeight: 340)
    }

    /// A row a client of one flush, a column a prompt of the pool.
    private var matches: Chart? {
        guard let version = logged.matches.version else { return nil }
        let matches = logged.matches.matches
        let prompts = Set(matches.compactMap(\.target)).sorted()
        let clients = Set(matches.map(\.client)).sorted()
        let isUnmatched = matches.contains { $0.target == nil }
        let columns = prompts.count + (isUnmatched ? 1 : 0)
        var cells: [GridMarks.Cell] = []
        var moved = 0
        for (row, client) in clients.enumerated() {
            let own = matches.filter { $0.client == client }
            for column in 0..<columns {
                let target = column < prompts.count ? prompts[column] : nil
                let origins = own.filter { $0.target == target }.map(\.origin)
                guard !origins.isEmpty else { continue }
                let stayed = origins.allSatisfy { $0 == target }
                if !stayed { moved += origins.count { $0 != target } }
                let from = origins.map { "\($0)" }.joined(separator: ", ")
                cells.append(
                    .init(
                        row: row, column: column, shape: stayed ? .dot : .diamond, share: 1, style: stayed ? 0 : 1,
                        tip: "\(client)'s prompt tuned from \(from): "
                            + (target.map { "matched with \($0)" } ?? "matched with none")))
            }
        }
        return Chart(
            title: "Which prompts of the clients made which of version \(version)",
            summary:
                "\(matches.count) prompts of \(clients.count) clients, \(moved) matched with a prompt other than their own.",
            x: .labels(prompts.map { "\($0)" } + (isUnmatched ? ["none"] : []), title: "prompt of the pool"),
            y: .labels(withoutCommonStart(clients), title: "client"),
            marks: [GridMarks(columns: columns, cells: cells)],
            keys: [
                .init(symbol: .dot, style: "s0", text: "with the prompt it was tuned from"),
                .init(symbol: .diamond, style: "s1", text: "with another"),
            ], isWide: columns > mostNarrowColumns, plotHeight: rowsHeight(clients.count, 22))
    }

    /// A row a client, a column a prompt of the pool: how often a prompt of the one was matched with the other.
    private var uses: Chart? {
        let uses = logged.matches.uses
        guard !uses.isEmpty else { return nil }
        let prompts = Set(uses.keys.map(\.prompt)).sorted()
        let most = uses.values.max() ?? 1
        let cells = clients.enumerated().flatMap { row, client in
            prompts.enumerated().compactMap { column, prompt -> GridMarks.Cell? in
                guard let count = uses[MatchRecord.Use(client: client, prompt: prompt)] else { return nil }
                return .init(
                    row: row, column: column, shape: .shade, share: Double(count) / Double(most),
                    tip: "\(client) and prompt \(prompt): matched \(count) times")
            }
        }
        return Chart(
            title: "Which prompts each client shaped, over the run",
            summary:
                "\(prompts.count) prompts that were ever matched; the strongest field has \(counted(most, "match", "matches")).",
            x: .labels(prompts.map { "\($0)" }, title: "prompt of the pool"), y: .labels(labels, title: clientTitle),
            marks: [GridMarks(columns: prompts.count, cells: cells)],
            keys: shades(counted(most, "match", "matches")),
            isWide: prompts.count > mostNarrowColumns,
            plotHeight: rowsHeight(clients.count, 13))
    }
}

extension Chart {
    /// How many of the updates used were how late.
    package static func staleness(of history: RunHistory) -> Chart {
        let counts = history.stalenessCounts
        let total = counts.reduce(0, +)
        return Chart(
            title: "Staleness of the updates used",
            summary:
                "\(total) updates, \(history.lateUpdates) of them late, at most \(max(counts.count - 1, 0)) versions.",
            x: .labels(counts.indices.map { "\($0)" }, title: "versions between start and use"),
            y: .fromZero(counts.map(Double.init), title: "updates"),
            marks: [
                BarMarks(
                    bars: counts.enumerated().map { staleness, count in
                        let share = decimal(100 * Double(count) / Double(max(total, 1)), 1)
                        return .init(
                            value: Double(count), tip: "staleness \(staleness): \(count) updates, \(share) %")
                    })
            ])
    }
}

private func counted(_ count: Int, _ one: String, _ several: String) -> String {
    "\(count) \(count == 1 ? one : several)"
}

/// - Parameter most: what the strongest shade stands for.
private func shades(_ most: String) -> [Chart.Key] {
    [.init(symbol: .square, style: "s0", text: "the stronger the more, at most \(most)")]
}

/// A grid of more columns takes the whole width of a page.
private let mostNarrowColumns = 24

private func rowsHeight(_ rows: Int, _ each: Double) -> Double { max(110, Double(rows) * each) }

/// Names without what all of them begin with, up to a dash, dot or underscore.
package func withoutCommonStart(_ names: [String]) -> [String] {
    guard names.count > 1, var start = names.first else { return names }
    for name in names { start = start.commonPrefix(with: name) }
    guard let end = start.lastIndex(where: { "-._".contains($0) }) else { return names }
    let length = start.distance(from: start.startIndex, to: end) + 1
    return names.contains { $0.count <= length } ? names : names.map { String($0.dropFirst(length)) }
}
