import Charts
import RunSettings

/// Runs of a report that differ in their seeds alone.
struct RunGroup {
    let label: String
    /// Ascending by name.
    let runs: [ReportedRun]
}

/// Runs on the same data, under the same delays: what methods may be compared on.
struct ReportedTask {
    let label: String
    /// Ascending by label.
    let methods: [RunGroup]

    /// Sorts runs by what they were asked to learn, and by how they went about it.
    static func tasks(of runs: [ReportedRun]) -> [ReportedTask] {
        groups(runs, by: \.isOfTask, name: \.taskName).map { task in
            ReportedTask(label: task.label, methods: groups(task.runs, by: \.isOfMethod, name: \.methodName))
        }
    }

    /// Puts together the runs whose settings of a kind are the same. Where two groups would have the same name, the
    /// settings that differ are added to it.
    private static func groups(
        _ runs: [ReportedRun], by isCounted: (RunSetting) -> Bool, name: (ReportedRun) -> String
    ) -> [RunGroup] {
        var sorted: [(settings: [RunSetting], runs: [ReportedRun])] = []
        for run in runs.sorted(by: { $0.name < $1.name }) {
            let settings = run.settings.filter(isCounted)
            if let place = sorted.firstIndex(where: { $0.settings == settings }) {
                sorted[place].runs.append(run)
            } else {
                sorted.append((settings, [run]))
            }
        }
        let names = sorted.map { name($0.runs[0]) }
        let groups = sorted.indices.map { place in
            let alike = sorted.indices.filter { names[$0] == names[place] }.map { sorted[$0].settings }
            let own = sorted[place].settings.filter { setting in !alike.allSatisfy { $0.contains(setting) } }
            return RunGroup(
                label: ([names[place]] + own.map(\.words)).joined(separator: ", "), runs: sorted[place].runs)
        }
        return groups.sorted { $0.label < $1.label }
    }
}

extension ReportedRun {
    fileprivate var taskName: String {
        let data = configuration.data
        guard data.isDivided else { return "clients' own data" }
        return data.partition == "dirichlet"
            ? "\(data.dataset), Dirichlet(\(Axis.label(data.alpha)))" : "\(data.dataset), \(data.partition)"
    }
    fileprivate var methodName: String {
        let mode = settings.first { $0.key == "federation.mode" }?.value ?? ""
        return "\(configuration.strategy.name), \(mode)"
    }
}

extension RunSetting {
    private static let ignored: Set<String> = [
        "run.seed", "run.snapshot_versions", "data.seed", "data.path", "encoder.path", "encoder.digest",
    ]
    /// The speed of simulated machines. A live run has its own, and may be compared with simulated ones.
    private static let speed = "simulation.image_seconds"
    /// Those that say what is to be learnt from what, and how long everything takes.
    fileprivate var isOfTask: Bool {
        !Self.ignored.contains(key) && key != Self.speed
            && (["data", "encoder", "simulation"].contains(section) || key.hasPrefix("worker.delay"))
    }
    fileprivate var isOfMethod: Bool {
        !Self.ignored.contains(key)
            && (["run", "federation", "strategy", "prompts", "head", "training", "privacy"].contains(section)
                || key == Self.speed)
    }
    private var section: String { key.split(separator: ".").first.map(String.init) ?? "" }
}
