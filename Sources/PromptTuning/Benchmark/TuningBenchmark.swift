import CKernels
import Foundation
import PromptAggregation

/// Measures training steps (forward, cross-entropy, backward to the prompts, Adam on prompts and head), or predictions,
/// against the machine's fused multiply-add peak.
public struct TuningBenchmark: Sendable {
    /// What is done with a batch.
    public enum Work: Hashable, Sendable {
        case step
        /// A forward pass, as `predict` and `evaluate` do it.
        case prediction
    }

    /// A model and a batch.
    public struct Shape: Hashable, Sendable {
        public let name: String
        public let geometry: EncoderGeometry
        public let prompts: Int
        public let batchSize: Int
        /// Tokens of each text of the batch, without prompts; empty for images.
        public let lengths: [Int]

        /// A batch of images.
        public init(name: String, geometry: EncoderGeometry, prompts: Int, batchSize: Int) {
            self.name = name
            self.geometry = geometry
            self.prompts = prompts
            self.batchSize = batchSize
            lengths = []
        }

        /// A batch of texts with so many tokens each.
        public init(name: String, geometry: EncoderGeometry, prompts: Int, lengths: [Int]) {
            self.name = name
            self.geometry = geometry
            self.prompts = prompts
            batchSize = lengths.count
            self.lengths = lengths
        }

        /// Floating point operations of a batch, each block that runs counted whole.
        ///
        /// - Parameter firstBlock: what prompts enter before. Earlier blocks do not run in a step, since what they make of an
        ///   image is kept.
        public func operations(_ work: Work, firstBlock: Int = 0) -> Double {
            let own =
                geometry.text == nil
                ? [Int](repeating: geometry.tokens(prompts: 0), count: batchSize) : lengths
            return own.reduce(0) { sum, rows in
                var operations = geometry.operations(
                    rows: rows + prompts, blocks: geometry.depth - firstBlock, backward: work == .step)
                if firstBlock == 0 || work == .prediction {
                    operations += geometry.embeddingOperations
                    operations += geometry.operations(rows: rows, blocks: firstBlock, backward: false)
                }
                return sum + operations
            }
        }

        fileprivate var examples: any ExampleSource {
            guard let text = geometry.text else {
                return RandomImages(count: batchSize, classes: 10, imageValues: geometry.imageValues, seed: 2)
            }
            return RandomTexts(lengths: lengths, classes: 10, vocabulary: text.vocabulary, seed: 2)
        }
    }

    /// The measurement of one shape.
    public struct Row: Hashable, Sendable, CustomStringConvertible {
        public let shape: Shape
        /// The median of the steps, or of the predictions of a batch.
        public let step: Duration
        /// The fastest.
        public let fastestStep: Duration
        /// Images or texts.
        public let examplesPerSecond: Double
        /// Billions of floating point operations a second, as `Shape.operations` counts them.
        public let gigaflops: Double
        /// `gigaflops` over the peak of the same number of threads.
        public let peakShare: Double

        /// One line of a table under `columns`.
        public var description: String {
            let figures = [
                (step.seconds * 1e3, 1), (fastestStep.seconds * 1e3, 1), (examplesPerSecond, 1), (gigaflops, 1),
                (peakShare * 100, 0),
            ]
            return TuningBenchmark.line(shape.name, figures.map { String(format: "%.\($1)f", $0) })
        }
    }

    /// The heads of the columns of `Row.description`; the first is the shape's name, right of it all are numbers.
    public static let columns = line("shape", ["ms", "fastest", "a second", "GFLOP/s", "% of peak"])

    private static func line(_ name: String, _ cells: [String]) -> String {
        func fill(_ text: String, _ width: Int) -> String { String(repeating: " ", count: max(0, width - text.count)) }
        return name + fill(name, 18) + cells.map { fill($0, 11) + $0 }.joined()
    }

    public static let shapes = [
        shape("CIFAR", image: 32, patch: 4, width: 192, depth: 6, batch: 32),
        shape("Ti/16", image: 224, patch: 16, width: 192, depth: 12, batch: 16),
        shape("B/32", image: 224, patch: 32, width: 768, depth: 12, batch: 16),
        shape("CLIP B/16 160 px", image: 160, patch: 16, width: 768, depth: 12, batch: 16, activation: .quickGelu),
        texts("MiniLM 16 tokens", width: 384, depth: 6, lengths: [Int](repeating: 16, count: 16)),
        texts("MiniLM questions", width: 384, depth: 6, lengths: questions),
        texts("BERT questions", width: 768, depth: 12, lengths: questions),
    ]

    /// Tokens of sixteen questions as banking77 has them: the middles of sixteen equal parts of all, by length.
    private static let questions = [8, 9, 10, 11, 11, 12, 12, 13, 14, 15, 15, 17, 18, 21, 29, 42]

