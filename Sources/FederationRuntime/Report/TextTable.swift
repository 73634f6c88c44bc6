/// Columns of text for a terminal, the first to the left and the others to the right.
public struct TextTable {
    private var rows: [[String]]

    public init(_ header: [String]) { rows = [header] }

    public mutating func add(_ row: [String]) { rows.append(row) }

    public var lines: [String] {
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
}
