import Foundation

extension ExperimentSummary {
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
        let path = ExperimentFolder.data(in: folder)
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            return try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw ReportError("\(path): expected the summary of an experiment: \(error)")
        }
    }
}
