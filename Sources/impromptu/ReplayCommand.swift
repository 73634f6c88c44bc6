import ArgumentParser
import FederationRuntime
import Foundation

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Runs a log through the aggregator again and compares every published digest.",
        discussion: """
            Prints the digest of every publication that it checked and whether it came out the same, or with --quiet one \
            line for all. A run replays bit for bit with the same build on the same type of machine. Exits with 1 where a \
            digest differs or a record is damaged, and names it.
            """)

    @Argument(help: ArgumentHelp("A run folder or its run.mcap.", valueName: "run"))
    var path: String

    @Option(help: "Stops after this version.")
    var until: Int?

    @Flag(help: "One line for all.")
    var quiet = false

    @Flag(help: "Prints JSON.")
    var json = false

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
        var publications: [Checked]
        var equal: Bool
        /// Digest over all digests, in order.
        var digestOfAll: String
    }

    func run() throws {
        var checked: [Replay.CheckedPublication] = []
        let replay = try Replay(path: RunFolder.log(at: path), until: until) { step in
            guard case .checked(let publication) = step else { return }
            checked.append(publication)
            if !quiet, !json { print(line(publication)) }
        }
        let different = checked.filter { !$0.isEqual }
        let all = Digest(of: checked.flatMap(\.replayed.bytes))
        if json {
            try printJSON(
                Outcome(
                    log: RunFolder.log(at: path), records: replay.records, droppedBytes: replay.droppedBytes,
                    publications: checked.map {
                        .init(
                            version: $0.version, digest: "\($0.recorded)", replayed: "\($0.replayed)", equal: $0.isEqual
                        )
                    }, equal: different.isEmpty, digestOfAll: "\(all)"))
        } else {
            if replay.droppedBytes > 0 { print("the log's end is torn: \(replay.droppedBytes) bytes were left out") }
            print(
                "\(replay.records) records, \(checked.count) publications, "
                    + (different.isEmpty
                        ? "every digest equal, digest of all \(all)" : "\(different.count) digests DIFFER"))
        }
        if let first = different.first {
            throw ReplayError("\(path): version \(first.version) does not replay to its recorded digest")
        }
    }

    private func line(_ publication: Replay.CheckedPublication) -> String {
        "version \(publication.version)  \(publication.recorded)  "
            + (publication.isEqual ? "equal" : "DIFFERS: \(publication.replayed)")
    }
}

/// Prints a value as JSON with sorted keys.
func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    print(String(decoding: try encoder.encode(value), as: UTF8.self))
}
