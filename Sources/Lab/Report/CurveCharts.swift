import Charts
import RunLog
import Text

/// What a run's curves are drawn from.
struct RunCurves {
    var versions: [RunHistory.VersionRow]
    var evaluations: [RunHistory.EvaluationRow]
    /// What all clients together say of versions, on what they hold out.
    var federated: [RunHistory.FederatedEvaluation] = []

    var seconds: Double { max(versions.last?.seconds ?? 0, evaluations.last?.seconds ?? 0) }

    /// An evaluated version: updates used by then, when it was made or evaluated, its accuracy from 0 to 1.
    struct Accuracy {
        var updates: Int
        var seconds: Double
        var value: Double
    }

    /// On the validation images; of a run that evaluates none, on what the clients hold out.
    var accuracies: [Accuracy] {
        guard evaluations.isEmpty else {
            return evaluations.map { Accuracy(updates: $0.updates, seconds: $0.seconds, value: $0.accuracy) }
        }
        let updates = Dictionary(versions.map { ($0.version, $0.updates) }) { $1 }
        return federated.map {
            Accuracy(updates: updates[$0.version] ?? 0, seconds: $0.seconds, value: $0.accuracy)
        }
    }
}

/// The curves of methods, those of a method's runs as their mean with a band of a standard deviation on either side.
struct CurveCharts {
    struct Method {
        var label: String
        var runs: [RunCurves]
    }

    let methods: [Method]
    /// The accuracy of guessing, nil where it is not known.
    let chance: Double?
    /// The images that evaluations are on.
    var split = "validation"

    var accuracyByUpdates: Chart {
        accuracy("Accuracy by updates", xTitle: "updates used") { Double($0.updates) }
    }

    var accuracyByTheClock: Chart {
        let unit = ClockUnit(upTo: methods.flatMap(\.runs).map(\.seconds).max() ?? 0)
        return accuracy("Accuracy by the clock", xTitle: unit.name) { $0.seconds / unit.seconds }
    }

    var pool: Chart {
        lines("Prompts in the pool", xTitle: "version", yTitle: "prompts", words: ("versions", " prompts")) { run in
            run.versions.map { ChartPoint(x: Double($0.version), y: Double($0.pool)) }
        }
    }

    var loss: Chart {
        lines(
            "Training loss reported by the clients", xTitle: "version", yTitle: "mean loss", words: ("versions", "")
        ) { run in run.versions.compactMap { row in row.loss.map { ChartPoint(x: Double(row.version), y: $0) } } }
    }

    private func accuracy(
        _ title: String, xTitle: String, x: @escaping (RunCurves.Accuracy) -> Double
    ) -> Chart {
        let isFederated = methods.flatMap(\.runs).allSatisfy { $0.evaluations.isEmpty && !$0.federated.isEmpty }
        let yTitle = isFederated ? "accuracy at the clients, %" : "\(split) accuracy, %"
        var chart = lines(title, xTitle: xTitle, yTitle: yTitle, words: (xTitle, " %")) { run in
            run.accuracies.map { ChartPoint(x: x($0), y: $0.value * 100) }
        }
        if let chance { chart.marks.insert(ReferenceMarks(value: chance * 100, label: "chance"), at: 0) }
        return chart
    }

    private func lines(
        _ title: String, xTitle: String, yTitle: String, words: (x: String, y: String),
        of points: (RunCurves) -> [ChartPoint]
    ) -> Chart {
        let series = methods.enumerated().map { place, method in
            let curve = MeanCurve(method.runs.map(points))
            return LineMarks.Series(
                name: method.label, points: curve.points, deviations: curve.deviations, style: place)
        }
        let tops = series.flatMap { series in
            series.points.indices.map { series.points[$0].y + (series.deviations.isEmpty ? 0 : series.deviations[$0]) }
        }
        let ends = series.map { series in
            series.points.last.map { "\(series.name) ends at \(decimal($0.y, 1))\(words.y)" }
                ?? "\(series.name) has none"
        }
        return Chart(
            title: title, summary: "\(yTitle) against \(xTitle): \(ends.joined(separator: "; ")).",
            x: .upTo(series.flatMap { $0.points.map(\.x) }, title: xTitle), y: .fromZero(tops, title: yTitle),
            marks: [LineMarks(series: series, words: words)],
            keys: series.count < 2
                ? []
                : series.map { Chart.Key(symbol: .line, style: ChartStyle.series($0.style), text: $0.name) })
    }
}
