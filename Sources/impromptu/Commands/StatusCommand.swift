import ArgumentParser
import FederationService
import Foundation
import Lab
import RunLog
import RunSettings

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows the state of a run or of a service.",
        discussion: """
            The argument is an endpoint if it contains '://', and a run folder otherwise. The command waits for the \
            aggregator's next beacon and prints version, clients, tasks in flight, the last flush and its staleness. It \
            exits with 0 if it heard the aggregator or the run has finished, and with 1 if not, so it also serves as a \
            probe. With --health it checks instead that a service has written its file within --timeout. That needs no \
            network and works for workers too.

            impromptu status runs/first
            impromptu status tcp://10.0.0.5:5602 --keys keys --key observer
            impromptu status --health worker.health --timeout 30s --quiet
            """)

    @Argument(
        help: ArgumentHelp("A run folder, or the endpoint where the aggregator publishes.", valueName: "run"),
        completion: .directory)
    var target: String?

    @Option(
        help: ArgumentHelp(
            "The file that a service with the same option rewrites while it is alive.", valueName: "file"),
        completion: .file())
    var health: String?

    @Option(help: ArgumentHelp("The folder of the run's keys.", valueName: "folder"), completion: .directory)
    var keys: String?

    @Option(help: ArgumentHelp("The name of a key in it.", valueName: "name"))
    var key = "observer"

    @Option(help: .timeout("How long to listen, or how old the health file may be"))
    var timeout = TimeSpan(seconds: 5)

    @OptionGroup var output: DocumentOptions

    @OptionGroup var quiet: QuietOption

    private struct Health: Encodable {
        var file: String
        var state: String
    }

    /// A run that nobody publishes the state of.
    private struct Silent: Encodable {
        var finished = true
        /// nil in a folder without a log, such as a relay's.
        var version: Int?
        var updates: Int?

        init(_ folder: RunFolder) throws {
            guard FileManager.default.fileExists(atPath: folder.log) else { return }
            let run = try RunInspection(log: folder.log).run
            (finished, version, updates) = (run.finished, run.version, run.updatesAccepted)
        }

        var words: String {
            "the run has finished" + (version.map { ": version \($0), \(updates ?? 0) updates" } ?? "")
        }
    }

    func validate() throws {
        guard (0.1...86_400).contains(timeout.seconds) else {
            throw ValidationError("--timeout: expected 100ms to 24h, found \(timeout)")
        }
        guard (target == nil) != (health == nil) else {
            throw ValidationError("expected a run or --health, found \(target == nil ? "neither" : "both")")
        }
        guard health == nil || keys == nil else { throw ValidationError("--keys: expected none beside --health") }
    }

    func run() async throws {
        if let health {
            let state = try HealthFile(path: health).read(noOlderThan: timeout.duration)
            return try show(Health(file: health, state: state), [state])
        }
        try await show(target ?? "")
    }

    private func show(_ document: some Encodable, _ lines: [String]) throws {
        if !quiet.isQuiet { try output.show(document) { lines } }
    }

    private func show(_ run: String) async throws {
        if run.contains("://") { return try await showBeacon(of: run) }
        let folder = RunFolder(path: run)
        let place = try folder.rendezvous()
        if case .open(let endpoints, _) = place { return try await showBeacon(of: endpoints.prompts) }
        guard place != nil || FileManager.default.fileExists(atPath: folder.log) else {
            throw ConfigurationError("\(run): expected an endpoint such as tcp://10.0.0.5:5602, or the folder of a run")
        }
        let silent = try Silent(folder)
        guard silent.finished else {
            throw RunFolderError("\(run): no aggregator is at work on this run, which has not finished")
        }
        try show(silent, [silent.words])
    }

    private func showBeacon(of endpoint: String) async throws {
        let status = try await FederationStatus.hear(
            at: endpoint, keys: keys.map { (folder: $0, name: key) }, within: timeout.duration)
        try show(status, status.lines)
    }
}