    private static func shape(
        _ name: String, image: Int, patch: Int, width: Int, depth: Int, batch: Int,
        activation: EncoderGeometry.Activation = .gelu
    ) -> Shape {
        Shape(
            name: name,
            geometry: EncoderGeometry(
                width: width, depth: depth, heads: width / 64, hidden: 4 * width, imageSize: image, patchSize: patch,
                epsilon: 1e-6, activation: activation),
            prompts: 10, batchSize: batch)
    }

    private static func texts(_ name: String, width: Int, depth: Int, lengths: [Int]) -> Shape {
        var geometry = EncoderGeometry(
            width: width, depth: depth, heads: 12, hidden: 4 * width, imageSize: 0, patchSize: 1, epsilon: 1e-12,
            activation: .gelu)
        geometry.text = TextGeometry(vocabulary: 30_522, positions: 512, maximumLength: 256, pooling: .mean)
        return Shape(name: name, geometry: geometry, prompts: 10, lengths: lengths)
    }

    public let threads: Int
    public let kernels: KernelVariant
    public let precision: EncoderPrecision
    public let work: Work
    /// The block that prompts enter before.
    public let firstBlock: Int
    /// Billions of floating point operations a second that `threads` threads reach on registers alone, with the
    /// instructions that the kernels use in that precision.
    public let peakGigaflops: Double

    /// Measures the peak.
    ///
    /// - Throws: `TuningError`.
    public init(
        threads: Int, kernels: KernelVariant? = nil, precision: EncoderPrecision = .float32, work: Work = .step,
        firstBlock: Int = 0
    ) throws(TuningError) {
        self.threads = threads
        self.work = work
        self.precision = precision
        self.firstBlock = firstBlock
        self.kernels = kernels ?? .best
        let table = try Kernels(self.kernels)
        let pool = try ThreadPool(workers: threads)
        let rounds = 2_000_000
        var best = 0.0
        for _ in 0..<5 {
            let clock = ContinuousClock()
            let time = clock.measure {
                pool.run(items: threads) { _, _ in
                    var sink: Float = 0.5
                    _ = table.call.peak_operations(precision.kernel, rounds, &sink)
                }
            }
            var sink: Float = 0.5
            let operations = table.call.peak_operations(precision.kernel, 1, &sink) * Double(rounds * threads)
            best = max(best, operations / time.seconds)
        }
        peakGigaflops = best / 1e9
    }

    /// Times `steps` steps of a shape with random weights, after two that warm up.
    ///
    /// - Throws: `TuningError`.
    public func run(_ shape: Shape, steps: Int) throws -> Row {
        try run(shape, encoder: FrozenEncoder(random: shape.geometry, seed: 1, precision: precision), steps: steps)
    }

    /// Times `steps` steps of an encoder with 10 prompts and batches of 16 images, or texts of unlike lengths, after two that
    /// warm up.
    ///
    /// - Parameter encoder: of the benchmark's precision.
    /// - Throws: `TuningError`.
    public func run(_ encoder: FrozenEncoder, steps: Int) throws -> Row {
        let (name, geometry) = ("this encoder", encoder.geometry)
        let shape =
            if let text = geometry.text {
                Shape(
                    name: name, geometry: geometry, prompts: 10,
                    lengths: Self.questions.map { min($0, text.maximumLength) })
            } else {
                Shape(name: name, geometry: geometry, prompts: 10, batchSize: 16)
            }
        return try run(shape, encoder: encoder, steps: steps)
    }

    private func run(_ shape: Shape, encoder: FrozenEncoder, steps: Int) throws -> Row {
        let learner = try PromptLearner(encoder: encoder, threads: threads, kernels: kernels)
        let dataset = try TuningDataset(shape.examples)
        var plan = TrainingPlan()
        plan.promptsPerBatch = 0
        plan.batchSize = shape.batchSize
        plan.epochs = steps + 2
        plan.firstBlock = firstBlock
        let state = learner.initialState(pool: shape.prompts, classes: 10, keyProjection: false, seed: 3)
        let clock = ContinuousClock()
        var starts: [ContinuousClock.Instant] = []
        switch work {
        case .step:
            // The learner asks whether to stop before each step, so the times between the questions are the steps'.
            _ = try learner.tune(state, on: dataset, plan: plan, seed: 4) {
                starts.append(clock.now)
                return false
            }
        case .prediction:
            for _ in 0..<plan.epochs {
                starts.append(clock.now)
                // A data set of its own, since every image of a prediction is new.
                _ = try learner.classify(state, on: TuningDataset(dataset.source), plan: plan, selection: .instance)
            }
        }
        starts.append(clock.now)
        let times = zip(starts, starts.dropFirst()).map { $1 - $0 }.dropFirst(2).sorted()
        let median = times[times.startIndex + times.count / 2]
        let gigaflops = shape.operations(work, firstBlock: firstBlock) / median.seconds / 1e9
        return Row(
            shape: shape, step: median, fastestStep: times.first ?? median,
            examplesPerSecond: Double(shape.batchSize) / median.seconds,
            gigaflops: gigaflops, peakShare: gigaflops / peakGigaflops)
    }
}

extension Duration {
    fileprivate var seconds: Double { self / .seconds(1) }
}
