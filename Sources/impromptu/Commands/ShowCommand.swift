import ArgumentParser
import Lab

struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Shows what tuned prompts are and what they need.",
        discussion: """
            The run and version that they come from, the classes, how images are prepared, the encoder with its digest, the \
            prompts' geometry, how they are picked, and the head. docs/model.md says what each of them does.
            """)

    @Argument(
        help: ArgumentHelp("A prompts file, a bundle, a run folder, or RUN:VERSION.", valueName: "model"),
        completion: .file())
    var model: String

    @OptionGroup var output: DocumentOptions

    func run() throws {
        let tuned = try TunedModel(model)
        try output.show(tuned.summary) { tuned.lines }
    }
}
