import ArgumentParser
import FederationRuntime

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Tells how a federation goes, by its aggregator's next beacon.",
        discussion: """
            Version, clients, tasks in flight, the last flush and how stale it was. Exits with 0 when the aggregator was \
            heard and 1 when it was not, so it serves as a probe too. With keys:

            impromptu status tcp://10.0.0.5:5602 --keys keys --key observer
            """)

    @Argument(
        help: ArgumentHelp(
            "Where the aggregator publishes (endpoints.prompts), or its run folder.", valueName: "endpoint"))
    var endpoint: String

    @Option(help: "The folder of the run's keys.")
    var keys: String?

    @Option(help: "The name of a key in it.")
    var key = "observer"

    @Option(help: "How long to listen, in seconds.")
    var within = 5.0

    @Flag(help: "Prints JSON.")
    var json = false

    func validate() throws {
        guard (0.1...86_400).contains(within) else {
            throw ValidationError("--within: expected 0.1 to 86400 seconds, found \(within)")
        }
    }

    func run() async throws {
        let status = try await FederationStatus.hear(
            at: try publishingEndpoint(), keys: keys.map { (folder: $0, name: key) }, within: .seconds(within))
        if json { return try printJSON(status) }
        print(status.lines.joined(separator: "\n"))
    }

    private func publishingEndpoint() throws -> String {
        if endpoint.contains("://") { return endpoint }
        switch try RunFolder(path: endpoint).rendezvous() {
        case .open(let endpoints, _): return endpoints.prompts
        case .finished: throw RunFolderError("\(endpoint): the run has finished; impromptu inspect tells of it")
        case nil:
            throw ConfigurationError(
                "\(endpoint): expected an endpoint such as tcp://10.0.0.5:5602, or a run folder whose aggregator was"
                    + " started")
        }
    }
}
