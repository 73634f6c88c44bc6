import ArgumentParser
import Console
import FederationRun
import Foundation
import Lab
import RunLog
import Text

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Runs a log through the aggregator again: compares every digest, or aggregates another way.",
        discussion: """
            Prints the digest of every publication that it checked and whether it came out the same, or with --quiet one \
            line for all. A run replays bit for bit with the same build on the same type of machine. Exits with 1 where a \
            digest differs or a record is damaged, and names it.

            With --strategy, --staleness, --buffer or --set it aggregates the recorded updates another way and compares: \
            versions, pool, distance from the recorded state, accuracy. This is an open loop: the updates stay as they \
            were sent.

            impromptu replay runs/first --strategy fedavg --strategy fedbuff --strategy pfpt
            impromptu replay runs/first --strategy pfpt-async --set strategy.horizon=0 --staleness constant --buffer 10
            """)

    @Argument(help: ArgumentHelp("A run folder, or one file of its log.", valueName: "run"))
    var path: String

    @Option(help: "Stops after this version.")
    var until: Int?

    @Option(
        name: .customLong("strategy"),
        help: ArgumentHelp("What if: aggregates with this strategy; repeatable.", valueName: "name"))
    var strategies: [String] = []

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "What if: a setting of the strategies that have it, or federation.staleness_…; repeatable.",
            valueName: "strategy.key=value"))
    var assignments: [String] = []

    @Option(
        help: ArgumentHelp(
            "What if: weighs late updates so: constant, polynomial, hinge, inverse-sqrt.", valueName: "policy"))
    var staleness: String?

    @Option(help: "What if: makes a version of so many updates; whenever the run did unless given.")
    var buffer: Int?

    @Option(help: "What if: the images to evaluate on: test or validation.")
    var split: RunEvaluation.Split = .validation

    @Flag(help: "What if: evaluates nothing; needs neither data nor encoder.")
    var noAccuracy = false

    @Option(help: "What if: threads of the evaluation; they change no bit.")
    var threads = 2

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
        /// Where the log begins in the middle of the run.
        var beginning: Replay.Beginning?
        var publications: [Checked]
        var snapshots: [Replay.CheckedSnapshot]
        var equal: Bool
        /// Digest over all digests, in order.
        var digestOfAll: String
    }

    private var isWhatIf: Bool {
        !strategies.isEmpty || !assignments.isEmpty || staleness != nil || buffer != nil
    }

    func validate() throws {
        if let until, until < 0 { throw ValidationError("--until: expected a version from 0, found \(until)") }
        guard (1...256).contains(threads) else {
            throw ValidationError("--threads: expected 1 to 256, found \(threads)")
        }
        if noAccuracy, !isWhatIf {
            throw ValidationError("--no-accuracy: expected --strategy, --set, --staleness or --buffer with it")
        }
    }

    func run() throws { if isWhatIf { try compare() } else { try check() } }

    private func check() throws {
        var checked: [Replay.CheckedPublication] = []
        let (replay, snapshots) = try Replay.checked(path: path, until: until) { step in
            guard case .checked(let publication) = step else { return }
            checked.append(publication)
            if !quiet, !json { try StandardOutput.write(line(publication)) }
        }
        if !json, let beginning = replay.beginning { try StandardOutput.write("the log \(beginning.words)") }
        if !quiet, !json {
            for snapshot in snapshots { try StandardOutput.write("state \(snapshot.name)  \(snapshot.words)") }
        }
        let last = checked.last?.version ?? -1
        if let until, last < until {
            throw ReplayError(
                "\(path): "
                    + (last < 0 ? "no version was published" : "the log ends at version \(last) and has no \(until)"))
        }
        let different = checked.filter { !$0.isEqual }
        let all = Digest(of: checked.flatMap(\.replayed.bytes))
        if json {
            try printJSON(
                Outcome(
                    log: path, records: replay.records, droppedBytes: replay.droppedBytes, beginning: replay.beginning,
                    publications: checked.map {
                        .init(
                            version: $0.version, digest: "\($0.recorded)", replayed: "\($0.replayed)", equal: $0.isEqual
                        )
                    }, snapshots: snapshots, equal: different.isEmpty, digestOfAll: "\(all)"))
        } else {
            if replay.droppedBytes > 0 {
                try StandardOutput.write("the log's end is torn: \(replay.droppedBytes) bytes were left out")
            }
            try StandardOutput.write(
                "\(replay.records) records\(until.map { " up to version \($0)" } ?? ""), \(checked.count) publications, "
                    + (different.isEmpty
                        ? "every digest equal, digest of all \(all)" : "\(different.count) digests DIFFER"))
        }
        if let first = different.first {
            throw ReplayError("\(path): version \(first.version) does not replay to its recorded digest")
        }
        if let wrong = snapshots.first(where: { $0.finding == .different }) {
            throw ReplayError("\(path): the state of \(wrong.name) does not hold the state that the log gives there")
        }
    }

    private func compare() throws {
        let begin = ContinuousClock.now
        let comparison = try WhatIf(
            log: path,
            methods: WhatIfMethods(
                strategies: strategies, assignments: assignments, staleness: staleness, buffer: buffer),
            until: until, split: noAccuracy ? nil : split, threads: threads)
        if json { return try printJSON(comparison) }
        let seconds = (ContinuousClock.now - begin) / .seconds(1)
        try StandardOutput.write(
            "version \(comparison.version) of \(comparison.log): the run took"
                + " \(decimal(comparison.recordedSeconds, 1)) s, this \(decimal(seconds, 1)) s\n")
        try StandardOutput.write(comparison.lines.joined(separator: "\n"))
    }

    private func line(_ publication: Replay.CheckedPublication) -> String {
        "version \(publication.version)  \(publication.recorded)  "
            + (publication.isEqual ? "equal" : "DIFFERS: \(publication.replayed)")
    }
}

/// Prints a value as JSON with sorted keys.
func printJSON(_ value: some Encodable) throws {
    try StandardOutput.write(value.json(isPretty: true))
}
