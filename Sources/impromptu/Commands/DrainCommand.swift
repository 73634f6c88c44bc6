import ArgumentParser
import Console
import FederationService
import RunLog

struct DrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Pauses a run; aggregate resumes it.",
        discussion: """
            The aggregator gives out no more tasks, waits for those in flight, makes a version of what is in its buffer, \
            closes its log and ends; the command waits for that. 'impromptu aggregate' on the same folder resumes the \
            run. The request is a file in the run folder, so it works from any machine that sees the folder.

            To stop at once, send SIGTERM to the aggregator. That loses nothing either: workers keep updates in flight.
            """)

    @Argument(help: ArgumentHelp("The run folder.", valueName: "run"))
    var folder: String

    @Option(help: "How long to wait for tasks in flight, in seconds.")
    var within = 600.0

    @Flag(help: "Prints JSON.")
    var json = false

    func validate() throws {
        guard (0...86_400).contains(within) else {
            throw ValidationError("--within: expected 0 to 86400 seconds, found \(within)")
        }
    }

    func run() async throws {
        let drain = try await Drain.request(in: RunFolder(path: folder), patience: .seconds(within))
        if json { return try printJSON(drain) }
        try StandardOutput.write(drain.words)
    }
}
