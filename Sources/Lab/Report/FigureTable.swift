import Text

/// A table for a terminal and for Markdown.
struct FigureTable: Codable {
    var title: String
    var note: String?
    var header: [String]
    var rows: [[String]] = []

    /// Rows as columns; the corner stays.
    var transposed: FigureTable {
        let all = [header] + rows
        let columns = header.indices.map { column in all.map { $0[column] } }
        return FigureTable(title: title, note: note, header: columns[0], rows: Array(columns.dropFirst()))
    }

    var markdown: [String] {
        let lines = [header, header.map { _ in "---" }] + rows
        var text = ["", "## \(title)", ""]
        if let note { text += [note, ""] }
        text += lines.map { "| " + $0.joined(separator: " | ") + " |" }
        return text
    }

    var text: TextTable {
        var table = TextTable(header)
        for row in rows { table.add(row) }
        return table
    }

    var plain: [String] { ["", title] + text.lines }
}
