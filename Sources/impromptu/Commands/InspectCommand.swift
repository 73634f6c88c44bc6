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
            Without options it shows a summary of the run and of each client. --version shows which updates made a \
            version, and with what weight; --client shows a client's share of each version; --versions lists all \
            versions. --timeline prints every record in order. --lines prints a line of JSON for the run and for each \
            version, update and client, or with --timeline for each record.
            """)

    @Argument(help: ArgumentHelp("A run folder, or one file of its log.", valueName: "run"))
    var path: String

    @Option(help: "Shows the updates that made this version.")
    var version: Int?

    @Option(help: "Shows only this client's updates in each version.")
    var client: String?

    @Flag(help: "Shows a line for each version.")
    var versions = false

    @Flag(help: "Shows every record with its outcome.")
    var timeline = false

    @Flag(help: "Prints JSON.")
    var json = false

    @Flag(help: "Prints JSON lines.")
    var lines = false

    func validate() throws {
        if timeline, json || versions || version != nil || client != nil {
            throw ValidationError("--timeline goes with no other option but --lines")
        }
        if json, lines { throw ValidationError("expected --json or --lines, found both") }
    }

    func run() throws {
        let output = JSONLines()
        if timeline {
            return try RunTimeline.read(log: path) { entry in
                if lines {
                    try output.write("record", entry)
                } else {
                    try StandardOutput.write(entry.lines.joined(separator: "\n"))
                }
            }
        }
        var inspection = try RunInspection(log: path)
        if let version { try inspection.select(version: version) }
        if let client { try inspection.select(client: client) }
        if json { return try printJSON(inspection) }
        if lines { return try write(inspection, to: output) }
        let text =
            versions
            ? versionTable(inspection)
            : version != nil || client != nil ? updates(inspection) : overview(inspection)
        try StandardOutput.write(text.joined(separator: "\n"))
    }

    private func write(_ inspection: RunInspection, to output: JSONLines) throws {
        if version == nil, client == nil { try output.write("run", inspection.run) }
        for version in inspection.versions { try output.write("version", version) }
        for update in inspection.updates { try output.write("update", update) }
        for client in inspection.clients { try output.write("client", client) }
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

    private func overview(_ run: RunInspection) -> [String] {
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
        return lines + [""] + table.lines
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
        if version != nil, let entry = run.versions.first {
            lines += [
                "", "digest \(entry.digest), \(entry.pool) prompts, \(entry.births) born, \(entry.deaths) dropped",
            ]
        }
        return lines
    }
}
