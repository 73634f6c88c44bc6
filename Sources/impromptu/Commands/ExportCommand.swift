import ArgumentParser
import Console
import Lab
import RunLog
import Text

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes a run as CSV and safetensors.",
        discussion: """
            Replays the log and writes into a folder: versions.csv, updates.csv (every update and what became of it), \
            clients.csv, evaluations.csv where the run folder has one, and the prompts and head of a version as \
            prompts-<version>.safetensors.
            """)

    @Argument(help: ArgumentHelp("A run folder or its run.mcap.", valueName: "run"))
    var path: String

    @Option(help: "The folder; made unless it is there.")
    var to: String

    @Option(
        name: .customLong("version"),
        help: ArgumentHelp(
            "A version whose prompts to write; repeatable, the last one unless given.", valueName: "number"))
    var versions: [Int] = []

    func run() throws {
        for file in try RunExport.write(log: RunFolder.log(at: path), to: to, versions: versions) {
            try StandardOutput.write(file)
        }
    }
}
