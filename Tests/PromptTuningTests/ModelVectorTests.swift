import Datasets
import Foundation
import PromptAggregation
import PromptTuning
import Safetensors
import Testing

/// The whole way from bytes to logits, loss and gradients, against docs/model.md as Tests/Interop/model.py computes it.
@Suite struct ModelVectorTests {
    /// In those with `-later` prompts enter before a later block.
    static let imageCases = paths([
        "vit", "vit-later", "deit", "dinov2", "dinov2-later", "torchvision", "clip", "clip-later", "siglip",
        "siglip-later",
    ])
    static let cases = imageCases + paths(["bert", "bert-later"])

    private static func paths(_ families: [String]) -> [String] {
        families.map { Bundle.module.bundlePath + "/Fixtures/model-\($0).safetensors" }
    }

    /// What of `docs/model.md`'s JSON the test needs.
    private struct Description: Decodable {
        struct Image: Decodable { var mean, std: [Float] }
        struct Encoder: Decodable { var feature: String }
        struct Prompts: Decodable {
            var picked, firstBlock: Int
            enum CodingKeys: String, CodingKey {
                case picked
                case firstBlock = "first_block"
            }
        }
        struct Head: Decodable { var reads: String }
        /// nil for texts.
        var image: Image?
        var encoder: Encoder
        var prompts: Prompts
        var head: Head
    }

    /// A case with the encoder and the state that it describes.
    private struct Case {
        let file: SafetensorsFile
        let description: Description
        let encoder: FrozenEncoder
        let source: any ExampleSource
        let state: PromptState
        let plan: TrainingPlan

