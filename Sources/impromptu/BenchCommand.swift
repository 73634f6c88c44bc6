import ArgumentParser
import FederationRuntime
import PromptTuning

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measures this machine.", subcommands: [BenchTuningCommand.self])
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
