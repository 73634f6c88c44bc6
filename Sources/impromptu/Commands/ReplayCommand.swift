import ArgumentParser
import Console
import Lab
import PromptAggregation
import RunLog

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Runs a log through the aggregator again and compares every digest.",
        discussion: """
            A run replays bit for bit on any machine, with any program of the same algorithm. Exits with 1 where a \
            digest differs or a record is damaged, and names it. --verbose prints the digest of every version that was \
            published. To aggregate the recorded updates another way: impromptu whatif.
            """)

    @Argument(help: .recordedRun, completion: .file())
    var path: String

    @Option(help: .version("Stops after this version"))
    var modelVersion: Int?

    @OptionGroup var output: OutputOptions

    @OptionGroup var quiet: QuietOption

    @OptionGroup var verbose: VerboseOption

    private struct Outcome: Encodable {
        struct Checked: Encodable {
            var version: Int
            var digest: String
            var replayed: String
            var equal: Bool
        }
        var log: String
        var records: Int
        var droppedBytes: UInt64
        /// Where the log begins in the middle of the run.
        var beginning: Replay.Beginning?
        var publications: [Checked]
        var snapshots: [Replay.CheckedSnapshot]
        var equal: Bool
        /// Digest over all digests, in order.
        var digestOfAll: String
    }

    private var isTable: Bool { output.format == .table }

    func validate() throws {
        if let modelVersion, modelVersion < 0 {
            throw ValidationError("--model-version: expected at least 0, found \(modelVersion)")
        }
        guard !quiet.isQuiet || !verbose.isVerbose else {
            throw ValidationError("--quiet, --verbose: expected one of them, found both")
        }
    }

    func run() throws {
        var checked: [Replay.CheckedPublication] = []
        let (replay, snapshots) = try Replay.checked(path: path, until: modelVersion) { step in
            guard case .checked(let publication) = step else { return }
            checked.append(publication)
            if verbose.isVerbose, isTable { try StandardOutput.write(line(publication)) }
        }
        if verbose.isVerbose, isTable {
            for snapshot in snapshots { try StandardOutput.write("state \(snapshot.name)  \(snapshot.words)") }
        }
        try requireLast(of: checked, in: path)
        try show(outcome(path, replay, checked, snapshots))
        if let first = checked.first(where: { !$0.isEqual }) {
            throw ReplayError("\(path): version \(first.version) does not replay to its recorded digest")
        }
        if let wrong = snapshots.first(where: { $0.finding == .different }) {
            throw ReplayError("\(path): the state of \(wrong.name) does not hold the state that the log gives there")
        }
    }

    private func requireLast(of checked: [Replay.CheckedPublication], in log: String) throws {
        let last = checked.last?.version ?? -1
        guard let modelVersion, last < modelVersion else { return }
        throw ReplayError(
            "\(log): "
                + (last < 0
                    ? "no version was published" : "the log ends at version \(last) and has no \(modelVersion)"))
    }

    private func outcome(
        _ log: String, _ replay: Replay, _ checked: [Replay.CheckedPublication], _ snapshots: [Replay.CheckedSnapshot]
    ) -> Outcome {
        Outcome(
            log: log, records: replay.records, droppedBytes: replay.droppedBytes, beginning: replay.beginning,
            publications: checked.map {
                .init(version: $0.version, digest: "\($0.recorded)", replayed: "\($0.replayed)", equal: $0.isEqual)
            },
            snapshots: snapshots, equal: checked.allSatisfy(\.isEqual),
            digestOfAll: "\(Digest(of: checked.flatMap(\.replayed.bytes)))")
    }

    private func show(_ outcome: Outcome) throws {
        if quiet.isQuiet, outcome.equal, outcome.droppedBytes == 0 { return }
        try output.show(outcome, rows: outcome.publications) {
            let torn =
                outcome.droppedBytes > 0
                ? ["the log's end is torn: \(outcome.droppedBytes) bytes were left out"] : []
            let different = outcome.publications.count { !$0.equal }
            return (outcome.beginning.map { ["the log \($0.words)"] } ?? []) + torn + [
                "\(outcome.records) records\(modelVersion.map { " up to version \($0)" } ?? ""),"
                    + " \(outcome.publications.count) publications, "
                    + (outcome.equal
                        ? "every digest equal, digest of all \(outcome.digestOfAll)" : "\(different) digests DIFFER")
            ]
        }
    }

    private func line(_ publication: Replay.CheckedPublication) -> String {
        "version \(publication.version)  \(publication.recorded)  "
            + (publication.isEqual ? "equal" : "DIFFERS: \(publication.replayed)")
    }
}
