import RunLog
import RunSettings
import Text

/// A finished run of an experiment's folder that the file, as it is, does not describe.
struct EarlierRun {
    /// Of its folder.
    var name: String
    var figures: RunFigures
    var cell: RunFigures.Cell

    /// nil for a run that only chose a setting, and for one whose figures do not say which run it is.
    init?(name: String, figures: RunFigures) {
        guard let cell = figures.cell, !cell.isTuning else { return nil }
        self.name = name
        self.figures = figures
        self.cell = cell
    }
}

/// The runs that an experiment made with other settings, and what was different.
struct EarlierRuns {
    let runs: [EarlierRun]
    /// One row for the runs that differ in their seeds alone.
    let table: FigureTable?

    var count: Int { runs.count }

    /// - Parameter planned: the runs that the file describes.
    init(_ runs: [EarlierRun], beside planned: [PlannedRun], in folder: ExperimentFolder) {
        self.runs = runs
        var groups: [(key: String, runs: [EarlierRun])] = []
        for run in runs {
            if let index = groups.firstIndex(where: { $0.key == run.cell.settings }) {
                groups[index].runs.append(run)
            } else {
                groups.append((run.cell.settings, [run]))
            }
        }
        guard !groups.isEmpty else {
            table = nil
            return
        }
        var table = FigureTable(
            title: "Runs of other settings",
            note:
                "What the file said when they were made, where it differs from what it says now. --prune removes them.",
            header: ["cell", "runs", "chosen", "last", "settings"])
        for (_, runs) in groups {
            let figures = runs.map(\.figures)
            table.rows.append([
                runs[0].cell.points.map(\.point).joined(separator: ", "), "\(runs.count)",
                Spread(figures.map { $0.test[$0.chosen].accuracy }).text(1, scale: 100),
                Spread(figures.map { $0.test.last?.accuracy ?? 0 }).text(1, scale: 100),
                Self.difference(of: runs[0], beside: planned, in: folder),
            ])
        }
        self.table = table
    }

    /// The settings of a run that a planned one of the same cell has otherwise, and the same seed.
    private static func difference(
        of run: EarlierRun, beside planned: [PlannedRun], in folder: ExperimentFolder
    ) -> String {
        func points(_ cell: RunFigures.Cell) -> [String: String] {
            Dictionary(cell.points.map { ($0.axis, $0.point) }) { $1 }
        }
        let own = points(run.cell)
        guard let now = planned.first(where: { points($0.description) == own }) else { return "a cell that is gone" }
        let seeds = ["run.seed=\(now.seed)", "data.seed=\(now.configuration.data.seed)"]
        guard
            let then = try? RunConfiguration.load(
                files: [folder.run(run.name).configuration], environment: [:], assignments: seeds)
        else { return "its config.yaml cannot be read" }
        let changes = then.changes(since: now.configuration).filter { $0.key != "encoder.digest" }
        let words = changes.prefix(4).map { "\($0.key) \($0.given.isEmpty ? "not set" : $0.given)" }
        return words.isEmpty
            ? "another seed" : words.joined(separator: ", ") + (changes.count > 4 ? ", … (\(changes.count))" : "")
    }
}
