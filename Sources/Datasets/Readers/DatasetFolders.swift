import Foundation

/// Where data sets are looked for, first to last.
public struct DatasetFolders: Hashable, Sendable {
    /// Folders with a folder named like the data set that holds its files, or that hold them themselves.
    public var folders: [String]
    /// Whether files count only in a folder that is named like their data set: several have files of the same names.
    public var holdsSeveral = false

    /// The environment variable that names further folders, separated by colons.
    public static let variable = "IMPROMPTU_DATA"
    /// Where Debian's packages put data sets.
    public static let system = "/usr/share/datasets"

    public init(folders: [String]) { self.folders = folders }

    /// The folder that the user gave and no other, so that a misspelt one is not silently replaced by other data;
    /// without one, those of the environment, then the system's.
    public init(
        given: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        let named = (environment[Self.variable] ?? "").split(separator: ":").map(String.init)
        folders = given.map { [$0] } ?? named + [Self.system]
    }

    /// The paths of all files, from the first folder that holds one of `choices` whole.
    ///
    /// - Parameter choices: names of files that make up the data set, each list an alternative. A name also stands for
    ///   the file with `.gz` behind it.
    func locate(_ dataset: String, _ choices: [[String]], remedy: String) throws(DatasetError) -> [String] {
        try Self.requireName(dataset)
        let searched = folders.flatMap { holdsSeveral ? [$0 + "/" + dataset] : [$0 + "/" + dataset, $0] }
        for folder in searched {
            for choice in choices {
                let found = choice.compactMap { existing(folder + "/" + $0) }
                if found.count == choice.count { return found }
            }
        }
        let files = choices.map { $0.joined(separator: " and ") }.joined(separator: ", or ")
        throw .notFound(dataset: dataset, files: [files + " (also with .gz)"], folders: searched, remedy: remedy)
    }

    /// The folder with a data set's own folders: one that is named like it, or one of these themselves that has a `train`
    /// folder or is the only one.
    func folder(_ dataset: String) throws(DatasetError) -> String {
        try Self.requireName(dataset)
        let named = folders.map { $0 + "/" + dataset }
        let bare = holdsSeveral ? [] : folders.filter { folders.count == 1 || Self.isFolder($0 + "/train") }
        if let found = (named + bare).first(where: Self.isFolder) { return found }
        throw .notFound(dataset: dataset, files: ["its folder"], folders: folders, remedy: Self.remedy)
    }

    /// A path would be looked for below the folders, and where there is one folder alone, that one would be read in its place.
    private static func requireName(_ dataset: String) throws(DatasetError) {
        guard dataset.hasPrefix("/") || dataset.hasPrefix("~/") else { return }
        throw .unsuitable(
            "\(dataset): expected the name of a folder in data.path after the colon, found a path; give the folder itself to"
                + " commands that take one, or the folder above it as data.path")
    }

    /// What to do where a data set is not found.
    static let remedy = "Put its files into one of these folders, or name their folder in \(variable)."

    static func isFolder(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
    }

    private func existing(_ path: String) -> String? {
        [path, path + ".gz"].first { FileManager.default.fileExists(atPath: $0) }
    }
}
