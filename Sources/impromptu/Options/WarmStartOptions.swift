import ArgumentParser
import FederationRun
import Lab

/// What a new run begins with.
struct WarmStartOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Begins a new run with the prompts of an earlier one: a run folder, RUN:VERSION or a prompts file. The model \
            must be the same, and the new run's classes must begin with those of the earlier one.
            """, valueName: "model"), completion: .file())
    var from: String?

    /// - Throws: why there are no such prompts.
    func prompts() throws -> EarlierPrompts? {
        try from.map { try EarlierPrompts(TunedModel($0).file, named: $0) }
    }
}
