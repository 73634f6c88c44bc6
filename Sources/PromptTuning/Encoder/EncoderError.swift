import Safetensors

/// Why a folder or file does not give a frozen encoder.
public enum EncoderError: Error, Hashable, CustomStringConvertible {
    /// The attention of an image of 100 x 100 patches takes 400 MB a thread; more is a mistake.
    static let mostPatchesInARow = 100

    /// `encoder.family` names no known family.
    case unknownFamily(String, known: [String])
    /// The file's tensors are named as in none of the known families.
    case unrecognisedNames(path: String, examples: [String])
    /// The file's tensors are not named as in the family that the user states.
    case otherFamily(path: String, stated: String, examples: [String])
    /// The file holds more than one encoder.
    case severalEncoders(path: String, prefixes: [String])
    case missingTensor(path: String, family: String, tensor: String)
    /// A tensor belongs to a computation that is not implemented.
    case unsupported(path: String, tensor: String, String)
    case tensorShape(path: String, tensor: String, expected: String, found: [Int])
    /// A tensor's values cannot be used as weights.
    case values(SafetensorsError)
    case configuration(path: String, field: String, expected: String, found: String)
    /// One that was asked for and has no whole number of patches, or too many.
    case imageSize(Int, patchSize: Int)
    case unreadableConfiguration(path: String, String)
    /// A size was asked for that encoders of another kind have.
    case sizeOfOthers(path: String, String, Int, String)
    /// Neither the configuration nor the family gives the number of attention heads.
    case headsUnknown(path: String, width: Int)
    /// The bundled encoder is not where the program is.
    case notInstalled(path: String)

    public var description: String {
        switch self {
        case .unknownFamily(let name, let known):
            "encoder.family: expected one of \(known.joined(separator: ", ")), found '\(name)'"
        case .unrecognisedNames(let path, let examples):
            "\(path): the tensors are named as in no known encoder (found \(examples.joined(separator: ", ")) ...)"
        case .otherFamily(let path, let stated, let examples):
            "\(path): the tensors are not named as in the stated family '\(stated)' (found \(examples.joined(separator: ", ")) ...)"
        case .severalEncoders(let path, let prefixes):
            "\(path): holds several encoders, named '\(prefixes.joined(separator: "', '"))': write the one to be used to a file of its own"
        case .missingTensor(let path, let family, let tensor):
            "\(path): expected tensor '\(tensor)' of a \(family) model, found none"
        case .unsupported(let path, let tensor, let reason): "\(path), tensor '\(tensor)': not supported: \(reason)"
        case .tensorShape(let path, let tensor, let expected, let found):
            "\(path), tensor '\(tensor)': expected shape \(expected), found \(found)"
        case .values(let problem): "\(problem)"
        case .configuration(let path, let field, let expected, let found):
            "\(path), field '\(field)': expected \(expected), found \(found)"
        case .imageSize(let size, let patchSize):
            "encoder.image_size: expected a multiple of the encoder's patch size \(patchSize), from \(patchSize) to"
                + " \(Self.mostPatchesInARow * patchSize), found \(size)"
        case .unreadableConfiguration(let path, let problem): "\(path): \(problem)"
        case .sizeOfOthers(let path, let size, let found, let examples):
            "\(path): expected no \(size) for an encoder of \(examples), found \(found)"
        case .headsUnknown(let path, let width):
            "\(path): expected field 'num_attention_heads', which no tensor shows and width \(width) does not suggest"
        case .notInstalled(let path):
            "\(path): expected the bundled encoder beside the program, found none: install that folder too, or set encoder.path"
        }
    }
}