        init(_ path: String) throws {
            let file = try SafetensorsFile(path: path)
            self.file = file
            description = try JSONDecoder().decode(
                Description.self, from: Data(try #require(file.metadata["model"]).utf8))
            let weights = try #require(file.metadata["weights"])
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
            encoder = try FrozenEncoder(
                file: SafetensorsFile(path: "\(folder)/\(weights).safetensors"),
                configuration: try #require(file.metadata["config"]),
                imageSize: description.image == nil ? nil : 16,
                pooling: TextGeometry.Pooling(rawValue: description.encoder.feature) ?? .classToken)
            source =
                try description.image.map { try Self.images(path, $0) }
                ?? TokenTexts(tokens: file.tensor(named: "tokens"), labels: file.tensor(named: "labels"))
            let inputs = ["prompts", "key.weight", "fixed.feature.mean", "fixed.feature.whitening"]
            let parameters = Parameters(
                try file.names.filter { inputs.contains($0) || $0.hasPrefix("head.") }.map { name in
                    let tensor = try file.tensor(named: name)
                    return (name, Tensor(shape: tensor.shape, values: try tensor.floats()))
                })
            state = PromptState(
                parameters: parameters, promptIDs: (0..<parameters[Parameters.prompts]!.rows).map(PromptID.init))
            var plan = TrainingPlan()
            plan.promptsPerBatch = description.prompts.picked
            plan.firstBlock = description.prompts.firstBlock
            plan.similarityWeight = 0.3
            plan.logitAdjustment = 1
            self.plan = plan
        }

        private static func images(_ path: String, _ image: Description.Image) throws -> any ExampleSource {
            Source(
                images: try PreparedImages(
                    .arrays(name: "vectors", file: path, classCount: 4),
                    transform: ImageTransform(size: 16, mean: image.mean, standardDeviation: image.std)))
        }

        func expected(_ name: String) throws -> [Double] { try file.tensor(named: "expected." + name).doubles() }
        func rows(_ name: String) throws -> [Int] { try file.tensor(named: "expected.picks." + name).integers() }

        func dataset() throws -> TuningDataset { try TuningDataset(source) }
    }

    private struct Source: ImageSource {
        let images: PreparedImages
        var count: Int { images.count }
        var labels: [Int] { images.labels }
        func copyImage(_ index: Int, into pixels: UnsafeMutableBufferPointer<Float>) throws {
            try images.copyImage(index, into: pixels)
        }
    }

    @Test(arguments: imageCases) func imagesArePreparedAsThePageSays(_ path: String) throws {
        let vectors = try Case(path)
        let images = try #require(vectors.source as? any ImageSource)
        var pixels = [Float](repeating: 0, count: 3 * 16 * 16)
        let expected = try vectors.expected("prepared")
        for index in 0..<images.count {
            try pixels.withUnsafeMutableBufferPointer { try images.copyImage(index, into: $0) }
            // A byte that differs would be 1 / (255 · 0.3) off.
            #expect(relativeError(pixels, Array(expected[index * pixels.count..<(index + 1) * pixels.count])) < 1e-5)
        }
    }

    @Test(arguments: cases) func classFeaturesWithoutPromptsMatch(_ path: String) throws {
        let vectors = try Case(path)
        guard vectors.description.head.reads == "feature" else { return }
        // A head that hands its input on.
        let width = vectors.encoder.width
        var identity = Tensor(zeros: [width, width])
        for place in 0..<width { identity.values[place * (width + 1)] = 1 }
        let state = PromptState(
            parameters: Parameters([
                (Parameters.prompts, vectors.state.prompts), (Parameters.headWeight, identity),
                (Parameters.headBias, Tensor(zeros: [width])),
            ]), promptIDs: vectors.state.promptIDs)
        var plan = TrainingPlan()
        plan.classMeans = true
        let learner = try PromptLearner(encoder: vectors.encoder, threads: 1)
        let found = try learner.classify(state, on: vectors.dataset(), plan: plan, selection: .instance)
        #expect(try relativeError(found.logits, vectors.expected("plain")) < 1e-5)
    }

    @Test(arguments: cases) func picksAndLogitsMatchByInstanceAndByBatch(_ path: String) throws {
        let vectors = try Case(path)
        let learner = try PromptLearner(encoder: vectors.encoder, threads: 2)
        let own = try learner.classify(
            vectors.state, on: vectors.dataset(), plan: vectors.plan, selection: .instance)
        #expect(try own.picks.flatMap { $0 } == vectors.rows("instance"))
        #expect(try relativeError(own.logits, vectors.expected("logits.instance")) < 1e-5)
        let shared = try learner.classify(vectors.state, on: vectors.dataset(), plan: vectors.plan, selection: .batch)
        #expect(try shared.picks.allSatisfy { try $0 == vectors.rows("batch") })
        #expect(try relativeError(shared.logits, vectors.expected("logits.batch")) < 1e-5)
    }

    @Test(arguments: cases) func lossAndGradientsMatch(_ path: String) throws {
        let vectors = try Case(path)
        let learner = try PromptLearner(encoder: vectors.encoder, threads: 2)
        let step = try learner.gradients(vectors.state, on: vectors.dataset(), images: [0, 1, 2], plan: vectors.plan)
        let loss = try vectors.expected("loss")[0]
        #expect(abs(step.loss - loss) < 1e-5 * abs(loss))
        let names = vectors.file.names.filter { $0.hasPrefix("expected.grad.") }
        #expect(names.count == step.gradients.count)
        for name in names {
            let gradient = try #require(step.gradients[String(name.dropFirst("expected.grad.".count))])
            let error = relativeError(gradient, try vectors.file.tensor(named: name).doubles())
            #expect(error < 2e-5, "\(name): \(error)")
        }
    }

    @Test("by instance, no image depends on others", arguments: cases)
    func neighboursChangeNothing(_ path: String) throws {
        let vectors = try Case(path)
        let learner = try PromptLearner(encoder: vectors.encoder, threads: 2)
        let all = try learner.classify(vectors.state, on: vectors.dataset(), plan: vectors.plan, selection: .instance)
        #expect(Set(all.picks).count > 1, "the case says nothing: all images pick alike")
        for index in 0..<vectors.source.count {
            let alone = try learner.classify(
                vectors.state, on: TuningDataset(one(index, of: vectors.source)), plan: vectors.plan,
                selection: .instance)
            #expect(alone.logits == Array(all.logits[index * 4..<(index + 1) * 4]))
        }
    }

    private func one(_ index: Int, of source: any ExampleSource) throws -> any ExampleSource {
        if let texts = source as? any TextSource {
            return TokenTexts(texts: [texts.tokens(of: index)], labels: [texts.labels[index]])
        }
        return One(images: try #require(source as? any ImageSource), index: index)
    }

    private struct One: ImageSource {
        let images: any ImageSource
        let index: Int
        var count: Int { 1 }
        var labels: [Int] { [images.labels[index]] }
        func copyImage(_ place: Int, into pixels: UnsafeMutableBufferPointer<Float>) throws {
            try images.copyImage(index, into: pixels)
        }
    }
}
