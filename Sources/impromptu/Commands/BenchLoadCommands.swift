import ArgumentParser
import Benchmarks
import Foundation
import RunLog
import Text

/// Where a benchmark of the live aggregator keeps its files while it runs.
struct BenchmarkFolder: ParsableArguments {
    @Option(
        name: .customLong("disk"),
        help: ArgumentHelp(
            "A folder on the disk to measure; by default the system's temporary folder.", valueName: "folder"),
        completion: .directory)
    var folder: String?

    /// Calls `body` with a folder of its own, which is gone afterwards.
    func withFolder<Outcome>(_ body: (String) async throws -> Outcome) async throws -> Outcome {
        let path = (folder ?? NSTemporaryDirectory()) + "/impromptu-bench-" + UUID().uuidString
        try RunFolder(path: path).create()
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await body(path)
    }
}

struct BenchIngestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest",
        abstract: "Times how many updates the aggregator takes in, beside ZeroMQ and the disk alone.",
        discussion: """
            Updates of about 30 KB arrive over several connections; each is authenticated, received, decoded, checked, \
            logged, synced, applied and acknowledged. In turns with this, the same bytes go through ZeroMQ alone, and are \
            written and synced alone, in groups of the sizes that the aggregator committed. The target is 0.8 times the \
            rate of the slower of the two.
            """)

    @Option(help: ArgumentHelp("Updates of each round.", valueName: "number"))
    var updates = 12000

    @Option(help: ArgumentHelp("Connections, of eight clients each.", valueName: "number"))
    var connections = 8

    @Option(help: ArgumentHelp("Rounds; the median counts.", valueName: "number"))
    var rounds = 3

    @Flag(
        inversion: .prefixedNo,
        help: "Measures connections with keys (CURVE), which encrypt and authenticate, or without.")
    var encryption = true

    @OptionGroup var output: OutputOptions

    @OptionGroup var place: BenchmarkFolder

    private struct Measured: Encodable {
        var part: String
        var updatesPerSecond: Double
        var megabytesPerSecond: Double
        var aggregatorShare: Double
    }

    func validate() throws {
        guard updates >= 1, connections >= 1, rounds >= 1 else {
            throw ValidationError("--updates, --connections, --rounds: expected at least 1")
        }
    }

    func run() async throws {
        let benchmark = IngestBenchmark(updates: updates, connections: connections, rounds: rounds, hasKeys: encryption)
        let outcome = try await place.withFolder { try await benchmark.run(in: $0) }
        let rows = [
            ("ZeroMQ PUSH to PULL", outcome.transport), ("write and sync in groups", outcome.disk),
            ("aggregator, acknowledged", outcome.aggregator),
        ].map { part, rate in
            Measured(
                part: part, updatesPerSecond: rate, megabytesPerSecond: rate * Double(outcome.updateBytes) / 1e6,
                aggregatorShare: outcome.aggregator / rate)
        }
        try output.show(rows) {
            var table = TextTable(["part", "updates/s", "MB/s", "aggregator/part"])
            for row in rows {
                table.add([
                    row.part, decimal(row.updatesPerSecond, 0), decimal(row.megabytesPerSecond, 0),
                    decimal(row.aggregatorShare, 2),
                ])
            }
            let heading =
                "\(benchmark.updates) updates of \(outcome.updateBytes) bytes\(encryption ? " with keys" : "");"
                + " \(outcome.group) in a commit, in the median"
            return [heading] + table.lines + [
                "\(decimal(outcome.aggregator / outcome.slowestPart, 2)) of the slowest part"
            ]
        }
    }
}

