/// Why a tokenizer cannot be made of some files.
public enum TokenizerError: Error, Hashable, CustomStringConvertible {
    /// Neither `tokenizer.json` nor `vocab.txt` is in the folder.
    case missing(folder: String)
    case unreadable(file: String, reason: String)
    /// A file says something that is not implemented or makes no sense.
    case unsupported(file: String, field: String, expected: String, found: String)

    public var description: String {
        switch self {
        case .missing(let folder): "\(folder): expected tokenizer.json or vocab.txt beside the weights, found neither"
        case .unreadable(let file, let reason): "\(file): \(reason)"
        case .unsupported(let file, let field, let expected, let found):
            "\(file), \(field): expected \(expected), found \(found)"
        }
    }
}
