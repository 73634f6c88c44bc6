/// Why a folder or file does not give a frozen encoder.
public enum EncoderError: Error, Hashable, CustomStringConvertible {
    /// The file's tensors are named as in none of the known families.
    case unrecognisedNames(path: String, examples: [String])
    case missingTensor(path: String, family: String, tensor: String)
    case tensorShape(path: String, tensor: String, expected: String, found: [Int])
    case elementType(path: String, tensor: String, expected: String, found: String)
    case configuration(path: String, field: String, expected: String, found: String)
    case unreadableConfiguration(path: String, String)
    /// The bundled encoder is not where the program is.
    case notInstalled(path: String)

    public var description: String {
        switch self {
        case .unrecognisedNames(let path, let examples):
            "\(path): the tensors are named as in no known vision transformer (found \(examples.joined(separator: ", ")) ...)"
        case .missingTensor(let path, let family, let tensor):
            "\(path): expected tensor '\(tensor)' of a \(family) model, found none"
        case .tensorShape(let path, let tensor, let expected, let found):
            "\(path), tensor '\(tensor)': expected shape \(expected), found \(found)"
        case .elementType(let path, let tensor, let expected, let found):
            "\(path), tensor '\(tensor)': expected elements of type \(expected), found \(found)"
        case .configuration(let path, let field, let expected, let found):
            "\(path), field '\(field)': expected \(expected), found \(found)"
        case .unreadableConfiguration(let path, let problem): "\(path): \(problem)"
        case .notInstalled(let path):
            "\(path): expected the bundled encoder beside the program, found none: install that folder too, or set encoder.path"
        }
    }
}
