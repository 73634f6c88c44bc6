import Foundation
import PromptAggregation
import PromptTuning
import Safetensors
import Testing

/// One tuning step through small text encoders, against float64 results of padded and masked batches.
@Suite struct TextGradient {
    private static let folder = Bundle.module.bundlePath + "/Fixtures"

    static let cases = ["class-shallow", "class-deep", "mean-shallow", "mean-deep"]

    struct Case {
        let encoder: FrozenEncoder
        let source: TokenTexts
        let state: PromptState
        let file: SafetensorsFile
        let trained: [String]

        init(_ name: String, precision: EncoderPrecision = .float32) throws {
            let file = try SafetensorsFile(path: "\(TextGradient.folder)/text-\(name).safetensors")
            let trained = file.names.filter { $0.hasPrefix("expected.grad.") }.map {
                String($0.dropFirst("expected.grad.".count))
            }
            let parameters = Parameters(
                try trained.map { name in
                    let tensor = try file.tensor(named: "input." + name)
                    return (name, Tensor(shape: tensor.shape, values: try tensor.floats()))
                })
            encoder = try FrozenEncoder(
                file: file, configuration: try #require(file.metadata["config"]),
                pooling: try #require(file.metadata["pooling"].flatMap(TextGeometry.Pooling.init)),
                precision: precision)
            source = try TokenTexts(
                tokens: file.tensor(named: "input.tokens"), labels: file.tensor(named: "input.labels"))
            state = PromptState(
                parameters: parameters, promptIDs: (0..<parameters[Parameters.prompts]!.rows).map(PromptID.init))
            self.file = file
            self.trained = trained
        }
    }

    private static var plan: TrainingPlan {
        var plan = TrainingPlan()
        plan.promptsPerBatch = 0
        return plan
    }

    @Test(arguments: cases) func stepMatches(_ name: String) throws {
        let reference = try Case(name)
        #expect(Set(reference.trained) == ["prompts", "head.weight", "head.bias"])
        for kernels in KernelVariant.supported {
            #expect(try largestError(reference, kernels) < 1e-5, "\(kernels)")
        }
    }

    @Test(arguments: cases) func stepInBFloat16StaysNear(_ name: String) throws {
        let reference = try Case(name, precision: .bfloat16)
        for kernels in KernelVariant.supported {
            let error = try largestError(reference, kernels)
            #expect(error < 0.05, "\(kernels)")
            #expect(error > 1e-4, "\(kernels): nothing is rounded")
        }
    }

    /// Of features, logits, loss and gradients in one step, each relative to its largest value.
    private func largestError(_ reference: Case, _ kernels: KernelVariant) throws -> Double {
        let learner = try PromptLearner(encoder: reference.encoder, threads: 2, kernels: kernels)
        let step = try learner.gradients(
            reference.state, on: TuningDataset(reference.source), images: Array(0..<reference.source.count),
            plan: Self.plan)
        var found = [("expected.features", step.features), ("expected.logits", step.logits)]
        for name in reference.trained {
            found.append(("expected.grad." + name, try #require(step.gradients[name])))
        }
        let loss = try reference.file.tensor(named: "expected.loss").doubles()[0]
        let errors = try found.map { relativeError($0.1, try reference.file.tensor(named: $0.0).doubles()) }
        return max(abs(step.loss / loss - 1), errors.max() ?? 0)
    }

    /// What is computed of a text depends on neither the texts beside it nor the threads.
    @Test func batchesAndThreadsChangeNoBit() throws {
        let reference = try Case("mean-deep")
        let dataset = try TuningDataset(reference.source)
        var outcomes: [[Float]] = []
        for threads in 1...3 {
            let learner = try PromptLearner(encoder: reference.encoder, threads: threads)
            outcomes.append(
                try learner.classify(reference.state, on: dataset, plan: Self.plan, selection: .instance).logits)
        }
        let learner = try PromptLearner(encoder: reference.encoder, threads: 2)
        outcomes.append(
            try reference.source.texts.indices.flatMap { index in
                let one = TokenTexts(texts: [reference.source.texts[index]], labels: [reference.source.labels[index]])
                return try learner.classify(
                    reference.state, on: TuningDataset(one), plan: Self.plan, selection: .instance
                ).logits
            })
        #expect(Set(outcomes).count == 1)
    }

    @Test func examplesThatTheEncoderDoesNotRead() throws {
        let reference = try Case("class-shallow")
        let learner = try PromptLearner(encoder: reference.encoder, threads: 1)
        func refusal(_ source: any ExampleSource) -> String {
            do {
                _ = try learner.evaluate(reference.state, on: TuningDataset(source), plan: Self.plan)
                return "evaluated"
            } catch { return "\(error)" }
        }
        #expect(
            refusal(ArrayImages(pixels: [0, 0, 0], imageSize: 1, labels: [0]))
                == "the data set: expected texts, which the encoder reads, found others")
        for tokens: [Int32] in [[1, 30], [-1, 2], [], [Int32](repeating: 1, count: 17)] {
            let expected =
                "text 0: expected 1 to 16 tokens from 0 to 29, found \(tokens.count), up to \(tokens.max() ?? 0)"
            #expect(refusal(TokenTexts(texts: [tokens], labels: [0])) == expected)
        }
        let images = try PromptLearner(encoder: FrozenEncoder.bundled(), threads: 1)
        let state = images.initialState(pool: 1, classes: 2, keyProjection: false, seed: 1)
        #expect(throws: TuningError.modality(expected: "images")) {
            try images.evaluate(
                state, on: TuningDataset(TokenTexts(texts: [[1, 2]], labels: [0])), plan: Self.plan)
        }
    }
}

/// Texts as tokens.
struct TokenTexts: TextSource {
    let texts: [[Int32]]
    let labels: [Int]
    var count: Int { texts.count }
    func tokens(of index: Int) -> [Int32] { texts[index] }
}

extension TokenTexts {
    /// - Parameter tokens: [texts, tokens], -1 where a text is over.
    init(tokens: SafetensorsTensor, labels: SafetensorsTensor) throws {
        let (length, numbers) = (tokens.shape[1], try tokens.integers())
        self.init(
            texts: (0..<tokens.shape[0]).map { text in
                numbers[text * length..<(text + 1) * length].filter { $0 >= 0 }.map(Int32.init)
            }, labels: try labels.integers())
    }
}
