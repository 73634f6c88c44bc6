/// Columns of text, the first to the left and the others to the right: for a terminal, as Markdown, or for a page.
public struct TextTable {
    private var rows: [[String]]

    public init(_ header: [String]) { rows = [header] }

    /// Whether it has no row below its header.
    public var isEmpty: Bool { rows.count == 1 }

    /// Adds a row, with a text for each column.
    public mutating func add(_ row: [String]) { rows.append(row) }

    /// The rows for a terminal, with the header underlined.
    public var lines: [String] {
        let rows = rows.map { $0.map(visible) }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max()! }
        var lines = rows.map { row in
            row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return column == 0 ? row[column] + space : space + row[column]
            }.joined(separator: "  ")
        }
        lines.insert(String(repeating: "-", count: lines[0].count), at: 1)
        return lines
    }

    public var markdown: String {
        func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
        let rule = rows[0].indices.map { $0 == 0 ? "---" : "---:" }
        let cells = rows.map { $0.map(Self.plain) }
        return ([line(cells[0]), line(rule)] + cells.dropFirst().map(line)).joined(separator: "\n")
    }

    /// A text that no Markdown takes for more than text.
    package static func plain(_ text: String) -> String {
        let escapes = ["&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "\\|"]
        return text.split(whereSeparator: \.isNewline).joined(separator: " ").map { escapes["\($0)"] ?? "\($0)" }
            .joined()
    }

    /// A table of HTML.
    public var html: String {
        func row(_ cells: [String], _ name: String) -> String {
            let cells = cells.enumerated().map { place, text in
                Markup.element(
                    place == 0 ? "th" : name, place == 0 ? ["scope": name == "th" ? "col" : "row"] : [:],
                    Markup.escape(text))
            }
            return Markup.element("tr", [:], cells.joined())
        }
        let body = rows.dropFirst().map { row($0, "td") }.joined(separator: "\n")
        return Markup.element(
            "table", [:], Markup.element("thead", [:], row(rows[0], "th")) + Markup.element("tbody", [:], body))
    }
}
