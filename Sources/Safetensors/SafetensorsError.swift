/// Why a safetensors file cannot be used.
public enum SafetensorsError: Error, Hashable, CustomStringConvertible {
    /// The system refuses to read it.
    case unreadable(path: String, String)
    /// The system refuses to write it.
    case unwritable(path: String, String)
    /// It is not a whole safetensors file.
    case damaged(path: String, String)
    case missingTensor(path: String, tensor: String)
    case elementType(path: String, tensor: String, expected: String, found: ElementType)
    /// A tensor to be written does not have as many values as its shape asks for, or its name is taken.
    case invalidTensor(tensor: String, String)

    public var description: String {
        switch self {
        case .unreadable(let path, let reason): "cannot read \(path): \(reason)"
        case .unwritable(let path, let reason): "cannot write \(path): \(reason)"
        case .damaged(let path, let problem): "\(path) is not a whole safetensors file: \(problem)"
        case .missingTensor(let path, let tensor): "\(path) has no tensor '\(tensor)'"
        case .elementType(let path, let tensor, let expected, let found):
            "\(path), tensor '\(tensor)': expected elements of type \(expected), found \(found.rawValue)"
        case .invalidTensor(let tensor, let problem): "tensor '\(tensor)' cannot be written: \(problem)"
        }
    }
}
