import ArgumentParser
import FederationRun
import Lab

/// What a new run begins with.
struct WarmStartOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            A new run begins with these prompts of an earlier one: a run folder, RUN:VERSION or a prompts file. The model \
            must be the same; the classes may have others behind them.
            """, valueName: "model"))
    var from: String?

    /// - Throws: why there are no such prompts.
    func prompts() throws -> EarlierPrompts? {
        try from.map { try EarlierPrompts(TunedModel($0).file, named: $0) }
    }
}
