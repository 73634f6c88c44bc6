import Foundation
import PromptAggregation
import RunLog
import Text

/// The tables of an experiment, from its finished runs.
struct ExperimentTables {
    typealias Finished = (run: PlannedRun, figures: RunFigures)

    private let experiment: Experiment
    let rows: [Finished]

    init(_ experiment: Experiment, _ finished: [Finished]) {
        self.experiment = experiment
        rows = finished
    }

    // MARK: CSV

    /// One row a run: its cell of the grid, and its figures.
    var runs: String {
        let header = placeHeader + RunFigures.header(targets: experiment.targets)
        return csv([header] + rows.map { place(of: $0.run) + $0.figures.columns(targets: experiment.targets) })
    }

    /// One row a version: its run's cell of the grid, its flush, and its evaluation if there is one.
    /// - Parameter folder: of a run by its name.
    func versions(_ folder: (String) -> RunFolder) -> String {
        let splits = ["validation", "test"].flatMap { split in
            ["accuracy", "balanced_accuracy", "loss", "masked_accuracy"].map { "\(split)_\($0)" }
        }
        let columns = RunHistory.VersionRow.header.split(separator: ",").map(String.init)
        var lines = [placeHeader + columns + splits]
        for (run, figures) in rows {
            let folder = folder(run.name)
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
                lines.append(place(of: run) + flush + evaluated)
            }
        }
        return csv(lines)
    }

    private var placeHeader: [String] {
        var header = experiment.axes.map(\.name)
        header.append("seed")
        if let tuning = experiment.tuning { header.append(tuning.key) }
        header.append("run")
        return header
    }

    private func place(of run: PlannedRun) -> [String] {
        var place = experiment.names(of: run.cell)
        place.append("\(run.seed)")
        if experiment.tuning != nil { place.append(run.tuned ?? "") }
        place.append(run.name)
        return place
    }

    private func csv(_ rows: [[String]]) -> String { rows.map(CSV.row).joined(separator: "\n") + "\n" }

    // MARK: Summary

    var summary: ExperimentSummary {
        let words =
            "\(rows.count) of \(experiment.cells.count * experiment.seeds.count) runs, seeds "
            + experiment.seeds.map { "\($0)" }.joined(separator: ", ")
            + ". Mean ± standard deviation over seeds. Every row of runs.csv is one run."
        return ExperimentSummary(
            name: experiment.name, words: words, runs: rows.map(\.run.name), tables: [overview, details] + comparisons)
    }

    var terminalLines: [String] { ([overview] + comparisons).flatMap(\.plain) }

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
        var header = experiment.axes.map(\.name)
        header += ["runs", "last", "chosen", "least test loss", "balanced, chosen"]
        if isMasked { header.append("masked, chosen") }
        header += experiment.targets.map { "seconds to \(decimal($0 * 100, 0)) %" }
        header += ["seconds", "updates", "versions", "pool", "staleness", "MB up", "MB down", "processor s"]
        let masked = isMasked ? " Masked: among the classes of the image's own source." : ""
        var table = FigureTable(
            title: "All figures",
            note: """
                Accuracies on the test split, %: after the last version, of the version chosen on validation, and of the \
                version with the least test loss, which the PFPT paper reports and which chooses by test images.\(masked) \
                Time and bytes are virtual, processor seconds real.
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

    /// Pairs of runs with the same seed, data and other points.
    private var comparisons: [FigureTable] {
        experiment.comparisons.map { comparison in
            let axis = experiment.axes[comparison.axis]
            let first = axis.points[comparison.first].name
            let others = experiment.axes.enumerated().filter { $0.offset != comparison.axis }.map(\.element.name)
            var header = [axis.name]
            header += others
            header += ["pairs", "chosen", "error", "p", "better", "worse", "last", "error", "p"]
            var table = FigureTable(
                title: "\(first) against others, points of test accuracy",
                note: """
                    Differences of runs with the same seed, \(first) less the other, and a paired t-test over seeds: mean, \
                    its standard error, the two-sided p, and in how many pairs \(first) is better and worse.
                    """,
                header: header)
            for other in comparison.others {
                for cell in experiment.cells where cell.points[comparison.axis] == comparison.first {
                    if let row = self.row(cell, comparison.axis, against: other) { table.rows.append(row) }
                }
            }
            return table
        }
    }

    private func row(_ cell: Experiment.Cell, _ axis: Int, against other: Int) -> [String]? {
        var opponent = cell
        opponent.points[axis] = other
        let pairs = experiment.seeds.compactMap { seed -> (RunFigures, RunFigures)? in
            guard let one = rows.first(where: { $0.run.cell == cell && $0.run.seed == seed }),
                let two = rows.first(where: { $0.run.cell == opponent && $0.run.seed == seed })
            else { return nil }
            return (one.figures, two.figures)
        }
        guard !pairs.isEmpty else { return nil }
        func test(_ accuracy: (RunFigures) -> Double) -> PairedTest {
            PairedTest(pairs.map { 100 * (accuracy($0) - accuracy($1)) })
        }
        let chosen = test { $0.test[$0.chosen].accuracy }
        let last = test { $0.test.last?.accuracy ?? 0 }
        func words(_ test: PairedTest) -> [String] {
            [decimal(test.differences.mean, 2), known(test.standardError, 2), known(test.pValue, 3)]
        }
        let places = experiment.names(of: cell).enumerated().filter { $0.offset != axis }.map(\.element)
        var row = [experiment.axes[axis].points[other].name]
        row += places
        row.append("\(pairs.count)")
        row += words(chosen)
        row += ["\(chosen.wins)", "\(chosen.losses)"]
        row += words(last)
        return row
    }
}

private func known(_ value: Double, _ digits: Int) -> String { value.isNaN ? "-" : decimal(value, digits) }
