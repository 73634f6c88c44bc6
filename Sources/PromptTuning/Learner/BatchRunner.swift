import CKernels
import PromptAggregation

/// Runs batches of images through an encoder and a head on a pool of threads.
///
/// A batch is cut into chunks of whole images. What is computed of an image depends on neither its chunk nor its thread,
/// and sums over images are taken in the batch's order; so the number of threads changes no bit.
///
/// One caller at a time: `PromptLearner` calls it under its lock.
final class BatchRunner: @unchecked Sendable {
    let encoder: FrozenEncoder
    let kernels: Kernels
    private let pool: ThreadPool
    private var trainingPasses: [any FrozenPass] = []
    private var inferencePasses: [any FrozenPass] = []
    /// What the passes hold.
    private var mostTraining = PassSize(), mostInference = PassSize()

    /// Tokens of one chunk: enough rows for the matrices' tiles, few enough to stay near the processor.
    private static let chunkTokens = 640

    init(encoder: FrozenEncoder, threads: Int, kernels: KernelVariant) throws(TuningError) {
        self.encoder = encoder
        self.kernels = try Kernels(kernels)
        pool = try ThreadPool(workers: threads)
    }

    private var geometry: EncoderGeometry { encoder.geometry }
    private var stride: Int { padded(geometry.width) }

    /// A batch's images.
    struct Batch {
        let dataset: TuningDataset
        let images: [Int]
        /// The block that prompts enter before.
        let firstBlock: Int

        var source: any ExampleSource { dataset.source }
        var labels: [Int32] { images.map { Int32(dataset.labels[$0]) } }
    }

    /// Whose gradients are wanted of a batch.
    enum Gradients {
        case none, ofHead, ofHeadAndPrompts
    }

    /// What came of a batch.
    struct Outcome {
        /// Class features, [batch, width].
        var features: [Float]
        /// What the head reads, the features or what the frozen classifier makes of them: [batch, inputs].
        var headInputs: [Float]
        /// [batch, classes].
        var logits: [Float]
        /// The cross-entropy of each image.
        var losses: [Double]
        var predictions: [Int32]
        /// Gradients of the mean cross-entropy; empty when not wanted.
        var promptGradient: [Float] = []
        /// By the names of the parameters.
        var headGradients: [String: [Float]] = [:]
    }

    /// Class features of images without prompts: [width] each.
    func classFeatures(_ batch: Batch) throws -> [[Float]] {
        let features = FloatMemory(count: batch.images.count * stride)
        let rows = try rows(of: batch.images, batch.source)
        let start = try start(of: batch, rows)
        try eachChunk(of: rows, prompts: 0, keepsGradients: false) { pass, chunk in
            try pass.forward(
                batch.images[chunk], of: batch.source, from: start?.part(chunk), prompts: nil, picks: nil,
                features: features.start + chunk.lowerBound * stride)
        }
        return unpadded(features, rows: batch.images.count).chunked(geometry.width)
    }

    /// What the blocks before the prompts make of a batch, from the data set's cache where it has it; nil where prompts
    /// enter before the first block.
    ///
    /// - Parameter rows: the tokens of each image without prompts.
    private func start(of batch: Batch, _ rows: [Int]) throws -> FrozenRows? {
        let (dataset, block) = (batch.dataset, batch.firstBlock)
        guard block > 0 else { return nil }
        var known = dataset.frozenRows(of: batch.images, before: block, encoder: encoder)
        let missing = known.indices.filter { known[$0] == nil }
        if !missing.isEmpty {
            let images = missing.map { batch.images[$0] }
            try known.withUnsafeMutableBufferPointer { known in
                try eachChunk(of: missing.map { rows[$0] }, prompts: 0, keepsGradients: false) { pass, chunk in
                    let made = try pass.frozenRows(images[chunk], of: dataset.source, before: block)
                    for (place, memory) in zip(missing[chunk], made) { known[place] = memory }
                }
            }
            dataset.keep(
                missing.map { (batch.images[$0], known[$0]!) }, before: block, encoder: encoder)
        }
        return FrozenRows(block: block, rows: known.map { $0! })
    }

