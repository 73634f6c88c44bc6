/// Why a data set cannot be used.
public enum DatasetError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No folder holds all files of the data set.
    case notFound(dataset: String, files: [String], folders: [String], remedy: String)
    /// The system could not read a file.
    case unreadable(file: String, reason: String)
    /// The bytes of a file are not what its format says.
    case damaged(file: String, offset: Int, problem: String)
    /// What was asked for does not fit the data set.
    case unsuitable(String)

    public var description: String {
        switch self {
        case .notFound(let dataset, let files, let folders, let remedy):
            "the data set '\(dataset)' was not found: looked for \(files.joined(separator: ", ")) in "
                + "\(folders.isEmpty ? "no folder" : folders.joined(separator: ", ")). \(remedy)"
        case .unreadable(let file, let reason): "\(file): cannot be read: \(reason)"
        case .damaged(let file, let offset, let problem): "\(file), byte \(offset): \(problem)"
        case .unsuitable(let problem): problem
        }
    }
}
