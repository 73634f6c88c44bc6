import Foundation
import PromptAggregation
import RunLog
import Text

/// The tables of an experiment, from its finished runs.
struct ExperimentTables {
    struct Finished {
        var run: PlannedRun
        /// Of its folder.
        var name: String
        var figures: RunFigures
    }

    private let experiment: Experiment
    let rows: [Finished]
    /// Runs of other settings than the file's: they have rows in the CSV files and a table of their own.
    let earlier: EarlierRuns

    init(_ experiment: Experiment, _ finished: [Finished], earlier: EarlierRuns) {
        self.experiment = experiment
        rows = finished
        self.earlier = earlier
    }

    // MARK: CSV

    /// One row a run: its cell of the grid, and its figures.
    var runs: String {
        let header = placeHeader + RunFigures.header(targets: experiment.targets)
        let finished = rows.map { place(of: $0) + $0.figures.columns(targets: experiment.targets) }
        return csv(
            [header] + finished + earlier.runs.map { place(of: $0) + $0.figures.columns(targets: experiment.targets) })
    }

    /// One row a version: its run's cell of the grid, its flush, and its evaluation if there is one.
    /// - Parameter folder: of a run by its name.
    func versions(_ folder: (String) -> RunFolder) -> String {
        let splits = ["validation", "test"].flatMap { split in
            ["accuracy", "balanced_accuracy", "loss", "masked_accuracy"].map { "\(split)_\($0)" }
        }
        let columns = RunHistory.VersionRow.header.split(separator: ",").map(String.init)
        var lines = [placeHeader + columns + splits]
        let all = rows.map { (place(of: $0), $0.name, $0.figures) }
        for (place, name, figures) in all + earlier.runs.map({ (self.place(of: $0), $0.name, $0.figures) }) {
            let folder = folder(name)
            let text = (try? String(contentsOfFile: folder.metrics, encoding: .utf8)) ?? ""
            var flushes = text.split(separator: "\n").dropFirst().map {
                $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            }
            // No flush makes version 0.
            if figures.validation.first?.version == 0 {
                flushes.insert(["0", "0.000", "0"] + [String](repeating: "", count: columns.count - 3), at: 0)
            }
            for flush in flushes {
                let evaluated = [figures.validation, figures.test].flatMap { split -> [String] in
                    guard let row = split.first(where: { "\($0.version)" == flush[0] }) else {
                        return ["", "", "", ""]
                    }
                    return [row.accuracy, row.balancedAccuracy, row.loss, row.maskedAccuracy].map { decimal($0, 6) }
                }
                lines.append(place + flush + evaluated)
            }
        }
        return csv(lines)
    }

    private var placeHeader: [String] {
        var header = experiment.axes.map(\.name)
        header.append("seed")
        if let tuning = experiment.tuning { header.append(tuning.key) }
        header += ["run", "current"]
        return header
    }

    private func place(of row: Finished) -> [String] {
        place(experiment.names(of: row.run.cell), row.run.seed, row.run.tuned, row.name, isCurrent: true)
    }

    /// Axes that the run did not have are empty.
    private func place(of run: EarlierRun) -> [String] {
        let points = experiment.axes.map { axis in
            run.cell.points.first { $0.axis == axis.name }?.point ?? ""
        }
        return place(points, run.cell.seed, run.cell.tuned, run.name, isCurrent: false)
    }

    private func place(
        _ points: [String], _ seed: UInt64, _ tuned: String?, _ name: String, isCurrent: Bool
    ) -> [String] {
        points + ["\(seed)"] + (experiment.tuning == nil ? [] : [tuned ?? ""]) + [name, "\(isCurrent)"]
    }

    private func csv(_ rows: [[String]]) -> String { rows.map(CSV.row).joined(separator: "\n") + "\n" }

    // MARK: Summary

    var summary: ExperimentSummary {
        let words =
            "\(rows.count) of \(experiment.cells.count * experiment.seeds.count) runs, seeds "
            + experiment.seeds.map { "\($0)" }.joined(separator: ", ")
            + ". Mean ± standard deviation over seeds. Every row of runs.csv is one run; its column 'current' is true if the"
            + " file still has the settings of that run."
        return ExperimentSummary(
            name: experiment.name, words: words, runs: rows.map(\.name) + earlier.runs.map(\.name),
            tables: [overview, details] + comparisons + (earlier.table.map { [$0] } ?? []))
    }

    var terminalLines: [String] {
        ([overview] + comparisons + (earlier.table.map { [$0] } ?? [])).flatMap(\.plain)
    }

