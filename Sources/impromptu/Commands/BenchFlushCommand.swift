import ArgumentParser
import Benchmarks
import Text

struct BenchFlushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flush",
        abstract: "Times acknowledgements while a large pool is aggregated, beside those of a quiet aggregator.",
        discussion: """
            Each client's update touches ten prompts of 768 values, and all of them make a version of pfpt-async. While it \
            is computed the clients send their updates again, and each is acknowledged. Once this is done with versions \
            that are computed beside all else, and once with versions within an event. The target is 5 ms beyond the \
            quiet aggregator.
            """)

    @Option(help: ArgumentHelp("Clients, each with one update in a version.", valueName: "number"))
    var clients = 100

    @Option(help: ArgumentHelp("Prompts in the pool.", valueName: "number"))
    var pool = 1000

    @Option(help: ArgumentHelp("Versions of each kind.", valueName: "number"))
    var rounds = 5

    @OptionGroup var output: OutputOptions

    @OptionGroup var place: BenchmarkFolder

    private struct Measured: Encodable {
        var flushes: String
        var flushMilliseconds: Double
        var acknowledgements: Int
        var quietMedianMilliseconds: Double
        var quietSlowMilliseconds: Double
        var medianMilliseconds: Double
        var slowMilliseconds: Double
        var slowestMilliseconds: Double
    }

    func validate() throws {
        guard clients >= 1, rounds >= 1 else { throw ValidationError("--clients, --rounds: expected at least 1") }
        guard (10...100_000).contains(pool) else { throw ValidationError("--pool: expected 10 to 100000") }
    }

    func run() async throws {
        let benchmark = FlushBenchmark(clients: clients, pool: pool, rounds: rounds)
        var rows: [Measured] = []
        for isBeside in [true, false] {
            let row = try await place.withFolder { try await benchmark.run(isBeside: isBeside, in: $0) }
            rows.append(
                Measured(
                    flushes: isBeside ? "beside the loop" : "within an event",
                    flushMilliseconds: row.flush / .milliseconds(1), acknowledgements: row.meanwhile.count,
                    quietMedianMilliseconds: row.quiet.median / .milliseconds(1),
                    quietSlowMilliseconds: row.quiet.slow / .milliseconds(1),
                    medianMilliseconds: row.meanwhile.median / .milliseconds(1),
                    slowMilliseconds: row.meanwhile.slow / .milliseconds(1),
                    slowestMilliseconds: row.meanwhile.slowest / .milliseconds(1)))
        }
        try output.show(rows) {
            var table = TextTable([
                "flushes", "flush, ms", "quiet p50, ms", "quiet p99, ms", "acks meanwhile", "p50, ms", "p99, ms",
                "slowest, ms",
            ])
            for row in rows {
                table.add([
                    row.flushes, decimal(row.flushMilliseconds, 0), decimal(row.quietMedianMilliseconds, 2),
                    decimal(row.quietSlowMilliseconds, 2), "\(row.acknowledgements)",
                    decimal(row.medianMilliseconds, 2), decimal(row.slowMilliseconds, 2),
                    decimal(row.slowestMilliseconds, 2),
                ])
            }
            return ["\(clients) clients, a pool of \(pool) prompts, \(rounds) versions of each kind"] + table.lines
        }
    }
}
