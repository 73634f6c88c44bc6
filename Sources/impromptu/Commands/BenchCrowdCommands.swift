import ArgumentParser
import Benchmarks
import Foundation
import Text

struct BenchEventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Times what an event costs the aggregator's core with up to 100,000 clients, and runs as many.",
        discussion: """
            The first table: a heartbeat, an update with the next task, and the one event that gives every client a task. \
            The second: so many clients and their aggregator in virtual time, with a training that changes nothing. Neither \
            has sockets or a log. The targets are 3 µs a heartbeat and 50 ms for all tasks, at 100,000 clients.
            """)

    @Option(help: ArgumentHelp("How many clients; repeatable.", valueName: "number"))
    var clients: [Int] = [1000, 10_000, 100_000]

    @OptionGroup var output: OutputOptions

    private struct Measured: Encodable {
        var clients: Int
        var heartbeatMicroseconds: Double
        var updateMicroseconds: Double
        var dispatchMilliseconds: Double
        var coreBytesPerClient: Int
        var simulatedEventsPerSecond: Double
        var simulatedUpdates: Int
        var simulatedVersions: Int
        var simulatedBytesPerClient: Int
    }

    func validate() throws {
        guard clients.allSatisfy({ (2...1_000_000).contains($0) }) else {
            throw ValidationError("--clients: expected 2 to 1000000")
        }
    }

    func run() throws {
        let rows = try clients.map { clients in
            let row = try EventBenchmark(clients: clients).run()
            let crowd = try CrowdBenchmark(clients: clients).run()
            return Measured(
                clients: clients, heartbeatMicroseconds: row.heartbeat / .microseconds(1),
                updateMicroseconds: row.update / .microseconds(1),
                dispatchMilliseconds: row.dispatch / .milliseconds(1),
                coreBytesPerClient: row.bytesPerClient, simulatedEventsPerSecond: crowd.eventsPerSecond,
                simulatedUpdates: crowd.updates, simulatedVersions: crowd.versions,
                simulatedBytesPerClient: crowd.bytesPerClient)
        }
        try output.show(rows) { Self.lines(rows) }
    }

    private static func lines(_ rows: [Measured]) -> [String] {
        var core = TextTable(["clients", "heartbeat, µs", "update, µs", "all tasks, ms", "bytes a client"])
        var crowd = TextTable(["clients", "updates", "versions", "events/s", "bytes a client"])
        for row in rows {
            core.add([
                "\(row.clients)", decimal(row.heartbeatMicroseconds, 2), decimal(row.updateMicroseconds, 2),
                decimal(row.dispatchMilliseconds, 1), "\(row.coreBytesPerClient)",
            ])
            crowd.add([
                "\(row.clients)", "\(row.simulatedUpdates)", "\(row.simulatedVersions)",
                decimal(row.simulatedEventsPerSecond, 0), "\(row.simulatedBytesPerClient)",
            ])
        }
        return core.lines + [""] + crowd.lines
    }
}

