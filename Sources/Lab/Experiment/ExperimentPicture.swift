import Charts

/// The first axis's points side by side in one SVG: their test accuracy by updates and by the clock, mean and standard
/// deviation over seeds, a row for each combination of the other axes' points.
struct ExperimentPicture {
    let experiment: Experiment
    /// Of the finished runs of a cell.
    let figures: (Experiment.Cell) -> [RunFigures]

    var svg: String {
        var places: [[Int]] = []
        for cell in experiment.cells where !places.contains(Array(cell.points.dropFirst())) {
            places.append(Array(cell.points.dropFirst()))
        }
        let charts = places.flatMap { place in
            let curves = CurveCharts(methods: methods(at: place), chance: nil, split: "test")
            let name = zip(experiment.axes.dropFirst(), place).map { $0.points[$1].name }.joined(separator: ", ")
            return [curves.accuracyByUpdates, curves.accuracyByTheClock].map { chart in
                var named = chart
                if !name.isEmpty { named.title = "\(name): \(chart.title)" }
                return named
            }
        }
        return RunReport.picture(heading: experiment.name, charts: charts)
    }

    private func methods(at place: [Int]) -> [CurveCharts.Method] {
        experiment.axes[0].points.enumerated().compactMap { point, method in
            let runs = figures(Experiment.Cell(points: [point] + place))
            guard !runs.isEmpty else { return nil }
            return CurveCharts.Method(
                label: method.name, runs: runs.map { RunCurves(versions: [], evaluations: $0.test) })
        }
    }
}