    /// Of the runs so far.
    var picture: String { ExperimentPicture(experiment: experiment, figures: figures).svg }

    private func figures(of cell: Experiment.Cell) -> [RunFigures] {
        rows.filter { $0.run.cell == cell }.map(\.figures)
    }

    /// The points of the first axis one way, the combinations of the others the other way, whichever is narrower.
    private var overview: FigureTable {
        var places: [[Int]] = []
        for cell in experiment.cells where !places.contains(Array(cell.points.dropFirst())) {
            places.append(Array(cell.points.dropFirst()))
        }
        let titles = places.map { place in
            zip(experiment.axes.dropFirst(), place).map { $0.points[$1].name }.joined(separator: ", ")
        }
        var table = FigureTable(
            title: "Test accuracy of the version chosen on validation, %",
            header: [experiment.axes[0].name] + (experiment.axes.count == 1 ? ["accuracy"] : titles))
        for (point, name) in experiment.axes[0].points.map(\.name).enumerated() {
            let cells = places.map { place in
                let figures = figures(of: Experiment.Cell(points: [point] + place))
                return Spread(figures.map { $0.test[$0.chosen].accuracy }).text(1, scale: 100)
            }
            table.rows.append([name] + cells)
        }
        return table.rows.count < places.count ? table.transposed : table
    }

    private var details: FigureTable {
        let isMasked = rows.contains { $0.figures.test.contains { $0.maskedAccuracy != $0.accuracy } }
        let hasClients = rows.contains { $0.figures.clientAccuracies != nil }
        var header = experiment.axes.map(\.name)
        header += ["runs", "last", "chosen", "least test loss", "balanced, chosen"]
        if isMasked { header.append("masked, chosen") }
        if hasClients { header += ["at clients, mean", "at clients, worst decile"] }
        header += experiment.targets.map { "seconds to \(decimal($0 * 100, 0)) %" }
        header += ["seconds", "updates", "versions", "pool", "staleness", "MB up", "MB down", "processor s"]
        let masked = isMasked ? " Masked: only the classes of the image's own source compete." : ""
        let clients =
            hasClients
            ? " At clients: the last version's accuracy with the classes as frequent as at each client, its mean and that of the"
                + " worst tenth of the clients."
            : ""
        var table = FigureTable(
            title: "All figures",
            note: """
                Accuracies in % on the test split, of three versions. Last: the last one. Chosen: the best on validation. Least \
                test loss: the one that the PFPT paper reports; it is chosen by test images.\(masked)\(clients) Time and bytes \
                are virtual, processor seconds real.
                """,
            header: header)
        for cell in experiment.cells {
            let figures = figures(of: cell)
            guard !figures.isEmpty else { continue }
            func percent(_ value: (RunFigures) -> Double) -> String {
                Spread(figures.map(value)).text(1, scale: 100)
            }
            func plain(_ digits: Int, _ value: (RunFigures) -> Double) -> String {
                Spread(figures.map(value)).text(digits)
            }
            var row = experiment.names(of: cell) + ["\(figures.count)"]
            row += [
                percent { $0.test.last?.accuracy ?? 0 }, percent { $0.test[$0.chosen].accuracy },
                percent { $0.test[$0.leastTestLoss].accuracy }, percent { $0.test[$0.chosen].balancedAccuracy },
            ]
            if isMasked { row.append(percent { $0.test[$0.chosen].maskedAccuracy }) }
            if hasClients {
                row += [\RunFigures.clientMean, \.clientWorstDecile].map { path in
                    Spread(figures.compactMap { $0[keyPath: path] }).text(1, scale: 100)
                }
            }
            row += experiment.targets.map { target in
                let times = figures.compactMap { $0.reaches(target)?.seconds }
                return times.count == figures.count
                    ? Spread(times).text(1) : "reached by \(times.count) of \(figures.count)"
            }
            row += [
                plain(0, \.seconds), plain(0) { Double($0.updates) }, plain(0) { Double($0.versions) },
                plain(1) { Double($0.pool) }, plain(1, \.meanStaleness), plain(2) { Double($0.bytesUp) / 1e6 },
                plain(2) { Double($0.bytesDown) / 1e6 }, plain(0, \.processorSeconds),
            ]
            table.rows.append(row)
        }
        return table
    }

    private var comparisons: [FigureTable] {
        experiment.comparisons.map { comparison in
            ExperimentComparison(experiment: experiment, comparison: comparison) { cell, seed in
                rows.first { $0.run.cell == cell && $0.run.seed == seed }?.figures
            }.table
        }
    }
}
