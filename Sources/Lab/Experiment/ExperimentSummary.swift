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
}
