import Foundation
import Text

extension ImageFiles {
    /// Reads a manifest: a CSV file with the header `path,label` or `path,label,split`, in any order, and a row for each
    /// image.
    ///
    /// Paths are relative to the manifest's folder, or absolute. Labels are names of classes. A split is train or test
    /// (or val, for test where no row says test); without the column `dataset` draws one. No image is opened.
    ///
    /// - Parameter needsLabels: without it there may be no label; the class of such an image has no name.
    /// - Throws: `DatasetError.unreadable`, or `DatasetError.unsuitable` with the line for what is wrong in it.
    public static func manifest(_ path: String, needsLabels: Bool = true) throws(DatasetError) -> ImageFiles {
        let bytes = try FileContent.read(path)
        if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) {
            throw .unsuitable("\(path):1: expected text in UTF-8, found UTF-16")
        }
        let rows: [CSVRows.Row]
        do throws(CSVRows.Problem) {
            rows = try CSVRows.read(bytes)
        } catch {
            throw .unsuitable("\(path):\(error.line): \(error.text)")
        }
        let entries = try ManifestReader(path, header: rows.first, needsLabels: needsLabels).entries(rows.dropFirst())
        return ImageFiles(path, entries)
    }

    private init(_ path: String, _ entries: [ManifestReader.Entry]) {
        let classNames = Set(entries.map(\.label)).sorted()
        let numbers = Dictionary(uniqueKeysWithValues: classNames.enumerated().map { ($1, $0) })
        // As in folders, the first kind of test that is there is used, and others are left out.
        let words = Set(entries.compactMap { $0.split?.lowercased() })
        let test = KnownDataset.Split.testNames.first(where: words.contains)
        var omitted = OmissionCounter()
        var files: [File] = []
        for entry in entries.sorted(by: { $0.plainPath < $1.plainPath }) {
            let split = entry.split.flatMap(KnownDataset.Split.init(name:))
            if split == .test, entry.split?.lowercased() != test {
                omitted.add(.otherSplit, entry.given)
                continue
            }
            files.append(
                File(path: entry.path, mention: "\(path):\(entry.line)", label: numbers[entry.label]!, split: split))
        }
        self.init(
            name: (path as NSString).lastPathComponent, path: path, classNames: classNames, files: files,
            omitted: omitted.omissions)
    }
}

/// Makes entries of a manifest's rows.
private struct ManifestReader {
    struct Entry {
        var line: Int
        /// As it stands in the manifest.
        var given: String
        var path: String
        /// The same for all spellings of a path.
        var plainPath: String
        var label: String
        var split: String?
    }

    private static let columns = ["path", "label", "split"]

    private let file: String
    private let path: Int
    private let label: Int?
    private let needsLabels: Bool
    private let split: Int?
    private let count: Int

    /// - Throws: `DatasetError.unsuitable` for a header of other columns.
    init(_ file: String, header: CSVRows.Row?, needsLabels: Bool) throws(DatasetError) {
        let expected =
            needsLabels
            ? "expected a header with the columns path, label and, if wanted, split"
            : "expected a header with the column path and, if wanted, label and split"
        guard let header else { throw .unsuitable("\(file):1: \(expected), found an empty file") }
        let names = header.fields
        if names.count == 1, let other = names[0].first(where: { ";\t|".contains($0) }) {
            throw .unsuitable("\(file):\(header.line): \(expected) apart by commas, found '\(other)' between them")
        }
        for (place, name) in names.enumerated() {
            guard Self.columns.contains(name) else {
                throw .unsuitable(
                    "\(file):\(header.line): \(expected), found '\(name)'\(suggestion(for: name, among: Self.columns))")
            }
            guard names.firstIndex(of: name) == place else {
                throw .unsuitable("\(file):\(header.line): \(expected), found '\(name)' twice")
            }
        }
        let label = names.firstIndex(of: "label")
        guard let path = names.firstIndex(of: "path"), label != nil || !needsLabels else {
            throw .unsuitable("\(file):\(header.line): \(expected), found \(names.joined(separator: ", "))")
        }
        self.file = file
        self.path = path
        self.label = label
        self.needsLabels = needsLabels
        split = names.firstIndex(of: "split")
        count = names.count
    }

    /// - Throws: `DatasetError.unsuitable` for a row that is wrong, a path that occurs twice, or no row.
    func entries(_ rows: ArraySlice<CSVRows.Row>) throws(DatasetError) -> [Entry] {
        guard !rows.isEmpty else { throw .unsuitable("\(file): expected a row for each image, found none") }
        var lines: [String: Int] = [:]
        var entries: [Entry] = []
        for row in rows {
            let entry = try entry(row)
            if let other = lines.updateValue(row.line, forKey: entry.plainPath) {
                throw .unsuitable(
                    "\(file):\(row.line): expected each path once, found '\(entry.given)' also in line \(other)")
            }
            entries.append(entry)
        }
        return entries
    }

    private func entry(_ row: CSVRows.Row) throws(DatasetError) -> Entry {
        guard row.fields.count == count else {
            throw .unsuitable("\(file):\(row.line): expected \(count) fields, found \(row.fields.count)")
        }
        let given = row.fields[path]
        let name = label.map { row.fields[$0] } ?? ""
        for (column, value) in [("path", given), ("label", name)]
        where value.isEmpty && (needsLabels || column == "path") {
            throw .unsuitable("\(file):\(row.line): expected a \(column), found none")
        }
        let part = split.map { row.fields[$0] }
        if let part, KnownDataset.Split(name: part) == nil {
            throw .unsuitable("\(file):\(row.line): expected the split train, test or val, found '\(part)'")
        }
        let folder = (file as NSString).deletingLastPathComponent
        let whole = given.hasPrefix("/") ? given : folder.isEmpty ? given : folder + "/" + given
        return Entry(
            line: row.line, given: given, path: whole, plainPath: Self.plain(whole), label: name, split: part)
    }

    /// Without what says nothing in a path, so that one file has one: empty parts, `.`, and `..` behind a name.
    private static func plain(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != ".." {
                parts.removeLast()
            } else {
                parts.append(part)
            }
        }
        return (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
    }
}
