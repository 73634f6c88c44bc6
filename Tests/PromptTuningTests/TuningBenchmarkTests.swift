import PromptTuning
import Testing

@Suite struct TuningBenchmarkTests {
    @Test func shapesCountTheKnownOperations() throws {
        // Forward and backward of the shapes by hand, in GFLOP a step.
        for (name, gigaflop) in [("CIFAR", 28.0), ("Ti/16", 90.2), ("B/32", 336.2)] {
            let shape = try #require(TuningBenchmark.shapes.first { $0.name == name }, "no shape is called \(name)")
            #expect(abs(shape.operations(.step) / 1e9 - gigaflop) < 0.02 * gigaflop, "\(name)")
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
        #expect(row.examplesPerSecond > 0)
        #expect(row.description.hasPrefix("small "))
        #expect(row.description.count == TuningBenchmark.columns.count)
    }

    /// The way back costs as much as the way there, but for the patches, which it does not reach.
    @Test func measuresPredictions() throws {
        for shape in TuningBenchmark.shapes {
            #expect(shape.operations(.step) > 1.9 * shape.operations(.prediction), "\(shape.name)")
        }
        let geometry = EncoderGeometry(
            width: 32, depth: 2, heads: 2, hidden: 64, imageSize: 16, patchSize: 8, epsilon: 1e-6, activation: .gelu)
        let shape = TuningBenchmark.Shape(name: "small", geometry: geometry, prompts: 2, batchSize: 4)
        let row = try TuningBenchmark(threads: 1, work: .prediction).run(shape, steps: 3)
        let expected = shape.operations(.prediction) / (row.step / .seconds(1)) / 1e9
        #expect(row.step >= row.fastestStep && abs(row.gigaflops - expected) <= 1e-6 * expected)
    }

    /// What the first blocks make of an image is kept from step to step, but made for each prediction.
    @Test func countsTheBlocksThatRun() throws {
        let shape = try #require(TuningBenchmark.shapes.first { $0.name == "CIFAR" })
        let half = shape.operations(.step, firstBlock: 3) / shape.operations(.step)
        #expect(half < 0.5 && half > 0.49)
        let prediction = shape.operations(.prediction, firstBlock: 3) / shape.operations(.prediction)
        #expect(prediction < 1 && prediction > 0.92)
        let benchmark = try TuningBenchmark(threads: 1, firstBlock: 1)
        let geometry = EncoderGeometry(
            width: 32, depth: 2, heads: 2, hidden: 64, imageSize: 16, patchSize: 8, epsilon: 1e-6, activation: .gelu)
        let row = try benchmark.run(
            TuningBenchmark.Shape(name: "small", geometry: geometry, prompts: 2, batchSize: 4), steps: 2)
        #expect(row.gigaflops > 0)
    }

    @Test func countsTheOperationsOfEachText() throws {
        let shape = try #require(TuningBenchmark.shapes.first { $0.name == "MiniLM questions" })
        // 16 texts of 257 tokens with 160 prompts; the attention of a text sees its own rows alone.
        #expect(shape.batchSize == 16 && shape.lengths.reduce(0, +) == 257)
        let matrices = 2 * 2.0 * 417 * 12 * 384 * 384
        let attention = shape.lengths.reduce(0.0) { $0 + 3 * 4 * Double(($1 + 10) * ($1 + 10)) * 384 }
        #expect(abs(shape.operations(.step) - 6 * (matrices + attention)) < 1e-6 * shape.operations(.step))
    }

    @Test func measuresTexts() throws {
        var geometry = try #require(TuningBenchmark.shapes.first { $0.name == "MiniLM questions" }).geometry
        (geometry.width, geometry.depth, geometry.heads, geometry.hidden) = (32, 2, 2, 64)
        let shape = TuningBenchmark.Shape(name: "texts", geometry: geometry, prompts: 2, lengths: [3, 7, 16])
        let row = try TuningBenchmark(threads: 1).run(shape, steps: 2)
        #expect(row.step >= row.fastestStep && row.examplesPerSecond > 0)
        #expect(row.shape.operations(.step) == shape.operations(.step))
    }

    @Test func measuresAnEncoderAndItsMemory() throws {
        let encoder = try FrozenEncoder.bundled(imageSize: 16)
        // 12 D² weights a block, the patches' 3 · 4² · D, 4 bytes each.
        let forward = 4 * (6 * 12 * 192 * 192 + 48 * 192)
        #expect(encoder.packedBytes == forward)
        #expect(encoder.loadTime > .zero)
        let row = try TuningBenchmark(threads: 1).run(encoder, steps: 1)
        #expect(row.shape.geometry.imageSize == 16 && row.examplesPerSecond > 0)
        #expect(encoder.packedBytes == forward + 4 * 6 * 12 * 192 * 192)
    }
}
