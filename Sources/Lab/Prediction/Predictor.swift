import Datasets
import Dispatch
import Federation
import FederationRun
import Foundation
import PromptAggregation
import PromptTuning
import RunLog
import RunSettings
import Synchronization
import Tokenization

/// Classifies image files with tuned prompts, in batches.
public struct Predictor: Sendable {
    private let tuned: TunedModel
    private let learner: PromptLearner
    /// nil for a model of texts.
    private let transform: ImageTransform?
    private let selection: PromptSelectionRule

    public var classes: [String] { tuned.model.classes }
    /// The folder that the encoder's weights were found in.
    package var encoderFolder: String {
        URL(fileURLWithPath: learner.encoder.weightsPath).deletingLastPathComponent().path
    }

    /// - Parameters:
    ///   - encoder: the folder or file of its weights; nil for the one that the run's configuration names, or the bundled one.
    ///   - selection: nil for the model's own.
    /// - Throws: `PredictionError`, `TuningError`, or what is wrong with the encoder.
    public init(
        _ tuned: TunedModel, encoder: String? = nil, threads: Int, selection: PromptSelectionRule? = nil
    ) throws {
        guard !tuned.model.head.personal else {
            throw PredictionError(
                "\(tuned.place): every client keeps a head of its own, and the published one predicts nothing")
        }
        self.tuned = tuned
        learner = try PromptLearner(encoder: tuned.loadEncoder(encoder), threads: threads)
        transform = try tuned.model.image.map { try ImageTransform($0) }
        self.selection = selection ?? tuned.model.prompts.selection
    }

    /// What came of an image.
    public enum Outcome: Sendable {
        case predicted(Prediction)
        /// With the file and what is wrong with it.
        case unreadable(DatasetError)
    }

    /// - Parameter each: sees each image's outcome, in order.
    /// - Throws: `TuningError`, or what `each` throws; never for an image that cannot be read.
    public func predict(
        _ inputs: PredictionInputs, _ each: (PredictionInputs.Item, Outcome) throws -> Void
    ) throws {
        let items = inputs.items
        guard let transform else { return try predictTexts(items, each) }
        let images = try PreparedImages(.files(items.map(\.path), name: "predict"), transform: transform)
        for start in stride(from: 0, to: items.count, by: PromptSelectionRule.batchSize) {
            let range = start..<min(start + PromptSelectionRule.batchSize, items.count)
            let prepared = Self.prepare(images, range)
            var predictions = try predictions(
                zip(items[range], prepared).compactMap { item, pixels in
                    (try? pixels.get()).map { (item, $0) }
                }
            ).makeIterator()
            for (item, pixels) in zip(items[range], prepared) {
                switch pixels {
                case .success: try each(item, .predicted(predictions.next()!))
                case .failure(let error): try each(item, .unreadable(error))
                }
            }
        }
    }

    private func predictTexts(
        _ items: [PredictionInputs.Item], _ each: (PredictionInputs.Item, Outcome) throws -> Void
    ) throws {
        guard let tokenizer = learner.encoder.tokenizer, let text = learner.encoder.geometry.text else {
            throw PredictionError("\(encoderFolder): expected a tokenizer beside the weights, found none")
        }
        for start in stride(from: 0, to: items.count, by: PromptSelectionRule.batchSize) {
            let batch = Array(items[start..<min(start + PromptSelectionRule.batchSize, items.count)])
            let source = TokenizedTexts(
                texts: batch.map { tokenizer.encode($0.text ?? "", maximumLength: text.maximumLength) },
                labels: batch.map { $0.label ?? 0 })
            for prediction in try predictions(batch, source) {
                try each(batch[prediction.place], .predicted(prediction.value))
            }
        }
    }

    /// Decodes and transforms images on all cores: [3, size, size] each.
    private static func prepare(_ images: PreparedImages, _ range: Range<Int>) -> [Result<[Float], DatasetError>] {
        let prepared = Mutex([Result<[Float], DatasetError>?](repeating: nil, count: range.count))
        DispatchQueue.concurrentPerform(iterations: range.count) { place in
            let result = Result { () throws(DatasetError) in
                var pixels = [Float](repeating: 0, count: 3 * images.size * images.size)
                try pixels.withUnsafeMutableBufferPointer { (buffer) throws(DatasetError) in
                    try images.copyImage(range.lowerBound + place, into: buffer)
                }
                return pixels
            }
            prepared.withLock { $0[place] = result }
        }
        return prepared.withLock { $0.map { $0! } }
    }

    private func predictions(_ batch: [(item: PredictionInputs.Item, pixels: [Float])]) throws -> [Prediction] {
        guard !batch.isEmpty else { return [] }
        let source = PixelImages(pixels: batch.map(\.pixels), labels: batch.map { $0.item.label ?? 0 })
        return try predictions(batch.map(\.item), source).map(\.value)
    }

    private func predictions(
        _ items: [PredictionInputs.Item], _ source: any ExampleSource
    ) throws -> [(place: Int, value: Prediction)] {
        let found = try learner.classify(
            tuned.file.prompts.state, on: TuningDataset(source), plan: tuned.model.plan, selection: selection)
        return items.enumerated().map { place, item in
            let logits = Array(found.logits[place * found.classes..<(place + 1) * found.classes])
            return (
                place,
                Prediction(
                    path: item.path, text: item.text, label: item.label, logits: logits,
                    loss: item.label == nil ? nil : found.losses[place])
            )
        }
    }
}

private struct TokenizedTexts: TextSource {
    let texts: [[Int32]]
    let labels: [Int]
    var count: Int { texts.count }
    func tokens(of index: Int) -> [Int32] { texts[index] }
}

/// Prepared images in memory.
private struct PixelImages: ImageSource {
    let pixels: [[Float]]
    let labels: [Int]
    var count: Int { pixels.count }

    func copyImage(_ index: Int, into target: UnsafeMutableBufferPointer<Float>) {
        _ = target.update(fromContentsOf: pixels[index])
    }
}
