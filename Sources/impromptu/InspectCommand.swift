import ArgumentParser
import FederationRuntime

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Tells what happened in a run, from its log.",
        discussion: """
            Without options: the run at a glance and each client's part. --version answers which updates made a version, \
            and with what weight. --timeline prints every record in order.
            """)

    @Argument(help: ArgumentHelp("A run folder or its run.mcap.", valueName: "run"))
    var path: String

    @Option(help: "Shows the updates that made this version.")
    var version: Int?

    @Option(help: "Shows only this client's part in each version.")
    var client: String?

    @Flag(help: "Prints every record with what came of it.")
    var timeline = false

    @Flag(help: "Prints JSON.")
    var json = false

    func validate() throws {
        if timeline, json || version != nil || client != nil {
            throw ValidationError("--timeline goes with no other option")
        }
    }

    func run() throws {
        let log = RunFolder.log(at: path)
        if timeline { return try RunTimeline.read(log: log) { print($0) } }
        var inspection = try RunInspection(log: log)
        if let version {
            inspection.versions = inspection.versions.filter { $0.version == version }
            guard !inspection.versions.isEmpty else {
                throw ReplayError("\(path): the log has no flush that made version \(version)")
            }
        }
        if let client {
            guard inspection.clients.contains(where: { $0.client == client }) else {
                throw ReplayError("\(path): no client '\(client)' in the log")
            }
            inspection.clients = inspection.clients.filter { $0.client == client }
            for index in inspection.versions.indices {
                inspection.versions[index].updates = inspection.versions[index].updates.filter { $0.client == client }
            }
            inspection.versions = inspection.versions.filter { !$0.updates.isEmpty }
        }
        if json { return try printJSON(inspection) }
        let lines = version != nil || client != nil ? updates(inspection) : overview(inspection)
        print(lines.joined(separator: "\n"))
    }

    private func overview(_ run: RunInspection) -> [String] {
        var lines = [
            "log            \(run.log)",
            "written by     impromptu \(run.build), seed \(run.seed), strategy \(run.strategy)",
            "length         \(run.records) records, \(decimal(run.seconds, 1)) s, aggregator started \(run.incarnations) times"
                + (run.finished ? ", run finished" : ", run not finished"),
            "updates        \(run.updatesAccepted) accepted, \(run.duplicates) duplicates dropped, \(run.rejected) rejected",
            "versions       \(run.versions.last?.version ?? 0)",
        ]
        if run.droppedBytes > 0 { lines.append("torn end       \(run.droppedBytes) bytes were left out") }
        var table = TextTable(["client", "messages", "bytes", "used", "late", "mean staleness", "rejected"])
        for client in run.clients {
            table.add([
                client.client, "\(client.messages)", "\(client.bytes)", "\(client.updatesUsed)",
                "\(client.lateUpdatesUsed)", decimal(client.meanStaleness, 2), "\(client.rejected)",
            ])
        }
        return lines + [""] + table.lines
    }

    private func updates(_ run: RunInspection) -> [String] {
        var table = TextTable(["version", "client", "update", "from version", "staleness", "samples", "weight"])
        for version in run.versions {
            for part in version.updates {
                table.add([
                    "\(version.version)", part.client, "\(part.sequence)", "\(part.baseVersion)", "\(part.staleness)",
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
