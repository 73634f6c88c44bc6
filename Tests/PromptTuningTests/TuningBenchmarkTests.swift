import PromptTuning
import Testing

@Suite struct TuningBenchmarkTests {
    @Test func shapesCountTheKnownOperations() {
        // Forward and backward of the shapes by hand, in GFLOP a step.
        let expected = ["CIFAR": 28.0, "Ti/16": 90.2, "B/32": 336.2]
        for shape in TuningBenchmark.shapes {
            guard let gigaflop = expected[shape.name] else { continue }
            #expect(abs(shape.operations / 1e9 - gigaflop) < 0.02 * gigaflop, "\(shape.name)")
        }
    }

    @Test func measuresASmallShape() throws {
        let benchmark = try TuningBenchmark(threads: 1)
        #expect(benchmark.peakGigaflops > 0)
        let geometry = EncoderGeometry(
            width: 32, depth: 2, heads: 2, hidden: 64, imageSize: 16, patchSize: 8, epsilon: 1e-6, activation: .gelu)
        let row = try benchmark.run(
            TuningBenchmark.Shape(name: "small", geometry: geometry, prompts: 2, batchSize: 4), steps: 3)
        #expect(row.step >= row.fastestStep)
        #expect(row.imagesPerSecond > 0)
        #expect(row.description.hasPrefix("small "))
        #expect(row.description.count == TuningBenchmark.columns.count)
    }
}
