/// Why a safetensors file cannot be used.
public enum SafetensorsError: Error, Hashable, CustomStringConvertible {
    /// The system refuses to read it.
    case unreadable(path: String, String)
    /// The system refuses to write it.
    case unwritable(path: String, String)
    /// It is another kind of file.
    case foreign(path: String, ForeignFormat)
    /// It is not a whole safetensors file.
    case damaged(path: String, String)
    /// The index of a model's shards, or a shard, is not as the other says.
    case index(path: String, String)
    /// A folder does not have the weights of exactly one model.
    case folder(path: String, String)
    case missingTensor(path: String, tensor: String)
    case elementType(path: String, tensor: String, expected: String, found: ElementType)
    /// Values that are NaN or infinite in float32; the first of them and its index in each extent.
    case notFinite(path: String, tensor: String, count: Int, of: Int, first: String, index: [Int])
    /// A tensor to be written does not have as many values as its shape asks for, or its name is taken.
    case invalidTensor(tensor: String, String)

    public var description: String {
        switch self {
        case .unreadable(let path, let reason): "cannot read \(path): \(reason)"
        case .unwritable(let path, let reason): "cannot write \(path): \(reason)"
        case .foreign(let path, let format): "\(path) is \(format), not a safetensors file: \(format.remedy)"
        case .damaged(let path, let problem): "\(path) is not a whole safetensors file: \(problem)"
        case .index(let path, let problem), .folder(let path, let problem): "\(path): \(problem)"
        case .missingTensor(let path, let tensor): "\(path) has no tensor '\(tensor)'"
        case .elementType(let path, let tensor, let expected, let found):
            "\(path), tensor '\(tensor)': expected elements of type \(expected), found \(found.rawValue)"
        case .notFinite(let path, let tensor, let count, let all, let first, let index):
            "\(path), tensor '\(tensor)': \(count) of \(all) values are not finite, the first (\(first)) at \(index): copy the file again, or take weights from before training diverged"
        case .invalidTensor(let tensor, let problem): "tensor '\(tensor)' cannot be written: \(problem)"
        }
    }
}
