import Files
import Foundation

/// What an experiment's tables say of its runs. `summary.json` keeps it for reports, `summary.md` for readers.
struct ExperimentSummary: Codable {
    var name: String
    var words: String
    /// The names of the runs in the tables: not those that only chose a setting.
    var runs: [String]
    var tables: [FigureTable]

    var markdown: String {
        (["# \(name)", "", words] + tables.flatMap(\.markdown)).joined(separator: "\n") + "\n"
    }

    var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        }
    }

    /// Where an experiment's folder keeps it.
    static func path(in folder: String) -> String { folder + "/summary.json" }

    /// The section of a report on runs of this experiment.
    var section: ReportDocument.Section {
        var section = ReportDocument.Section(title: "Experiment \(name)", words: [words])
        for figures in tables {
            if let note = figures.note { section.words.append(note) }
            section.tables.append(.init(title: figures.title, table: figures.text))
        }
        return section
    }

    /// Reads the summary in a folder; nil for a folder that is no experiment's.
    /// - Throws: `ReportError` for a summary that cannot be read.
    static func read(in folder: String) throws -> Self? {
        let path = path(in: folder)
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            return try JSONDecoder().decode(Self.self, from: Data(RegularFile.bytes(of: path)))
        } catch {
            throw ReportError("\(path): expected the summary of an experiment: \(error)")
        }
    }
}
