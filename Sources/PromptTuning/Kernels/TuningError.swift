/// Why prompts cannot be tuned or evaluated.
public enum TuningError: Error, Hashable, CustomStringConvertible {
    case unsupportedKernels(KernelVariant)
    case threads(Int)
    case missingParameter(String)
    case parameterShape(String, expected: String, found: [Int])
    case emptyDataset
    /// A label outside of the head's classes.
    case label(image: Int, label: Int, classes: Int)
    case labelCount(images: Int, labels: Int)
    /// The encoder reads other examples than it was given.
    case modality(expected: String)
    /// A text has too many tokens, or some that the encoder does not know.
    case tokens(text: Int, expected: String, found: String)
    case plan(field: String, expected: String, found: String)
    /// The loss left the finite numbers at that step (from 1).
    case diverged(step: Int)

    public var description: String {
        switch self {
        case .unsupportedKernels(let variant): "this machine cannot run the \(variant.rawValue) kernels"
        case .threads(let count): "cannot start \(count) threads: expected at least 1 that the system allows"
        case .missingParameter(let name): "the state has no parameter '\(name)'"
        case .parameterShape(let name, let expected, let found):
            "parameter '\(name)': expected shape \(expected), found \(found)"
        case .emptyDataset: "the data set has no images"
        case .label(let image, let label, let classes):
            "image \(image): expected a label in 0..<\(classes) (the head's classes), found \(label)"
        case .labelCount(let images, let labels): "expected one label an image (\(images)), found \(labels)"
        case .modality(let expected): "the data set: expected \(expected), which the encoder reads, found others"
        case .tokens(let text, let expected, let found): "text \(text): expected \(expected), found \(found)"
        case .plan(let field, let expected, let found): "plan, \(field): expected \(expected), found \(found)"
        case .diverged(let step): "the loss is not finite at step \(step): the learning rate may be too large"
        }
    }
}
