import Foundation
import Text

/// What an experiment's folder tells beside its runs.
struct ReportedExperiment {
    /// The runs of its tables: not those that only chose a setting.
    let runs: Set<String>
    /// Its own summary, table by table.
    let section: ReportDocument.Section

    /// nil for a folder that is no experiment's.
    init?(folder: String) {
        guard let csv = try? String(contentsOfFile: folder + "/runs.csv", encoding: .utf8) else { return nil }
        let rows = csv.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        guard let column = rows.first?.firstIndex(of: "run") else { return nil }
        runs = Set(rows.dropFirst().filter { $0.count > column }.map { String($0[column]) })
        let summary = (try? String(contentsOfFile: folder + "/summary.md", encoding: .utf8)) ?? ""
        let name = URL(fileURLWithPath: folder).lastPathComponent
        section = Self.section(summary, title: "Experiment \(name)")
    }

    /// Reads what `ExperimentTables.markdown` writes: titles, sentences, and rows of cells.
    private static func section(_ summary: String, title: String) -> ReportDocument.Section {
        var section = ReportDocument.Section(title: title)
        var tableTitle = title
        var rows: [[String]] = []
        func close() {
            guard let header = rows.first else { return }
            var table = TextTable(header)
            for row in rows.dropFirst() where row.count == header.count { table.add(row) }
            section.tables.append(.init(title: tableTitle, table: table))
            rows = []
        }
        for line in summary.split(separator: "\n") {
            if line.hasPrefix("| ") {
                let cells = line.dropFirst(2).dropLast(2).components(separatedBy: " | ")
                if !cells.allSatisfy({ $0 == "---" }) { rows.append(cells) }
                continue
            }
            close()
            if line.hasPrefix("## ") {
                tableTitle = String(line.dropFirst(3))
            } else if !line.hasPrefix("# ") {
                section.words.append(String(line))
            }
        }
        close()
        return section
    }
}
