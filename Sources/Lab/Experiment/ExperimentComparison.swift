import RunLog
import Text

/// Methods, or other points of an axis, compared pair by pair: runs with the same seed, data and other points.
struct ExperimentComparison {
    let experiment: Experiment
    let comparison: Experiment.Comparison
    /// Of a finished run; nil for one that is not.
    let figures: (Experiment.Cell, UInt64) -> RunFigures?

    /// A difference in points of test accuracy, the first run less the other.
    private static let measures: [(title: String, difference: @Sendable (RunFigures, RunFigures) -> Double)] = [
        ("chosen", { 100 * ($0.test[$0.chosen].accuracy - $1.test[$1.chosen].accuracy) }),
        ("last", { 100 * (($0.test.last?.accuracy ?? 0) - ($1.test.last?.accuracy ?? 0)) }),
        (
            "same time",
            { one, two in
                let end = min(one.seconds, two.seconds)
                return 100 * (one.test(by: end).accuracy - two.test(by: end).accuracy)
            }
        ),
    ]

    private struct Row {
        let places: [String]
        /// A test for each of `measures`.
        let tests: [PairedTest]
    }

    /// A row for each other point and each combination of the other axes' points; where there are several of these, also one
    /// for their mean.
    var table: FigureTable {
        let axis = experiment.axes[comparison.axis]
        let first = axis.points[comparison.first].name
        let others = experiment.axes.indices.filter { $0 != comparison.axis }
        var table = FigureTable(
            title: "\(first) against others, points of test accuracy",
            note: """
                Each pair is two runs of one seed: \(first) minus the other. Mean, standard error, two-sided p of a paired \
                t-test over seeds, and p by Holm over the rows\(others.isEmpty ? "" : " (rows of means by themselves)"). Chosen: \
                the versions chosen on validation. Last: the last versions. Same time: the last versions that were evaluated \
                before the earlier of both runs ended.
                """,
            header: [axis.name] + others.map { experiment.axes[$0].name } + ["pairs"]
                + Self.measures.flatMap { [$0.title, "error", "p", "Holm"] })
        let cells = experiment.cells.filter { $0.points[comparison.axis] == comparison.first }
        let places = comparison.others.flatMap { other in cells.compactMap { row([$0], against: other) } }
        let means = cells.count < 2 ? [] : comparison.others.compactMap { row(cells, against: $0) }
        table.rows = words(places) + words(means)
        return table
    }

    /// - Parameter cells: whose differences are averaged for each seed that has all of them.
    private func row(_ cells: [Experiment.Cell], against other: Int) -> Row? {
        let pairs = experiment.seeds.compactMap { seed -> [(RunFigures, RunFigures)]? in
            let known = cells.compactMap { cell -> (RunFigures, RunFigures)? in
                var opponent = cell
                opponent.points[comparison.axis] = other
                guard let one = figures(cell, seed), let two = figures(opponent, seed) else { return nil }
                return (one, two)
            }
            return known.count == cells.count ? known : nil
        }
        guard !pairs.isEmpty else { return nil }
        let names = experiment.names(of: cells[0]).enumerated().filter { $0.offset != comparison.axis }.map(\.element)
        return Row(
            places: [experiment.axes[comparison.axis].points[other].name]
                + (cells.count == 1 ? names : names.map { _ in "mean" }),
            tests: Self.measures.map { measure in
                PairedTest(pairs.map { Spread($0.map(measure.difference)).mean })
            })
    }

    private func words(_ rows: [Row]) -> [[String]] {
        let corrected = Self.measures.indices.map { measure in holm(rows.map { $0.tests[measure].pValue }) }
        return rows.enumerated().map { place, row in
            row.places + ["\(row.tests[0].differences.count)"]
                + row.tests.enumerated().flatMap { measure, test in
                    [
                        decimal(test.differences.mean, 2), known(test.standardError, 2), known(test.pValue, 3),
                        known(corrected[measure][place], 3),
                    ]
                }
        }
    }
}

private func known(_ value: Double, _ digits: Int) -> String { value.isNaN ? "-" : decimal(value, digits) }
