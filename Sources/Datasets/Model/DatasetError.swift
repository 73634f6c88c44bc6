/// Why a data set cannot be used.
public enum DatasetError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No folder holds all files of the data set.
    case notFound(dataset: String, files: [String], folders: [String], remedy: String)
    /// The system could not read a file.
    case unreadable(file: String, reason: String)
    /// The bytes of a file are not what its format says.
    case damaged(file: String, offset: Int, problem: String)
    /// A file is of a kind that is not read.
    case unsupported(file: String, problem: String)
    /// Some images cannot be read: the first of them, and how many of how many.
    case unreadableImages(dataset: String, first: [UnreadableImage], count: Int, of: Int)
    /// What was asked for does not fit the data set.
    case unsuitable(String)

    public var description: String {
        switch self {
        case .notFound(let dataset, let files, let folders, let remedy):
            "the data set '\(dataset)' was not found: looked for \(files.joined(separator: ", ")) in "
                + "\(folders.isEmpty ? "no folder" : folders.joined(separator: ", ")). \(remedy)"
        case .unreadable(let file, _), .unsupported(let file, _): "\(file): \(reason)"
        case .damaged(let file, _, _): "\(file), \(reason)"
        case .unreadableImages(let dataset, let first, let count, let all):
            ("\(dataset): \(count) of \(all) images cannot be read:" + first.map { "\n  \($0)" }.joined())
                + (count > first.count ? "\n  and \(count - first.count) more" : "")
                + "\nRepair or remove them, or leave them out with data.unreadable: skip."
        case .unsuitable(let problem): problem
        }
    }

    /// What is wrong, without the file where it is one that is wrong.
    var reason: String {
        switch self {
        case .unreadable(_, let reason): "cannot be read: \(reason)"
        case .damaged(_, let offset, let problem): "byte \(offset): \(problem)"
        case .unsupported(_, let problem): problem
        case .notFound, .unreadableImages, .unsuitable: description
        }
    }
}
