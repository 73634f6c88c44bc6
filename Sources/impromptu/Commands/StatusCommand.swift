import ArgumentParser
import Console
import FederationService
import Foundation
import RunLog
import RunSettings

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows the state of a running federation.",
        discussion: """
            Waits for the aggregator's next beacon and prints version, clients, tasks in flight, the last flush and its \
            staleness. Exits with 0 if it heard the aggregator and with 1 if not, so it also serves as a probe. With keys:

            impromptu status tcp://10.0.0.5:5602 --keys keys --key observer

            Given the file of a service's --health, it checks that the service has written it --within so many seconds. \
            That needs no network and works for workers too.
            """)

    @Argument(
        help: ArgumentHelp(
            "Where the aggregator publishes (endpoints.prompts), its run folder, or a service's health file.",
            valueName: "endpoint"))
    var endpoint: String

    @Option(help: "The folder of the run's keys.")
    var keys: String?

    @Option(help: "The name of a key in it.")
    var key = "observer"

    @Option(help: "How long to listen, or how old a health file may be, in seconds.")
    var within = 5.0

    @Flag(help: "Prints JSON.")
    var json = false

    @Flag(help: "Prints nothing when all is well.")
    var quiet = false

    func validate() throws {
        guard (0.1...86_400).contains(within) else {
            throw ValidationError("--within: expected 0.1 to 86400 seconds, found \(within)")
        }
    }

    func run() async throws {
        if isRegularFile {
            let words = try HealthFile(path: endpoint).read(noOlderThan: .seconds(within))
            if !quiet { try StandardOutput.write(words) }
            return
        }
        let status = try await FederationStatus.hear(
            at: try publishingEndpoint(), keys: keys.map { (folder: $0, name: key) }, within: .seconds(within))
        if quiet { return }
        if json { return try printJSON(status) }
        try StandardOutput.write(status.lines.joined(separator: "\n"))
    }

    private var isRegularFile: Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: endpoint, isDirectory: &isFolder) && !isFolder.boolValue
    }

    private func publishingEndpoint() throws -> String {
        if endpoint.contains("://") { return endpoint }
        switch try RunFolder(path: endpoint).rendezvous() {
        case .open(let endpoints, _): return endpoints.prompts
        case .finished: throw RunFolderError("\(endpoint): the run has finished; impromptu inspect shows it")
        case nil:
            throw ConfigurationError(
                "\(endpoint): expected an endpoint such as tcp://10.0.0.5:5602, a run folder whose aggregator was started,"
                    + " or the health file of a service that is ready")
        }
    }
}