struct BenchRoundtripCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roundtrip",
        abstract: "Times a client's update to its acknowledgement and to the next version, beside the disk alone.",
        discussion: """
            One client answers each task at once with a prepared update; every update makes a version. After each round \
            the same number of bytes is written and synced to a separate file. The target is an acknowledgement at most \
            1 ms later than the disk, in the median.
            """)

    @Option(help: ArgumentHelp("Rounds, after a few that warm up.", valueName: "number"))
    var rounds = 500

    @OptionGroup var output: OutputOptions

    @OptionGroup var place: BenchmarkFolder

    private struct Measured: Encodable {
        var part: String
        var medianMilliseconds: Double
        var slowMilliseconds: Double
        var medianBeyondDiskMilliseconds: Double
    }

    func validate() throws {
        guard rounds >= 1 else { throw ValidationError("--rounds: expected at least 1") }
    }

    func run() async throws {
        let benchmark = RoundtripBenchmark(rounds: rounds)
        let outcome = try await place.withFolder { try await benchmark.run(in: $0) }
        let disk = outcome.rows[0].median
        let rows = outcome.rows.map {
            Measured(
                part: $0.name, medianMilliseconds: $0.median / .milliseconds(1),
                slowMilliseconds: $0.slow / .milliseconds(1),
                medianBeyondDiskMilliseconds: ($0.median - disk) / .milliseconds(1))
        }
        try output.show(rows) {
            var table = TextTable(["part", "p50, ms", "p99, ms", "p50 beyond the disk, ms"])
            for row in rows {
                table.add([
                    row.part, decimal(row.medianMilliseconds, 2), decimal(row.slowMilliseconds, 2),
                    decimal(row.medianBeyondDiskMilliseconds, 2),
                ])
            }
            return ["\(rounds) rounds, updates of \(outcome.updateBytes) bytes"] + table.lines
        }
    }
}

struct BenchConnectionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connections",
        abstract: "Connects thousands of clients to an aggregator over loopback: how long, and what memory each.",
        discussion: """
            Each worker has two connections, and each client says hello and is welcomed; then all say goodbye at once. The \
            targets are at most 60 KB of the aggregator's memory for each connection, and 2 s until the aggregator \
            announces that nobody is left.
            """,
        subcommands: [BenchHoldCommand.self])

    @Option(
        help: ArgumentHelp(
            "How many clients; fewer if the limit of open files is too low for them.", valueName: "number"))
    var clients = 10_000

    @Option(
        help: ArgumentHelp(
            "Workers that share them equally; by default each client has one of its own.", valueName: "number"))
    var workers: Int?

    @OptionGroup var output: OutputOptions

    @OptionGroup var place: BenchmarkFolder

    private struct Measured: Encodable {
        var clients: Int
        var connections: Int
        var seconds: Double
        var leavingSeconds: Double
        var bytesPerConnection: Double
        var bytesPerClient: Double
    }

    func validate() throws {
        guard (1...100_000).contains(clients) else { throw ValidationError("--clients: expected 1 to 100000") }
        if let workers, !(1...clients).contains(workers) {
            throw ValidationError("--workers: expected 1 to --clients (\(clients))")
        }
    }

    func run() async throws {
        let program = [Child.program.path, "bench", "connections", "hold"]
        let outcome = try await place.withFolder {
            try await ConnectionsBenchmark(clients: clients, workers: workers).run(in: $0, program: program)
        }
        let measured = Measured(
            clients: outcome.clients, connections: outcome.connections, seconds: outcome.seconds,
            leavingSeconds: outcome.leavingSeconds, bytesPerConnection: outcome.bytesPerConnection,
            bytesPerClient: outcome.bytesPerClient)
        try output.show(measured, rows: [measured]) {
            (outcome.shortage.map { [$0] } ?? []) + [
                "\(outcome.clients) clients, \(outcome.connections) connections: welcome after"
                    + " \(decimal(outcome.seconds, 1)) s, all gone \(decimal(outcome.leavingSeconds, 2)) s after their goodbyes;"
                    + " \(decimal(outcome.bytesPerConnection / 1000, 1)) KB each connection,"
                    + " \(decimal(outcome.bytesPerClient / 1000, 1)) KB each client"
            ]
        }
    }
}

/// The clients' side of `bench connections`.
struct BenchHoldCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold", abstract: "Plays clients until standard input ends.", shouldDisplay: false)

    @Argument var updates: String
    @Argument var prompts: String
    @Argument var total: Int
    @Argument var each: Int
    @Argument var first: Int
    @Argument var count: Int

    func run() throws {
        try ConnectionsBenchmark.hold(
            updates: updates, prompts: prompts, of: total, each: each, from: first, count: count)
    }
}
