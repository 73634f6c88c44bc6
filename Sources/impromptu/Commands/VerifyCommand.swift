import ArgumentParser
import FederationService
import Lab
import RunLog

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Checks that a log is what the aggregator signed, and names the first record that is not.",
        discussion: """
            The log of a run with keys holds a chain over its records, which the aggregator signs with every version, every \
            thousand records or ten seconds, and at the end. Needs the log alone, and may read it while the run continues. \
            Exit code 1: the log was changed.

            Without --public-key only the log itself says whose key signed it. A log that ends early may be one that was \
            cut: --finished accepts only a log that was closed in order.
            """)

    @Argument(help: .recordedRun, completion: .file())
    var path: String

    @Option(
        name: .customLong("public-key"),
        help: ArgumentHelp(
            "The aggregator's log.public, as 'impromptu keys' made it; repeatable where the key was changed.",
            valueName: "file"), completion: .file())
    var publicKeys: [String] = []

    @Flag(help: "Fails also where the log was not closed in order.")
    var finished = false

    @OptionGroup var output: DocumentOptions

    func run() throws {
        let trusted = try publicKeys.map { try KeyFolder.logPublicKey(in: $0) }
        let found = try LogVerification(log: path, trusted: trusted)
        try output.show(found) { lines(found) }
        if let problem = found.problem { throw ReplayError("\(found.log): not what was signed: \(problem)") }
        if finished, !found.isClosed { throw ReplayError("\(found.log): expected a log that was closed in order") }
    }

    private func checkpoints(of found: LogVerification) -> String {
        guard found.checkpoints > 0 else { return "none in \(found.records) records" }
        return "\(found.checkpoints), the last at record \(found.signedRecords - 1) of \(found.records)"
    }

    private func beginning(of found: LogVerification) -> [String] {
        guard found.firstRecord > 0 else { return [] }
        return ["left           the log begins with record \(found.firstRecord); what came before was removed"]
    }

    private func lines(_ found: LogVerification) -> [String] {
        let keys = found.keys.joined(separator: ", ")
        let signer =
            found.keys.isEmpty
            ? "nobody: whoever changes the log can make its chain again"
            : keys + (found.areKeysTrusted ? "" : ", if the log is to be believed; --public-key settles that")
        return [
            "log            \(found.log)", "signed by      \(signer)",
            "checkpoints    " + checkpoints(of: found),
            "verdict        \(found.verdict)",
        ] + beginning(of: found)
            + (found.droppedBytes > 0 ? ["torn end       \(found.droppedBytes) bytes were left out"] : [])
    }
}
