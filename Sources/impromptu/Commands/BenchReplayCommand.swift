import ArgumentParser
import Benchmarks
import Console
import Foundation
import RunLog
import Text

struct BenchReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Times reading and replaying a log, beside a plain read of its file.",
        discussion: """
            Without a run it writes the log of one like the demo's, whose clients answer at once with noise, and removes \
            it afterwards. The file is in memory each time. MB/s are of the whole file. Then it keeps a snapshot of the \
            last state beside the log, and removes it.
            """)

    @Argument(help: .recordedRun, completion: .file())
    var path: String?

    @Option(help: ArgumentHelp("Updates of the run that is written.", valueName: "number"))
    var updates = 2000

    @Option(help: ArgumentHelp("How often each is timed; the median counts.", valueName: "number"))
    var runs = 3

    @Option(
        name: .customLong("recovery"),
        help: ArgumentHelp(
            "Times only the recovery of a run with this many versions; repeatable.", valueName: "number"))
    var recoveries: [Int] = []

    @Option(help: ArgumentHelp("With --recovery: updates of a version.", valueName: "number"))
    var versionUpdates = 1

    @Option(help: ArgumentHelp("With --recovery: prompts in the pool.", valueName: "number"))
    var pool = 2

    @Option(help: ArgumentHelp("With --recovery: numbers in a prompt.", valueName: "number"))
    var width = 4

    @Option(help: ArgumentHelp("With --recovery: the size of a file of the log.", valueName: "bytes"))
    var segmentBytes = 256 << 20

    @Flag(help: "With --recovery: leaves out the recovery from all records.")
    var lastSegmentOnly = false

    @OptionGroup var output: OutputOptions

    private struct Measured: Encodable {
        var pass: String
        var medianMilliseconds: Double
        var recordsPerSecond: Double
        var megabytesPerSecond: Double
        var plainReadShare: Double
    }

    func validate() throws {
        guard updates >= 1, runs >= 1 else { throw ValidationError("--updates and --runs: expected at least 1") }
        guard recoveries.allSatisfy({ $0 >= 1 }) else { throw ValidationError("--recovery: expected at least 1") }
        guard versionUpdates >= 1, segmentBytes >= 4096 else {
            throw ValidationError("--version-updates: expected at least 1, and --segment-bytes at least 4096")
        }
        guard pool >= 1, width >= 1 else { throw ValidationError("--pool and --width: expected at least 1") }
        guard recoveries.isEmpty || path == nil && output.format == .table else {
            throw ValidationError("--recovery: expected neither a run nor --output with it")
        }
    }

    func run() throws {
        if !recoveries.isEmpty { return try recover() }
        if let path { return try measure(path) }
        let folder = RunFolder(path: NSTemporaryDirectory() + "impromptu-bench-" + UUID().uuidString)
        try folder.create()
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        try ReplayBenchmark.writeRun(to: folder, updates: updates)
        try measure(folder.log)
    }

    private func recover() throws {
        var table = TextTable([
            "versions", "records", "log MB", "files", "snapshot MB", "recovery ms", "of it replayed", "all records ms",
            "memory halfway MB", "most from there MB", "peak MB", "peak of recovery MB",
        ])
        for versions in recoveries {
            let folder = RunFolder(path: NSTemporaryDirectory() + "impromptu-bench-" + UUID().uuidString)
            try folder.create()
            defer { try? FileManager.default.removeItem(atPath: folder.path) }
            let found = try RecoveryBenchmark(
                versions: versions, updates: versionUpdates, pool: pool, width: width,
                segmentBytes: UInt64(segmentBytes), readsWhole: !lastSegmentOnly, in: folder)
            table.add([
                "\(found.versions)", found.records.map { "\($0)" } ?? "-", decimal(Double(found.bytes) / 1e6, 1),
                "\(found.segments)", decimal(Double(found.snapshotBytes) / 1e6, 2),
                decimal(found.recovery / .milliseconds(1), 0), "\(found.replayedRecords)",
                found.wholeRecovery.map { decimal($0 / .milliseconds(1), 0) } ?? "-",
                decimal(Double(found.halfwayMemory) / 1e6, 1), decimal(Double(found.mostMemory) / 1e6, 1),
                decimal(Double(found.runPeak) / 1e6, 1), decimal(Double(found.recoveryPeak) / 1e6, 1),
            ])
        }
        try StandardOutput.write(table.lines.joined(separator: "\n"))
    }

    private func measure(_ log: String) throws {
        let benchmark = try ReplayBenchmark(log: log, runs: runs)
        let rows = try benchmark.run()
        let plain = rows[0].bytesPerSecond
        let measured = rows.map {
            Measured(
                pass: $0.name, medianMilliseconds: $0.duration / .milliseconds(1),
                recordsPerSecond: $0.recordsPerSecond, megabytesPerSecond: $0.bytesPerSecond / 1e6,
                plainReadShare: $0.bytesPerSecond / plain)
        }
        try output.show(measured) {
            var table = TextTable(["pass", "ms", "records/s", "MB/s", "of a plain read"])
            for row in rows {
                table.add([
                    row.name, decimal(row.duration / .milliseconds(1), 1),
                    row.records > 0 ? decimal(row.recordsPerSecond, 0) : "-", decimal(row.bytesPerSecond / 1e6, 0),
                    decimal(row.bytesPerSecond / plain, 3),
                ])
            }
            let heading = "\(rows[rows.count - 1].records) records, \(decimal(Double(benchmark.bytes) / 1e6, 1)) MB"
            return [heading] + table.lines
        }
        guard output.format == .table else { return }
        let folder = log + "-snapshots-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try StandardOutput.write("\n" + (try SnapshotBenchmark(log: log, in: folder).words))
    }
}
