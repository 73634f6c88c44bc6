import ArgumentParser
import Console
import Lab
import PromptWire
import RunLog
import Text

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Shows what happened in a run, from its log.",
        discussion: """
            Without options it shows a summary of the run and of each client. --list versions has a row for each version, \
            --list updates for each update that a version used, --list records for each record of the log, in order. \
            --model-version shows which updates made a version, and with what weight; --client shows a client's share of \
            each version. JSON has all of it; --list records prints it as a line for each record.
            """)

    enum Listing: String, ExpressibleByArgument, CaseIterable { case clients, versions, updates, records }

    @Argument(help: .recordedRun, completion: .file())
    var path: String

    @Option(help: .version("Shows the updates that made this version"))
    var modelVersion: Int?

    @Option(help: ArgumentHelp("Shows only this client's updates in each version.", valueName: "name"))
    var client: String?

    @Option(help: ArgumentHelp("Shows one row for each of these.", valueName: "rows"))
    var list: Listing?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard list == .records else { return }
        guard modelVersion == nil, client == nil else {
            throw ValidationError("--list records: expected neither --model-version nor --client beside it")
        }
        guard output.format != .csv else {
            throw ValidationError("--output: expected table or json with --list records, found csv")
        }
    }

    func run() throws {
        if list == .records { return try showRecords(of: path) }
        var inspection = try RunInspection(log: path)
        if let modelVersion { try inspection.select(version: modelVersion) }
        if let client { try inspection.select(client: client) }
        let isSelection = modelVersion != nil || client != nil
        let left = inspection.beginning.map { ["the log \($0.words)", ""] } ?? []
        switch list ?? (isSelection ? .updates : .clients) {
        case .versions: try output.show(inspection, rows: inspection.versions) { left + versionTable(inspection) }
        case .updates: try output.show(inspection, rows: inspection.updates) { left + updates(inspection) }
        case .clients, .records:
            try output.show(inspection, rows: inspection.clients) {
                (list == nil ? summary(inspection) + [""] : left) + clientTable(inspection)
            }
        }
    }

    private func showRecords(of log: String) throws {
        let json = JSONLines()
        try RunTimeline.read(log: log) { entry in
            if output.format == .json {
                try json.write("record", entry)
            } else {
                try StandardOutput.write(entry.lines.joined(separator: "\n"))
            }
        }
    }

    private func versionTable(_ run: RunInspection) -> [String] {
        var table = TextTable([
            "version", "seconds", "updates", "mean staleness", "pool", "born", "dropped", "objective", "digest",
        ])
        for version in run.versions {
            table.add([
                "\(version.version)", decimal(version.seconds, 1), "\(version.updates.count)",
                decimal(version.meanStaleness, 2), "\(version.pool)", "\(version.births)", "\(version.deaths)",
                version.objectiveAfter.map { decimal($0, 1) } ?? "-", String(version.digest.prefix(12)),
            ])
        }
        return table.lines
    }

    private func summary(_ run: RunInspection) -> [String] {
        var lines = [
            "log            \(run.log)",
            "written by     impromptu \(run.build) on \(run.kernels), algorithm \(run.algorithm), seed \(run.seed), strategy"
                + " \(run.strategy)",
            "length         \(run.records) records, \(decimal(run.seconds, 1)) s, aggregator started \(run.starts) times"
                + (run.finished ? ", run finished" : ", run not finished"),
            "updates        \(run.updatesAccepted) accepted, \(run.duplicates) duplicates dropped, \(run.rejected) rejected",
            "versions       \(run.version)",
        ]
        if let start = run.startedFrom {
            lines.insert(
                "started from   version \(start.version) of \(start.run), run \(start.runID.prefix(12))", at: 2)
        }
        if !run.changes.isEmpty {
            lines.append("changed        " + run.changes.map { "\($0.key)=\($0.value)" }.joined(separator: ", "))
        }
        for fork in run.forks {
            lines.append(
                "fork           accepted at start \(fork.start) by \(fork.program): version \(fork.version) was logged as"
                    + " \(fork.logged.prefix(16)) and continued as \(fork.replayed.prefix(16))")
        }
        if let beginning = run.beginning { lines.append("left           the log \(beginning.words)") }
        if run.droppedBytes > 0 { lines.append("torn end       \(run.droppedBytes) bytes were left out") }
        return lines
    }

    private func clientTable(_ run: RunInspection) -> [String] {
        let isPrivate = run.clients.contains { $0.epsilon != nil }
        let isEvaluated = run.clients.contains { $0.evaluation != nil }
        var table = TextTable(
            ["client", "messages", "bytes", "used", "late", "mean staleness", "rejected"]
                + (isPrivate ? ["epsilon"] : []) + (isEvaluated ? ["accuracy", "held out", "of version"] : []))
        for client in run.clients {
            table.add(
                [
                    client.client, "\(client.messages)", "\(client.bytes)", "\(client.updatesUsed)",
                    "\(client.lateUpdatesUsed)", decimal(client.meanStaleness, 2), "\(client.rejected)",
                ] + (client.epsilon.map { [decimal($0, 3)] } ?? []) + (isEvaluated ? accuracy(of: client) : []))
        }
        return table.lines
    }

    private func accuracy(of client: RunInspection.ClientEntry) -> [String] {
        guard let evaluation = client.evaluation else { return ["-", "-", "-"] }
        return [decimal(100 * evaluation.accuracy, 1) + " %", "\(evaluation.heldOut)", "\(evaluation.version)"]
    }

    private func updates(_ run: RunInspection) -> [String] {
        var table = TextTable(["version", "client", "update", "from version", "staleness", "samples", "weight"])
        for version in run.versions {
            for part in version.updates {
                table.add([
                    "\(version.version)", part.client, "\(part.task)", "\(part.baseVersion)", "\(part.staleness)",
                    "\(part.samples)", decimal(part.weight, 4),
                ])
            }
        }
        var lines = table.lines
        if modelVersion != nil, let entry = run.versions.first {
            lines += [
                "", "digest \(entry.digest), \(entry.pool) prompts, \(entry.births) born, \(entry.deaths) dropped",
            ]
        }
        return lines
    }
}
