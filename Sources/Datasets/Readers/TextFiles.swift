import Foundation

/// The files that hold texts of one data set: a table for each split, one table for all, or a folder for each class with
/// files of one text a line.
struct TextFiles {
    let path: String
    /// Ascending.
    let classNames: [String]
    let training: [Group]
    let test: [Group]

    /// The texts of one file.
    struct Group {
        let file: String
        let rows: [TextTable.Row]
    }

    /// Opens a table, or a folder with `train.csv` (or `.tsv`, `.jsonl`) and perhaps `test.csv`, or with folders of classes,
    /// perhaps below `train` and `test`.
    init(_ path: String, columns: TextColumns = TextColumns()) throws(DatasetError) {
        let (training, test) = try Self.groups(path, columns)
        guard !training.isEmpty else {
            throw .unsuitable(
                "\(path): expected a table train.csv, train.tsv or train.jsonl with the columns \(columns.text) and"
                    + " \(columns.label), or folders of classes with a text on each line of their .txt files")
        }
        self.path = path
        self.training = training
        self.test = test
        classNames = Set((training + test).flatMap { $0.rows.map(\.label) }).sorted()
    }

    /// A table as one split, whatever it marks.
    init(_ table: TextTable, as split: KnownDataset.Split) {
        path = table.path
        let groups = [Group(file: table.path, rows: table.rows)]
        training = split == .train ? groups : []
        test = split == .test ? groups : []
        classNames = Set(table.rows.map(\.label)).sorted()
    }

    private static func groups(
        _ path: String, _ columns: TextColumns
    ) throws(DatasetError) -> (training: [Group], test: [Group]) {
        guard DatasetFolders.isFolder(path) else {
            let table = try TextTable(path, columns: columns)
            func group(_ rows: [TextTable.Row]) -> [Group] { rows.isEmpty ? [] : [Group(file: path, rows: rows)] }
            return (group(table.rows.filter { $0.split != .test }), group(table.rows.filter { $0.split == .test }))
        }
        let training = try split(.train, in: path, columns)
        if !training.isEmpty { return (training, try split(.test, in: path, columns)) }
        if DatasetFolders.isFolder(path + "/train") {
            return (try classes(in: path + "/train"), try classes(in: path + "/test"))
        }
        return (try classes(in: path), [])
    }

    /// The texts of a split's table in a folder; none where there is no table.
    /// - Throws: `DatasetError`, also for several tables, and for texts that are marked for another split.
    private static func split(
        _ split: KnownDataset.Split, in folder: String, _ columns: TextColumns
    ) throws(DatasetError) -> [Group] {
        let files = tables(split, in: folder)
        guard files.count <= 1 else {
            throw .unsuitable("\(folder): expected one table of the split \(split), found \(listed(files))")
        }
        guard let name = files.first else { return [] }
        let file = "\(folder)/\(name)"
        let rows = try TextTable(file, columns: columns).rows
        if let row = rows.first(where: { ($0.split ?? split) != split }) {
            throw .unsuitable(
                "\(file):\(row.line): expected the split \(split), as the file's name says, found another")
        }
        return [Group(file: file, rows: rows)]
    }

    /// The names of a split's tables in a folder, in letters of either case.
    static func tables(_ split: KnownDataset.Split, in folder: String) -> [String] {
        let names = TextTable.extensions.flatMap { ["\(split).\($0)", "\(split).\($0).gz"] }
        return entries(folder).filter { names.contains($0.lowercased()) }
    }

    /// The `.txt` files in the folders of classes; none where the folder is not there.
    private static func classes(in folder: String) throws(DatasetError) -> [Group] {
        var groups: [Group] = []
        for name in entries(folder) where DatasetFolders.isFolder("\(folder)/\(name)") {
            for file in entries("\(folder)/\(name)") where TextTable.kind(of: file) == "txt" {
                let path = "\(folder)/\(name)/\(file)"
                groups.append(Group(file: path, rows: try lines(path, label: name)))
            }
        }
        return groups
    }

    /// Whether a path may be one of texts: by its files' names, and of a single `.csv` by its header, since a manifest of
    /// images is a `.csv` too.
    static func mayHoldTexts(_ path: String) -> Bool {
        guard DatasetFolders.isFolder(path) else { return isTableOfTexts(path) }
        let folder = DatasetFolders.isFolder(path + "/train") ? path + "/train" : path
        return !tables(.train, in: path).isEmpty
            || entries(folder).contains { name in
                DatasetFolders.isFolder("\(folder)/\(name)")
                    && entries("\(folder)/\(name)").contains { TextTable.kind(of: $0) == "txt" }
            }
    }

    /// Whether a folder has a training table whose header names texts.
    static func hasTableOfTexts(in folder: String) -> Bool {
        tables(.train, in: folder).contains { isTableOfTexts("\(folder)/\($0)") }
    }

    private static func isTableOfTexts(_ path: String) -> Bool {
        let kind = TextTable.kind(of: path)
        guard kind == "csv" else { return TextTable.extensions.contains(kind) }
        guard let bytes = try? DatasetFile(path: path).bytes else { return false }
        let header = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        let row = try? CSVRows.read([UInt8](header)).first
        return row?.fields.contains(TextColumns().text) ?? false
    }

    /// Names in a folder, ascending, without hidden ones.
    private static func entries(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { !$0.hasPrefix(".") }.sorted()
    }

    static func lines(_ path: String, label: String) throws(DatasetError) -> [TextTable.Row] {
        let parts = [UInt8](try DatasetFile(path: path).bytes).split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var rows: [TextTable.Row] = []
        for (place, part) in parts.enumerated() {
            guard part.count <= TextTable.mostBytes else {
                throw .unsuitable(
                    "\(path):\(place + 1): expected a text of at most \(TextTable.mostBytes) bytes, found \(part.count)"
                )
            }
            let text: String
            do throws(UTF8Text.Problem) { text = try UTF8Text.decode(part) } catch {
                throw .unsuitable("\(path):\(place + 1): \(error.text)")
            }
            let line = text.trimmingCharacters(in: .whitespacesAndNewlines)
            if !line.isEmpty { rows.append(TextTable.Row(line: place + 1, text: line, label: label)) }
        }
        return rows
    }

    /// Whether a part of the texts is marked for the test.
    var hasTest: Bool { !test.isEmpty }

    /// The texts of a split.
    ///
    /// - Parameters:
    ///   - classes: in the order of their numbers; nil for those that occur, ascending.
    ///   - written: what the file calls each of the classes, where it does not name them.
    /// - Throws: `DatasetError.unsuitable` for a class that is none of these, or where the test split is missing.
    func dataset(
        _ split: KnownDataset.Split, name: String, classes: [String]? = nil, written: [String]? = nil
    ) throws(DatasetError) -> ImageDataset {
        let groups = split == .train ? training : test
        guard !groups.isEmpty else {
            throw .unsuitable("\(path): expected texts for the test, in a file test.csv or the like, found none")
        }
        let names = classes ?? classNames
        let numbers = Dictionary(
            (written ?? names).enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        var labels: [Int] = []
        for group in groups {
            for row in group.rows {
                guard let number = numbers[row.label] else {
                    throw .unsuitable(
                        "\(group.file):\(row.line): expected one of the classes \(listed(written ?? names)), found"
                            + " '\(row.label.prefix(40))'")
                }
                labels.append(number)
            }
        }
        return ImageDataset(
            name: name, classNames: names, labels: labels,
            parts: groups.map { TextPart(file: $0.file, texts: $0.rows.map(\.text), lines: $0.rows.map(\.line)) })
    }
}
