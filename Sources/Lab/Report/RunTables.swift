import PromptAggregation
import RunLog
import Text

/// Runs in tables.
enum RunTables {
    /// A row a run: with what it was made, how it went, and whether its log replays.
    static func facts(_ tasks: [ReportedTask]) -> TextTable {
        var table = TextTable([
            "run", "method", "seed", "build", "updates", "late", "versions", "clients", "duplicates", "rejected",
            "starts", "seconds", "digests equal",
        ])
        for method in tasks.flatMap(\.methods) {
            for run in method.runs { table.add(row(run, method: method.label)) }
        }
        return table
    }

    private static func row(_ run: ReportedRun, method: String) -> [String] {
        let known = run.logged.map { logged -> [String] in
            let inspection = logged.inspection
            return [
                "\(logged.history.lateUpdates)", "\(run.versions.count)", "\(inspection.clients.count)",
                "\(inspection.duplicates)", "\(inspection.rejected)", "\(inspection.starts)",
                decimal(run.seconds, 1), logged.verdict,
            ]
        }
        let unknown = ["-", "\(run.versions.count)", "-", "-", "-", "-", decimal(run.seconds, 1), "not replayed"]
        return [run.name, method, run.seed, run.logged?.inspection.build ?? "-", "\(run.updates)"] + (known ?? unknown)
    }

    /// A row a client, the first by name or those with the most updates.
    static func clients(_ logged: LoggedRun, names: [String]) -> TextTable {
        var table = TextTable([
            "client", "samples", "updates used", "late", "mean staleness", "largest", "influence", "seconds a task",
            "MB sent", "rejected",
        ])
        let versions = Double(max(logged.inspection.versions.count, 1))
        for client in logged.inspection.clients where names.contains(client.client) {
            let figures = logged.figures(of: client.client)
            table.add([
                client.client, figures.samples > 0 ? "\(figures.samples)" : "-", "\(client.updatesUsed)",
                "\(client.lateUpdatesUsed)",
                decimal(client.meanStaleness, 2), "\(figures.largestStaleness)",
                decimal(100 * figures.influence / versions, 1) + " %",
                Spread(figures.taskSeconds).text(1), decimal(Double(client.bytes) / 1e6, 2),
                "\(client.rejected)",
            ])
        }
        return table
    }

    /// More classes than that would make a table that nobody can read.
    private static let mostClasses = 12

    /// How the clients say that versions do on what they hold out, the newest of each, and all together, with a column a
    /// class where there are few; nil where none holds anything out.
    static func clientEvaluations(_ logged: LoggedRun) -> TextTable? {
        let newest = logged.history.clientEvaluations
        guard let last = logged.history.federatedEvaluations.last else { return nil }
        let names = logged.inspection.classes
        let classes = names.count <= mostClasses ? names.indices : 0..<0
        var table = TextTable(
            ["client", "version", "made after", "held out", "accuracy", "loss"] + classes.map { names[$0] })
        func shares(_ total: [Int], _ correct: [Int]) -> [String] {
            classes.map { place in
                guard place < total.count, total[place] > 0 else { return "-" }
                return percent(Double(correct[place]) / Double(total[place]))
            }
        }
        for (client, evaluation) in newest {
            table.add(
                [
                    client.name, "\(evaluation.version)", decimal(evaluation.seconds, 1) + " s",
                    "\(evaluation.count)", percent(evaluation.accuracy), decimal(evaluation.loss, 3),
                ] + shares(evaluation.total, evaluation.correct))
        }
        let same = newest.map { $0.newest }.filter { $0.version == last.version }
        func sum(_ counts: (RunHistory.ClientEvaluation) -> [Int]) -> [Int] {
            classes.map { place in same.reduce(0) { $0 + (place < counts($1).count ? counts($1)[place] : 0) } }
        }
        table.add(
            [
                "\(last.clients) clients together", "\(last.version)", decimal(last.seconds, 1) + " s",
                "\(last.count)", percent(last.accuracy), decimal(last.loss, 3),
            ] + shares(sum { $0.total }, sum { $0.correct }))
        return table
    }

    private static let mostStale = 8

    /// The updates that came the latest, the stalest first; nil where none was late.
    static func stalest(_ logged: LoggedRun) -> TextTable? {
        let parts = logged.inspection.versions.flatMap { version in
            version.updates.map { (version: version, part: $0) }
        }
        let late = parts.filter { $0.part.staleness > 0 }.sorted {
            ($0.part.staleness, $1.version.version, $1.part.client)
                > ($1.part.staleness, $0.version.version, $0.part.client)
        }
        guard !late.isEmpty else { return nil }
        var table = TextTable([
            "client", "update", "from version", "in version", "staleness", "staleness weight", "weight",
        ])
        for (version, part) in late.prefix(mostStale) {
            table.add([
                part.client, "\(part.task)", "\(part.baseVersion)", "\(version.version)", "\(part.staleness)",
                decimal(part.stalenessWeight, 3), decimal(part.weight, 4),
            ])
        }
        return table
    }
}

extension LoggedRun {
    /// Whether the log replays to the digests that it recorded.
    var verdict: String {
        differentPublications == 0
            ? "all \(publications)" : "\(differentPublications) of \(publications) differ"
    }
}
