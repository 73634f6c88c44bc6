import ArgumentParser
import FederationRuntime
import PromptTuning

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measures this machine.",
        subcommands: [BenchTuningCommand.self, BenchAggregationCommand.self])
}

struct BenchTuningCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tuning",
        abstract: "Times tuning steps on frozen transformers of several shapes, against the machine's own peak.")

    @Option(help: "Threads of the tuning.")
    var threads = 2

    @Option(help: "Steps that are timed, after two that warm up.")
    var steps = 5

    @Option(help: "Only this shape: \(TuningBenchmark.shapes.map(\.name).joined(separator: ", ")).")
    var shape: String?

    @Flag(help: "Prints JSON.")
    var json = false

    private struct Measured: Encodable {
        var shape: String
        var threads: Int
        var medianStepMilliseconds: Double
        var imagesPerSecond: Double
        var gigaflops: Double
        var peakShare: Double
    }

    func validate() throws {
        guard threads >= 1, steps >= 1 else { throw ValidationError("--threads and --steps: expected at least 1") }
        if let shape, !TuningBenchmark.shapes.contains(where: { $0.name == shape }) {
            throw ValidationError("--shape: no shape '\(shape)'")
        }
    }

    func run() throws {
        let benchmark = try TuningBenchmark(threads: threads)
        if !json { print(TuningBenchmark.columns) }
        let rows = try TuningBenchmark.shapes.filter { shape == nil || $0.name == shape }.map { shape in
            let row = try benchmark.run(shape, steps: steps)
            if !json { print(row) }
            return row
        }
        guard json else { return print("peak \(decimal(benchmark.peakGigaflops, 0)) GFLOP/s, measured beside") }
        try printJSON(
            rows.map {
                Measured(
                    shape: $0.shape.name, threads: threads, medianStepMilliseconds: $0.step / .milliseconds(1),
                    imagesPerSecond: $0.imagesPerSecond, gigaflops: $0.gigaflops, peakShare: $0.peakShare)
            })
    }
}

struct BenchAggregationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "aggregation",
        abstract: "Times flushes at the paper's shapes, then with growing buffers, pools and widths.",
        discussion: """
            A shape is clients x prompts of each x width. Every client contributes a noisy copy of one pool; a fit of 50 \
            sweeps starts anew. The objective (equation 11, in nats) compares fits that end with equally many prompts.
            """)

    @Option(help: "Flushes of each, of which the median counts.")
    var runs = 3

    @Flag(help: "Only the paper's shapes.")
    var paper = false

    @Flag(help: "Leaves out pfpt-reference.")
    var withoutReference = false

    @Flag(help: "Prints JSON.")
    var json = false

    private struct Measured: Encodable {
        var shape: String
        var method: String
        var medianFlushMilliseconds: Double
        var fastestFlushMilliseconds: Double
        var prompts: Int
        var objective: Double?
    }

    func validate() throws {
        guard runs >= 1 else { throw ValidationError("--runs: expected at least 1") }
    }

    func run() throws {
        let benchmark = AggregationBenchmark(runs: runs)
        var rows: [AggregationBenchmark.Row] = []
        for shape in AggregationBenchmark.paperShapes + (paper ? [] : AggregationBenchmark.otherShapes) {
            let withReference = !withoutReference && AggregationBenchmark.paperShapes.contains(shape)
            for method in AggregationBenchmark.methods + (withReference ? [AggregationBenchmark.reference] : []) {
                rows.append(try benchmark.run(method, shape))
            }
        }
        if json { return try printJSON(rows.map(Self.measured)) }
        var table = TextTable(["shape", "method", "ms/flush", "fastest", "prompts", "objective"])
        for row in rows {
            table.add([
                "\(row.shape)", row.method.name, decimal(row.flush / .milliseconds(1), 1),
                decimal(row.fastestFlush / .milliseconds(1), 1), "\(row.prompts)",
                row.objective.map { decimal($0, 0) } ?? "",
            ])
        }
        print(table.lines.joined(separator: "\n"))
    }

    private static func measured(_ row: AggregationBenchmark.Row) -> Measured {
        Measured(
            shape: "\(row.shape)", method: row.method.name, medianFlushMilliseconds: row.flush / .milliseconds(1),
            fastestFlushMilliseconds: row.fastestFlush / .milliseconds(1), prompts: row.prompts,
            objective: row.objective)
    }
}
