import ArgumentParser
import Benchmarks
import Console
import PromptAggregation
import Text

struct BenchKnownCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "known",
        abstract: "Times flushes of a strategy that knows many clients already.",
        discussion: """
            All clients contribute once, untimed, beside a head of \(classes) classes. Then some of them in turn contribute \
            other values at every flush. The mean holds the flushes that sum over all clients again, if enough are timed.
            """)

    /// Of the head.
    private static let classes = 100

    @Option(help: "The strategy.")
    var method = "ca2fl"

    @Option(
        help: ArgumentHelp("Clients that are known; repeatable. By default 100, 300 and 1000.", valueName: "number"))
    var known: [Int] = []

    @Option(help: ArgumentHelp("Clients of each flush.", valueName: "number"))
    var buffer = 10

    @Option(help: ArgumentHelp("Flushes that are timed.", valueName: "number"))
    var flushes = 10

    @Option(help: ArgumentHelp("Prompts of the pool, all of which each client sends.", valueName: "number"))
    var prompts = 200

    @Option(help: ArgumentHelp("The width of prompts and head.", valueName: "number"))
    var width = 768

    @OptionGroup var output: OutputOptions

    private struct Measured: Encodable {
        var method: String
        var known: Int
        var medianFlushMilliseconds: Double
        var meanFlushMilliseconds: Double
        var slowestFlushMilliseconds: Double
    }

    func validate() throws {
        guard StrategyCatalog.names.contains(method) else {
            throw ValidationError("--method: expected one of \(StrategyCatalog.names.joined(separator: ", "))")
        }
        guard (known + [buffer, flushes, prompts, width]).allSatisfy({ $0 >= 1 }) else {
            throw ValidationError("expected numbers of at least 1")
        }
        guard known.allSatisfy({ $0 >= buffer }) else {
            throw ValidationError("--known: expected at least as many as --buffer has, \(buffer)")
        }
    }

    func run() throws {
        let benchmark = KnownClientsBenchmark(
            strategy: method, shape: .init(prompts: prompts, width: width, classes: Self.classes), buffer: buffer,
            flushes: flushes)
        let rows = try (known.isEmpty ? [100, 300, 1000] : known).map { try benchmark.run(known: $0) }
        try output.show(rows.map(measured)) {
            var table = TextTable(["method", "known", "ms/flush", "mean", "slowest"])
            for row in rows.map(measured) {
                let times = [
                    row.medianFlushMilliseconds, row.meanFlushMilliseconds, row.slowestFlushMilliseconds,
                ]
                table.add([row.method, "\(row.known)"] + times.map { decimal($0, 1) })
            }
            return table.lines
        }
    }

    private func measured(_ row: KnownClientsBenchmark.Row) -> Measured {
        Measured(
            method: method, known: row.known, medianFlushMilliseconds: row.median / .milliseconds(1),
            meanFlushMilliseconds: row.mean / .milliseconds(1), slowestFlushMilliseconds: row.slowest / .milliseconds(1)
        )
    }
}
