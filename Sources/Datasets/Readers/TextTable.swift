/// The columns of a table of texts, by their names.
public struct TextColumns: Hashable, Sendable {
    public var text = "text"
    public var label = "label"
    /// train or test, where the table has it.
    static let split = "split"

    public init(text: String = "text", label: String = "label") {
        self.text = text
        self.label = label
    }
}

/// Texts with the names of their classes, as a file of rows holds them: CSV (RFC 4180) and TSV (no quotes) with a header,
/// or lines of JSON objects. Any of them may be compressed with gzip.
struct TextTable {
    struct Row {
        /// From 1, where the row begins.
        var line: Int
        var text: String
        /// Empty where no labels are needed and there is none.
        var label: String
        var split: KnownDataset.Split?
    }

    /// The most bytes of a text.
    static let mostBytes = 1 << 20
    /// The most bytes of a class's name: names go into messages, tables and pictures.
    static let mostLabelBytes = 1000
    /// What a table's name ends with, without `.gz`.
    static let extensions = ["csv", "tsv", "jsonl"]

    let path: String
    let rows: [Row]

    /// - Parameter needsLabels: without it there may be no label.
    /// - Throws: `DatasetError`, with the line for what is wrong in one.
    init(_ path: String, columns: TextColumns, needsLabels: Bool = true) throws(DatasetError) {
        let bytes = [UInt8](try DatasetFile(path: path).bytes)
        guard !bytes.starts(with: [0xff, 0xfe]), !bytes.starts(with: [0xfe, 0xff]) else {
            throw .unsuitable("\(path):1: expected text in UTF-8, found UTF-16")
        }
        let reader = TextRows(path: path, columns: columns, needsLabels: needsLabels)
        rows =
            switch Self.kind(of: path) {
            case "csv": try reader.rows(csv: bytes)
            case "tsv": try reader.rows(tsv: bytes)
            case "jsonl": try reader.rows(json: bytes)
            default:
                throw .unsupported(
                    file: path, problem: "expected a table .csv, .tsv or .jsonl, perhaps with .gz behind")
            }
        guard !rows.isEmpty else { throw .unsuitable("\(path): expected a row for each text, found none") }
        self.path = path
    }

    /// What a path ends with, in lower case and without `.gz`.
    static func kind(of path: String) -> String {
        var name = path.lowercased()
        if name.hasSuffix(".gz") { name.removeLast(3) }
        return name.contains(".") ? String(name.split(separator: ".").last ?? "") : ""
    }
}

/// Makes rows of a table's bytes.
private struct TextRows {
    let path: String
    let columns: TextColumns
    let needsLabels: Bool

    private func wrong(_ line: Int, _ problem: String) -> DatasetError { .unsuitable("\(path):\(line): \(problem)") }

    func rows(csv bytes: [UInt8]) throws(DatasetError) -> [TextTable.Row] {
        let rows: [CSVRows.Row]
        do throws(CSVRows.Problem) { rows = try CSVRows.read(bytes) } catch { throw wrong(error.line, error.text) }
        return try table(rows)
    }

    /// Fields apart by tabs; a quote is a character like any other.
    func rows(tsv bytes: [UInt8]) throws(DatasetError) -> [TextTable.Row] {
        var rows: [CSVRows.Row] = []
        for (line, text) in try lines(bytes) {
            rows.append(
                CSVRows.Row(
                    line: line, fields: text.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)))
        }
        return try table(rows)
    }

    /// An object a line, whose label may be a text or a whole number.
    func rows(json bytes: [UInt8]) throws(DatasetError) -> [TextTable.Row] {
        var rows: [TextTable.Row] = []
        for (line, text) in try lines(bytes) {
            try checkLength(text, line)
            guard let fields = JSONFields(text) else {
                throw wrong(line, "expected a JSON object with the fields \(columns.text) and \(columns.label)")
            }
            for name in [columns.text, columns.label, TextColumns.split] {
                if let found = fields.misfit(name) {
                    throw wrong(line, "expected a text or a whole number in the field \(name), found \(found)")
                }
            }
            rows.append(try row(line, fields[columns.text], fields[columns.label], fields[TextColumns.split]))
        }
        return rows
    }

    /// Lines that are not empty, with their numbers.
    private func lines(_ bytes: [UInt8]) throws(DatasetError) -> [(Int, String)] {
        let start = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
        var lines: [(Int, String)] = []
        let parts = bytes[start...].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (place, part) in parts.enumerated() {
            let line = part.last == UInt8(ascii: "\r") ? part.dropLast() : part
            guard !line.isEmpty else { continue }
            do throws(UTF8Text.Problem) { lines.append((place + 1, try UTF8Text.decode(line))) } catch {
                throw wrong(place + 1, error.text)
            }
        }
        return lines
    }

    /// - Parameter rows: the header first.
    private func table(_ rows: [CSVRows.Row]) throws(DatasetError) -> [TextTable.Row] {
        let expected =
            "expected a header with the columns \(columns.text)\(needsLabels ? " and \(columns.label)" : "")"
        guard let header = rows.first else { throw wrong(1, "\(expected), found an empty file") }
        func place(_ column: String) throws(DatasetError) -> Int? {
            let places = header.fields.indices.filter { header.fields[$0] == column }
            guard places.count <= 1 else { throw wrong(header.line, "\(expected), found '\(column)' twice") }
            return places.first
        }
        let (label, split) = (try place(columns.label), try place(TextColumns.split))
        guard let text = try place(columns.text), label != nil || !needsLabels else {
            let found = header.fields.map { String($0.prefix(40)) }
            throw wrong(header.line, "\(expected), found \(listed(found))")
        }
        var result: [TextTable.Row] = []
        for row in rows.dropFirst() {
            guard row.fields.count == header.fields.count else {
                throw wrong(row.line, "expected \(header.fields.count) fields, found \(row.fields.count)")
            }
            result.append(
                try self.row(row.line, row.fields[text], label.map { row.fields[$0] }, split.map { row.fields[$0] }))
        }
        return result
    }

    private func row(
        _ line: Int, _ text: String?, _ label: String?, _ split: String?
    ) throws(DatasetError) -> TextTable.Row {
        guard let text, !text.allSatisfy(\.isWhitespace) else {
            throw wrong(line, "expected a text in the column \(columns.text), found none")
        }
        try checkLength(text, line)
        guard !needsLabels || !(label ?? "").isEmpty else {
            throw wrong(line, "expected a class in the column \(columns.label), found none")
        }
        guard (label ?? "").utf8.count <= TextTable.mostLabelBytes else {
            throw wrong(
                line,
                "expected a class of at most \(TextTable.mostLabelBytes) bytes, found \((label ?? "").utf8.count)")
        }
        let part = split.flatMap(KnownDataset.Split.init(name:))
        if let split, part == nil {
            throw wrong(line, "expected the split train, test or val, found '\(split.prefix(40))'")
        }
        return TextTable.Row(line: line, text: text, label: label ?? "", split: part)
    }

    private func checkLength(_ text: String, _ line: Int) throws(DatasetError) {
        guard text.utf8.count <= TextTable.mostBytes else {
            throw wrong(line, "expected a text of at most \(TextTable.mostBytes) bytes, found \(text.utf8.count)")
        }
    }
}
