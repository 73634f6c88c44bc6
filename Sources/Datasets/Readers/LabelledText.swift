/// A text that somebody names for a model to classify.
public struct LabelledText: Hashable, Sendable {
    /// Where it stands, for a person.
    public var place: String
    public var text: String
    /// The name of its class; empty where none is known.
    public var label: String

    /// Reads the texts of a table `….csv`, `….tsv` or `….jsonl`, of a file `….txt` with one on each line, or of a folder as
    /// data sets have it.
    ///
    /// - Parameters:
    ///   - needsLabels: whether each must have its class.
    ///   - split: nil for all.
    /// - Throws: `DatasetError`.
    public static func read(
        _ path: String, needsLabels: Bool, split: KnownDataset.Split?
    ) throws(DatasetError) -> [LabelledText] {
        if DatasetFolders.isFolder(path) { return try TextFiles(path).texts(split) }
        if TextTable.kind(of: path) == "txt" {
            guard !needsLabels, split == nil else {
                throw .unsuitable("\(path): expected a table with a column for the class, found lines of text")
            }
            return of(path, try TextFiles.lines(path, label: ""))
        }
        let table = try TextTable(path, columns: TextColumns(), needsLabels: needsLabels)
        return of(path, table.rows.filter { split == nil || $0.split ?? .train == split })
    }

    static func of(_ file: String, _ rows: [TextTable.Row]) -> [LabelledText] {
        rows.map { LabelledText(place: "\(file):\($0.line)", text: $0.text, label: $0.label) }
    }
}

extension TextFiles {
    func texts(_ split: KnownDataset.Split?) -> [LabelledText] {
        let groups = (split == .test ? [] : training) + (split == .train ? [] : test)
        return groups.flatMap { LabelledText.of($0.file, $0.rows) }
    }
}