struct BenchHostileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hostile",
        abstract: "Times acknowledgements of honest clients while a hostile one with a key does its worst.",
        discussion: """
            Sixteen clients on one connection answer their tasks after 40 ms each: by themselves, beside a hostile client \
            that attacks another aggregator on this machine, and beside one that attacks theirs. Hostile clients and the \
            other aggregator run at a lower priority; what they still take of the processor shows in the second turn. The target \
            is a p99 that at most doubles from the second turn to the third, and memory that does not grow.
            """,
        subcommands: [BenchAttackCommand.self, BenchDecoyCommand.self])

    @Option(help: ArgumentHelp("How long each turn lasts, \(TimeSpan.help).", valueName: "time"))
    var duration = TimeSpan(seconds: 5)

    @Option(help: "Only this kind: \(HostileKind.allCases.map(\.rawValue).joined(separator: ", ")).")
    var kind: String?

    @OptionGroup var output: OutputOptions

    @OptionGroup var place: BenchmarkFolder

    private struct Measured: Encodable {
        var kind: String
        var quietMedianMilliseconds: Double
        var quietSlowMilliseconds: Double
        var besideMedianMilliseconds: Double
        var besideSlowMilliseconds: Double
        var medianMilliseconds: Double
        var slowMilliseconds: Double
        var slowRatio: Double
        var slowRatioToBeside: Double
        var updatesRatio: Double
        var besideGrownMegabytes: Double
        var grownMegabytes: Double
    }

    func validate() throws {
        guard (0.5...3600).contains(duration.seconds) else { throw ValidationError("--duration: expected 500ms to 1h") }
        if let kind, HostileKind(rawValue: kind) == nil { throw ValidationError("--kind: no kind '\(kind)'") }
    }

    func run() async throws {
        let bench = [Child.program.path, "bench", "hostile"]
        let benchmark = HostileBenchmark(time: duration.duration)
        var rows: [Measured] = []
        for kind in HostileKind.allCases where self.kind == nil || kind.rawValue == self.kind {
            rows.append(
                Self.measured(
                    try await place.withFolder {
                        try await benchmark.run(kind, in: $0, program: bench + ["attack"], decoy: bench + ["decoy"])
                    }))
        }
        try output.show(rows) { Self.lines(rows) }
    }

    private static func lines(_ rows: [Measured]) -> [String] {
        var table = TextTable([
            "hostile", "quiet p50, ms", "p99", "beside p50", "p99", "attacked p50", "p99", "to quiet", "to beside",
            "updates", "grown beside, MB", "attacked",
        ])
        for row in rows {
            table.add([
                row.kind, decimal(row.quietMedianMilliseconds, 2), decimal(row.quietSlowMilliseconds, 2),
                decimal(row.besideMedianMilliseconds, 2), decimal(row.besideSlowMilliseconds, 2),
                decimal(row.medianMilliseconds, 2), decimal(row.slowMilliseconds, 2), decimal(row.slowRatio, 2),
                decimal(row.slowRatioToBeside, 2), decimal(row.updatesRatio, 2), decimal(row.besideGrownMegabytes, 0),
                decimal(row.grownMegabytes, 0),
            ])
        }
        return table.lines
    }

    private static func measured(_ row: HostileBenchmark.Row) -> Measured {
        Measured(
            kind: row.kind.rawValue, quietMedianMilliseconds: row.quiet.median / .milliseconds(1),
            quietSlowMilliseconds: row.quiet.slow / .milliseconds(1),
            besideMedianMilliseconds: row.beside.median / .milliseconds(1),
            besideSlowMilliseconds: row.beside.slow / .milliseconds(1),
            medianMilliseconds: row.attacked.median / .milliseconds(1),
            slowMilliseconds: row.attacked.slow / .milliseconds(1), slowRatio: row.slowdown,
            slowRatioToBeside: row.slowdownByAggregator,
            updatesRatio: Double(row.attacked.updates) / Double(row.quiet.updates),
            besideGrownMegabytes: Double(row.beside.grownBytes) / 1e6,
            grownMegabytes: Double(row.attacked.grownBytes) / 1e6)
    }
}

/// The hostile side of `bench hostile`.
struct BenchAttackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attack", abstract: "Plays a hostile client until standard input ends.", shouldDisplay: false)

    @Argument var kind: String
    @Argument var updates: String
    @Argument var prompts: String
    @Argument var keys: String

    func run() throws {
        guard let kind = HostileKind(rawValue: kind) else { throw ValidationError("no kind '\(kind)'") }
        try HostileClient(kind, updates: updates, prompts: prompts, keys: keys).run()
    }
}

/// The other aggregator of `bench hostile`.
struct BenchDecoyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decoy", abstract: "Plays an aggregator until standard input ends.", shouldDisplay: false)

    @Argument var folder: String
    @Argument var keys: String

    func run() async throws { try await HostileDecoy.run(in: folder, keys: keys) }
}
