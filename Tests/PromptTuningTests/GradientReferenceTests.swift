import Foundation
import PromptAggregation
import PromptTuning
import Safetensors
import Testing

/// One tuning step through models of five libraries, against their own float64 results.
@Suite struct GradientReference {
    private static let more = ProcessInfo.processInfo.environment["IMPROMPTU_REFERENCE_DIR"]

    /// The fixtures, and every case in or below the folder that `IMPROMPTU_REFERENCE_DIR` names.
    static let cases: [String] = [Bundle.module.bundlePath + "/Fixtures", more].compactMap(\.self).flatMap { folder in
        ((try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []).sorted()
            .map { folder + "/" + $0 }.filter(mayBeCase)
    }

    /// A safetensors file with images, or one that cannot be read, which the test then reports.
    private static func mayBeCase(_ path: String) -> Bool {
        guard path.hasSuffix(".safetensors") else { return false }
        guard let file = try? SafetensorsFile(path: path) else { return true }
        return file.contains("input.images")
    }

    @Test func thereAreReferenceCases() {
        #expect(Self.cases.count >= 8)
        if let more = Self.more { #expect(Self.cases.contains { $0.hasPrefix(more) }, "\(more) holds no case") }
    }

    @Test(arguments: cases) func stepMatches(_ path: String) throws {
        for kernels in KernelVariant.supported {
            #expect(try largestError(path, kernels, .float32) < 1e-5, "\(kernels)")
        }
    }

    /// The models have few values a row, so that the rounding of one shows more than in a large one.
    @Test(arguments: cases) func stepInBFloat16StaysNear(_ path: String) throws {
        for kernels in KernelVariant.supported {
            let error = try largestError(path, kernels, .bfloat16)
            #expect(error < 0.03, "\(kernels)")
            #expect(error > 1e-4, "\(kernels): nothing is rounded")
        }
    }

    /// Of features, logits, loss and gradients in one step, each relative to its largest value.
    private func largestError(
        _ path: String, _ kernels: KernelVariant, _ precision: EncoderPrecision
    ) throws -> Double {
        let file = try SafetensorsFile(path: path)
        let images = try file.tensor(named: "input.images")
        let encoder = try FrozenEncoder(
            file: file, configuration: try #require(file.metadata["config"]),
            imageSize: images.shape[2], precision: precision)
        let source = ArrayImages(
            pixels: try images.floats(), imageSize: images.shape[2],
            labels: try file.tensor(named: "input.labels").integers())
        func parameter(_ name: String) throws -> Tensor {
            let tensor = try file.tensor(named: name)
            return Tensor(shape: tensor.shape, values: try tensor.floats())
        }
        let trained = file.names.filter { $0.hasPrefix("expected.grad.") }.map { $0.dropFirst("expected.grad.".count) }
        #expect(Set(trained).isSuperset(of: ["prompts", "head.weight", "head.bias"]))
        let parameters = Parameters(try trained.map { (String($0), try parameter("input." + $0)) })
        let state = PromptState(
            parameters: parameters, promptIDs: (0..<parameters[Parameters.prompts]!.rows).map(PromptID.init))
        var plan = TrainingPlan()
        plan.promptsPerBatch = 0
        let learner = try PromptLearner(encoder: encoder, threads: 2, kernels: kernels)
        let step = try learner.gradients(
            state, on: TuningDataset(source), images: Array(0..<source.count), plan: plan)
        var found = [("expected.features", step.features), ("expected.logits", step.logits)]
        for name in trained { found.append(("expected.grad." + name, try #require(step.gradients[String(name)]))) }
        let loss = try file.tensor(named: "expected.loss").doubles()[0]
        let errors = try found.map { relativeError($0.1, try file.tensor(named: $0.0).doubles()) }
        return max(abs(step.loss / loss - 1), errors.max() ?? 0)
    }
}

/// The largest difference, over the largest expected magnitude.
func relativeError(_ found: [Float], _ expected: [Double]) -> Double {
    guard found.count == expected.count else { return .infinity }
    let scale = expected.map(abs).max() ?? 0
    let differences = zip(found, expected).map { abs(Double($0) - $1) }
    guard differences.allSatisfy(\.isFinite) else { return .infinity }
    return (differences.max() ?? 0) / max(scale, .leastNormalMagnitude)
}

/// Images in memory: [images, 3, imageSize, imageSize], already normalised.
struct ArrayImages: ImageSource {
    let pixels: [Float]
    let imageSize: Int
    let labels: [Int]
    var count: Int { labels.count }

    func copyImage(_ index: Int, into target: UnsafeMutableBufferPointer<Float>) {
        let size = 3 * imageSize * imageSize
        _ = target.update(fromContentsOf: pixels[index * size..<(index + 1) * size])
    }
}
