import ArgumentParser
import Benchmarks
import Console
import PromptAggregation
import PromptTuning
import Text

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measures this machine.",
        subcommands: [
            BenchTuningCommand.self, BenchAggregationCommand.self, BenchReplayCommand.self, BenchIngestCommand.self,
            BenchRoundtripCommand.self, BenchConnectionsCommand.self, BenchEventsCommand.self,
            BenchHostileCommand.self, BenchFlushCommand.self, BenchKnownCommand.self,
        ])
}

struct BenchTuningCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tuning",
        abstract: "Times tuning steps on frozen transformers of several shapes, against the machine's own peak.")

    @OptionGroup var threads: ThreadOptions

    @Option(help: ArgumentHelp("Steps that are timed, after two that warm up.", valueName: "number"))
    var steps = 5

    @Option(help: "Only this shape: \(TuningBenchmark.shapes.map(\.name).joined(separator: ", ")).")
    var shape: String?

    @Option(
        help: ArgumentHelp(
            "Times the encoder in this folder instead, and prints its load time and memory.", valueName: "folder"),
        completion: .directory)
    var encoder: String?

    @Option(
        help: ArgumentHelp(
            "With --encoder: height and width of the images; by default those of its training.", valueName: "pixels"))
    var imageSize: Int?

    @Option(
        help: ArgumentHelp(
            "What products with frozen weights are computed in (encoder.precision).", valueName: "precision"))
    var precision = EncoderPrecision.float32

    @Option(help: ArgumentHelp("Instructions to use; by default the fastest.", valueName: "variant"))
    var kernels: KernelVariant?

    @Option(
        help: ArgumentHelp(
            "The block that prompts enter before (prompts.first_block); what earlier ones make of an image is kept. Shapes"
                + " without such a block are left out.",
            valueName: "index"))
    var firstBlock = 0

    @Flag(help: "Times predictions in place of steps: forward passes without gradients.")
    var prediction = false

    @OptionGroup var output: OutputOptions

    private struct Measured: Encodable {
        var shape: String
        var precision: String
        var firstBlock: Int
        var kernels: String
        var threads: Int
        var medianStepMilliseconds: Double
        var examplesPerSecond: Double
        var gigaflops: Double
        var peakShare: Double
    }

    private var shapes: [TuningBenchmark.Shape] {
        TuningBenchmark.shapes.filter { shape == nil || $0.name == shape }
    }

    func validate() throws {
        guard steps >= 1 else { throw ValidationError("--steps: expected at least 1, found \(steps)") }
        if let shape, shapes.isEmpty { throw ValidationError("--shape: no shape '\(shape)'") }
        guard encoder != nil || imageSize == nil, encoder == nil || shape == nil else {
            throw ValidationError("--encoder goes without --shape, --image-size with --encoder alone")
        }
    }

    func run() throws {
        let encoder = try encoder.map {
            try FrozenEncoder(directory: $0, imageSize: imageSize, precision: precision)
        }
        let depth = encoder?.depth ?? shapes.map(\.geometry.depth).max()!
        guard 0..<depth ~= firstBlock else {
            throw ValidationError("--first-block: expected 0 to \(depth - 1), found \(firstBlock)")
        }
        let benchmark = try TuningBenchmark(
            threads: threads.count, kernels: kernels, precision: precision, work: prediction ? .prediction : .step,
            firstBlock: firstBlock)
        // Lines for people come as they are measured.
        let isTable = output.format == .table
        if let encoder, isTable { try StandardOutput.write(loading(encoder)) }
        if isTable { try StandardOutput.write(TuningBenchmark.columns) }
        if let encoder {
            let row = try benchmark.run(encoder, steps: steps)
            return try output.show([measured(row)]) { ["\(row)", "\(megabytes(encoder)) packed for both ways"] }
        }
        let rows = try shapes.filter { firstBlock < $0.geometry.depth }.map { shape in
            let row = try benchmark.run(shape, steps: steps)
            if isTable { try StandardOutput.write("\(row)") }
            return row
        }
        try output.show(rows.map(measured)) {
            [
                "\(precision.rawValue), \(benchmark.kernels.rawValue): peak \(decimal(benchmark.peakGigaflops, 0))"
                    + " GFLOP/s, measured beside"
            ]
        }
    }

    private func measured(_ row: TuningBenchmark.Row) -> Measured {
        Measured(
            shape: row.shape.name, precision: precision.rawValue, firstBlock: firstBlock,
            kernels: (kernels ?? .best).rawValue,
            threads: threads.count, medianStepMilliseconds: row.step / .milliseconds(1),
            examplesPerSecond: row.examplesPerSecond, gigaflops: row.gigaflops, peakShare: row.peakShare)
    }

    private func loading(_ encoder: FrozenEncoder) -> String {
        let input =
            encoder.geometry.text.map { "texts of up to \($0.maximumLength) tokens" }
            ?? "\(encoder.imageSize) px in patches of \(encoder.patchSize)"
        return "\(encoder.family), \(input), width \(encoder.width), depth \(encoder.depth): loaded in"
            + " \(decimal(encoder.loadTime / .seconds(1), 2)) s, \(megabytes(encoder)) packed"
    }

    private func megabytes(_ encoder: FrozenEncoder) -> String { decimal(Double(encoder.packedBytes) / 1e6, 1) + " MB" }
}

struct BenchAggregationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "aggregation",
        abstract: "Times flushes at the paper's shapes, then with growing buffers, pools and widths.",
        discussion: """
            A shape is clients x prompts of each x width. Every client contributes a noisy copy of one pool; each fit \
            starts from scratch and takes 50 sweeps. Use the objective (equation 11, in nats) only to compare fits that \
            end with equally many prompts.
            """)

    @Option(help: ArgumentHelp("How often each is timed; the median counts.", valueName: "number"))
    var runs = 3

    @Option(help: "Only this shape, for example '10 x 10 x 768'.")
    var shape: String?

    @Option(help: "Only this method, as the table names it.")
    var method: String?

    @OptionGroup var output: OutputOptions

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
        guard !AggregationBenchmark.pairs(shape: shape, method: method).isEmpty else {
            let shapes = AggregationBenchmark.shapes.map { "\($0)" }.joined(separator: ", ")
            let methods = (AggregationBenchmark.methods + [.reference]).map(\.name).joined(separator: ", ")
            throw ValidationError("--shape, --method: expected one of \(shapes) and one of \(methods)")
        }
    }

    func run() throws {
        let benchmark = AggregationBenchmark(runs: runs)
        let rows = try AggregationBenchmark.pairs(shape: shape, method: method).map {
            try benchmark.run($0.method, $0.shape)
        }
        try output.show(rows.map(Self.measured)) {
            var table = TextTable(["shape", "method", "ms/flush", "fastest", "prompts", "objective"])
            for row in rows {
                table.add([
                    "\(row.shape)", row.method.name, decimal(row.flush / .milliseconds(1), 1),
                    decimal(row.fastestFlush / .milliseconds(1), 1), "\(row.prompts)",
                    row.objective.map { decimal($0, 0) } ?? "",
                ])
            }
            return table.lines
        }
    }

    private static func measured(_ row: AggregationBenchmark.Row) -> Measured {
        Measured(
            shape: "\(row.shape)", method: row.method.name, medianFlushMilliseconds: row.flush / .milliseconds(1),
            fastestFlushMilliseconds: row.fastestFlush / .milliseconds(1), prompts: row.prompts,
            objective: row.objective)
    }
}

extension EncoderPrecision: ExpressibleByArgument {}

extension KernelVariant: ExpressibleByArgument {}