    /// Runs a batch with prompts through encoder and head; and back as far as `wanted` says. The head's gradients are the
    /// same whether those of the prompts are wanted or not.
    ///
    /// - Parameter picks: the tokens that each image uses, as many for each; nil for all. Gradients need all.
    func run(
        _ batch: Batch, prompts tokens: PromptTokens, picks: [[Int]]? = nil, head: Head, gradients wanted: Gradients
    ) throws -> Outcome {
        precondition(picks == nil || wanted == .none, "gradients are those of tokens that all images share")
        let (gradients, promptsToo) = (wanted != .none, wanted == .ofHeadAndPrompts)
        let count = batch.images.count
        let rows = try rows(of: batch.images, batch.source)
        let start = try start(of: batch, rows)
        let labels = batch.labels
        let used = picks?.first?.count ?? tokens.count
        let stride = stride
        let tokenGradients = tokens.layers * tokens.count * stride
        let features = FloatMemory(count: count * stride)
        let featureGradients = FloatMemory(count: gradients ? count * stride : 0)
        let promptGradients = FloatMemory(count: promptsToo ? count * tokenGradients : 0)
        let headPass = HeadPass(
            head, encoder: encoder, kernels: kernels, features: features, images: count, gradients: gradients)
        var losses = [Double](repeating: 0, count: count)
        var predictions = [Int32](repeating: 0, count: count)
        try losses.withUnsafeMutableBufferPointer { losses in
            try predictions.withUnsafeMutableBufferPointer { predictions in
                try eachChunk(of: rows, prompts: used, keepsGradients: promptsToo) { pass, chunk in
                    let first = chunk.lowerBound
                    let chunkFeatures = features.start + first * stride
                    try pass.forward(
                        batch.images[chunk], of: batch.source, from: start?.part(chunk), prompts: tokens,
                        picks: picks.map { $0[chunk] }, features: chunkFeatures)
                    headPass.forward(chunk, features: chunkFeatures)
                    labels.withUnsafeBufferPointer { labels in
                        headPass.loss(
                            chunk, labels: labels.baseAddress! + first, scale: 1 / Double(count),
                            losses: losses.baseAddress! + first, predictions: predictions.baseAddress! + first)
                    }
                    guard gradients else { return }
                    let chunkGradients = featureGradients.start + first * stride
                    headPass.backward(chunk, featureGradients: chunkGradients)
                    guard promptsToo else { return }
                    pass.backward(
                        featureGradients: chunkGradients,
                        promptGradients: promptGradients.start + first * tokenGradients)
                }
            }
        }
        let logits = headPass.logits
        var outcome = Outcome(
            features: unpadded(features, rows: count), headInputs: headPass.unpaddedInputs(),
            logits: Array(UnsafeBufferPointer(start: logits.start, count: logits.count)), losses: losses,
            predictions: predictions)
        if gradients { outcome.headGradients = headPass.gradients() }
        if promptsToo { outcome.promptGradient = tokens.gradient(ofImages: promptGradients, images: count) }
        return outcome
    }

    /// x Wᵀ for rows of class features: the key projection, W [width, width].
    func project(_ features: [Float], by weight: [Float]) -> [Float] {
        let width = geometry.width
        let rows = features.count / width
        return [Float](unsafeUninitializedCapacity: features.count) { projected, count in
            kernels.call.linear(rows, width, width, features, width, weight, nil, projected.baseAddress!, width)
            count = rows * width
        }
    }

    private func unpadded(_ rows: FloatMemory, rows count: Int) -> [Float] {
        (0..<count).flatMap { UnsafeBufferPointer(start: rows.start + $0 * stride, count: geometry.width) }
    }

    /// The tokens of each example without prompts.
    ///
    /// - Throws: `TuningError` for examples that the encoder does not read.
    private func rows(of examples: [Int], _ source: any ExampleSource) throws(TuningError) -> [Int] {
        guard let text = geometry.text else {
            return [Int](repeating: geometry.tokens(prompts: 0), count: examples.count)
        }
        guard let source = source as? any TextSource else { throw .modality(expected: "texts") }
        return try examples.map { example throws(TuningError) in
            let tokens = source.tokens(of: example)
            guard 1...text.positions ~= tokens.count, tokens.allSatisfy({ 0..<Int32(text.vocabulary) ~= $0 }) else {
                throw .tokens(
                    text: example, expected: "1 to \(text.positions) tokens from 0 to \(text.vocabulary - 1)",
                    found: "\(tokens.count), up to \(tokens.max() ?? 0)")
            }
            return tokens.count
        }
    }

    /// Cuts examples into chunks and works on several at once. Rethrows the error of the first chunk that failed.
    ///
    /// - Parameter rows: the tokens of each example without prompts.
    private func eachChunk(
        of rows: [Int], prompts: Int, keepsGradients: Bool, _ work: (any FrozenPass, Range<Int>) throws -> Void
    ) throws {
        let all = rows.reduce(0) { $0 + $1 + prompts }
        let rounds = (all + pool.workers * Self.chunkTokens - 1) / (pool.workers * Self.chunkTokens)
        let chunks = ExampleChunks.cut(rows.map { $0 + prompts }, into: min(rows.count, pool.workers * rounds))
        let passes = passes(
            PassSize(holding: chunks.map { rows[$0] }, prompts: prompts), keepsGradients: keepsGradients)
        var failures = [(any Error)?](repeating: nil, count: chunks.count)
        failures.withUnsafeMutableBufferPointer { failures in
            pool.run(items: chunks.count) { worker, chunk in
                do {
                    try work(passes[worker], chunks[chunk])
                } catch {
                    failures[chunk] = error
                }
            }
        }
        if let failure = failures.lazy.compactMap({ $0 }).first { throw failure }
    }

    /// One pass a worker whose buffers are large enough; made again when they are not.
    private func passes(_ size: PassSize, keepsGradients: Bool) -> [any FrozenPass] {
        let current = keepsGradients ? trainingPasses : inferencePasses
        if let pass = current.first, pass.holds(size) { return current }
        let most = keepsGradients ? mostTraining.united(with: size) : mostInference.united(with: size)
        let passes = (0..<pool.workers).map { _ in
            encoder.tower.pass(geometry, kernels: kernels, size: most, keepsGradients: keepsGradients)
        }
        if keepsGradients {
            (trainingPasses, mostTraining) = (passes, most)
        } else {
            (inferencePasses, mostInference) = (passes, most)
        }
        return passes
    }
}

extension [Float] {
    /// Consecutive parts of `size` elements.
    fileprivate func chunked(_ size: Int) -> [[Float]] {
        Swift.stride(from: 0, to: count, by: size).map { Array(self[$0..<$0 + size]) }
    }
}
