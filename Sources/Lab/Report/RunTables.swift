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
            "client", "images", "updates used", "late", "mean staleness", "largest", "influence", "seconds a task",
            "MB sent", "rejected",
        ])
        let versions = Double(max(logged.inspection.versions.count, 1))
        for client in logged.inspection.clients where names.contains(client.client) {
            let figures = logged.figures(of: client.client)
            table.add([
                client.client, "\(figures.samples)", "\(client.updatesUsed)", "\(client.lateUpdatesUsed)",
                decimal(client.meanStaleness, 2), "\(figures.largestStaleness)",
                decimal(100 * figures.influence / versions, 1) + " %",
                Spread(figures.taskSeconds).text(1), decimal(Double(client.bytes) / 1e6, 2),
                "\(client.rejected)",
            ])
        }
        return table
    }

    /// How the clients say that versions do on what they hold out, the newest of each, and all together; nil where none
    /// holds anything out.
    static func clientEvaluations(_ history: RunHistory) -> TextTable? {
        guard !history.clientEvaluations.isEmpty else { return nil }
        var table = TextTable(["client", "version", "made after", "held out", "accuracy", "loss"])
        for (client, newest) in history.clientEvaluations {
            table.add([
                client.name, "\(newest.version)", decimal(newest.seconds, 1) + " s", "\(newest.count)",
                decimal(100 * newest.accuracy, 1) + " %", decimal(newest.loss, 3),
            ])
        }
        if let last = history.federatedEvaluations.last {
            table.add([
                "\(last.clients) clients together", "\(last.version)", decimal(last.seconds, 1) + " s", "\(last.count)",
                decimal(100 * last.accuracy, 1) + " %", decimal(last.loss, 3),
            ])
        }
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
