import ArgumentParser
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

    @Argument(help: .runFolder, completion: .directory)
    var folder: String

    @Option(help: .timeout("How long to wait for tasks in flight"))
    var timeout = TimeSpan(seconds: 600)

    @OptionGroup var output: DocumentOptions

    func validate() throws {
        guard (0...86_400).contains(timeout.seconds) else {
            throw ValidationError("--timeout: expected 0s to 24h, found \(timeout)")
        }
    }

    func run() async throws {
        let drain = try await Drain.request(in: RunFolder(path: folder), patience: timeout.duration)
        try output.show(drain) { [drain.words] }
    }
}
