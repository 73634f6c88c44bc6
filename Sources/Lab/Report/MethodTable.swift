import Charts
import RunLog
import Text

/// Methods side by side on one task, a row each.
struct MethodTable {
    let task: ReportedTask
    /// Accuracies from 0 to 1; the table shows when each was first reached.
    let targets: [Double]

    /// - Parameters:
    ///   - chance: the accuracy of guessing, nil where it is not known.
    ///   - targets: ascending; empty for one that suits the runs.
    init(task: ReportedTask, chance: Double?, targets: [Double]) {
        self.task = task
        self.targets = targets.isEmpty ? Self.target(for: task, above: chance ?? 0).map { [$0] } ?? [] : targets
    }

    /// The highest multiple of 5 % that every run reaches, nil where none is above chance.
    private static func target(for task: ReportedTask, above chance: Double) -> Double? {
        let best = task.methods.flatMap(\.runs).map { run in run.curves.accuracies.map(\.value).max() ?? 0 }
        let steps = ((best.min() ?? 0) * 20 + 1e-9).rounded(.down)
        return steps / 20 > chance ? steps / 20 : nil
    }

    /// A row a method: the last accuracy, when the targets were reached, and what it cost.
    var table: TextTable {
        var table = TextTable(
            ["method", "runs", "accuracy, %", "balanced, %", "loss"]
                + targets.map { "seconds to \(Axis.label($0 * 100)) %" } + [
                    "updates", "versions", "seconds", "MB received",
                ]
        )
        for method in task.methods {
            let last = method.runs.compactMap(\.evaluations.last)
            table.add(
                [
                    method.label, "\(method.runs.count)",
                    Self.text(method.runs.compactMap { $0.curves.accuracies.last?.value }, 1, scale: 100),
                    Self.text(last.map(\.balancedAccuracy), 1, scale: 100), Self.text(last.map(\.loss), 3),
                ] + targets.map { reached($0, by: method) } + [
                    Self.text(method.runs.map { Double($0.updates) }, 0),
                    Self.text(method.runs.map { Double($0.versions.count) }, 0),
                    Self.text(method.runs.map(\.seconds), 1),
                    received(by: method),
                ])
        }
        return table
    }

    private func reached(_ target: Double, by method: RunGroup) -> String {
        let times = method.runs.compactMap { run in run.curves.accuracies.first { $0.value >= target - 1e-12 }?.seconds
        }
        guard times.count == method.runs.count else { return "reached by \(times.count) of \(method.runs.count)" }
        return Self.text(times, 1)
    }

    /// Of the runs whose logs were replayed.
    private func received(by method: RunGroup) -> String {
        let known = method.runs.compactMap { $0.logged.map { Double($0.receivedBytes) / 1e6 } }
        let part = known.count < method.runs.count ? " (\(known.count) of \(method.runs.count))" : ""
        return Self.text(known, 2) + part
    }

    private static func text(_ values: [Double], _ digits: Int, scale: Double = 1) -> String {
        Spread(values).text(digits, scale: scale)
    }
}
