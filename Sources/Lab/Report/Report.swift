import Charts
import FederationRun
import Foundation
import PromptAggregation
import PromptWire
import RunLog
import RunSettings
import Text

/// A report of runs, side by side and each by itself: one page that needs nothing else, and tables as Markdown.
///
/// The same runs and options give the same bytes.
public struct Report {
    private let document: ReportDocument

    public var html: String { document.html }
    public var markdown: String { document.markdown }

    /// Reads run folders, logs, or folders with run folders in them, such as an experiment's.
    ///
    /// The logs of runs that are named are replayed. Of the runs in a folder one of each method is; for the others the
    /// tables in their folders are taken.
    ///
    /// - Parameters:
    ///   - targets: validation accuracies from 0 to 1; the table says when each was reached. Empty for the highest
    ///     multiple of 5 % that every run reaches.
    ///   - version: whose matches are drawn; nil for each run's last with any.
    /// - Throws: `ReportError`, `LogError`, `ReplayError`, or `ConfigurationError`.
    public init(paths: [String], targets: [Double] = [], version: Int? = nil) throws {
        let inputs = try paths.map { (path: $0, experiment: try ExperimentSummary.read(in: $0)) }
        let runs = try inputs.flatMap { try Self.runs(at: $0.path, $0.experiment, version: version) }
        guard !runs.isEmpty else { throw ReportError("nothing to report: expected run folders") }
        document = Self.document(of: runs, inputs.compactMap(\.experiment?.section), targets: targets.sorted())
    }

    // MARK: Reading

    /// - Parameter experiment: the one whose folder it is, if it is one's.
    private static func runs(
        at path: String, _ experiment: ExperimentSummary?, version: Version?
    ) throws -> [ReportedRun] {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw ReportError("\(path): not found; expected a run folder, its log, or a folder of run folders")
        }
        if !isDirectory.boolValue || RunFolder(path: path).hasLog {
            return [try ReportedRun(replaying: path, version: version)]
        }
        let folders = runFolders(below: path).filter { folder in
            experiment?.runs.contains(URL(fileURLWithPath: folder).lastPathComponent) ?? true
        }
        guard !folders.isEmpty else {
            throw ReportError("\(path): expected a run's log in it or in a folder below it, found none")
        }
        let tables = try folders.map { try ReportedRun(tablesOf: RunFolder(path: $0)) }
        let shown = Set(ReportedTask.tasks(of: tables).flatMap(\.methods).map { $0.runs[0].folder })
        return try tables.map { run in
            try shown.contains(run.folder) ? ReportedRun(replaying: run.folder, version: nil) : run
        }
    }

    /// Folders that hold a log, ascending.
    private static func runFolders(below path: String) -> [String] {
        let found = FileManager.default.subpaths(atPath: path) ?? []
        return found.map { path + "/" + $0 }.filter { RunFolder(path: $0).hasLog }.sorted()
    }

    // MARK: Writing

    private static func document(
        of runs: [ReportedRun], _ experiments: [ReportDocument.Section], targets: [Double]
    ) -> ReportDocument {
        let tasks = ReportedTask.tasks(of: runs)
        var partitions = PartitionCounts()
        var sections = experiments + tasks.map { section(of: $0, isOnly: runs.count == 1, targets: targets) }
        for task in tasks {
            for method in task.methods {
                guard let run = method.runs.first(where: { $0.logged != nil }), let logged = run.logged else {
                    continue
                }
                sections.append(
                    section(of: run, logged, method: method.label, isOnly: runs.count == 1, &partitions))
            }
        }
        sections.append(
            ReportDocument.Section(
                title: "The runs",
                words: [
                    "Digests equal: the log was run through the aggregator again, and so many published versions came"
                        + " out with the digest that was recorded."
                ],
                tables: [.init(title: "Facts", table: RunTables.facts(tasks))],
                folded: tasks.flatMap(\.methods).map { method in
                    ("Configuration of \(method.runs[0].name)", method.runs[0].configuration.yaml)
                }))
        let title =
            runs.count == 1 ? "Run \(runs[0].name)" : "\(runs.count) runs of \(tasks.flatMap(\.methods).count) methods"
        return ReportDocument(
            title: title, words: "Made by impromptu \(buildVersion) from the runs' logs and tables.", sections: sections
        )
    }

    private static func section(
        of task: ReportedTask, isOnly: Bool, targets: [Double]
    ) -> ReportDocument.Section {
        let runs = task.methods.flatMap(\.runs)
        // Not known if only the data set's files name its classes and they are not on this machine.
        let classes = try? runs[0].configuration.data.classNames.count
        let chance = classes.map { 1 / Double(max($0, 1)) }
        let curves = CurveCharts(
            methods: task.methods.map { .init(label: $0.label, runs: $0.runs.map(\.curves)) }, chance: chance)
        let hasBands = task.methods.contains { $0.runs.count > 1 }
        let caption =
            hasBands ? "Mean and standard deviation over the seeds, up to where the method's shortest run ends." : nil
        return ReportDocument.Section(
            title: isOnly ? "\(task.methods[0].label) on \(task.label)" : "Methods on \(task.label)",
            words: isOnly
                ? []
                : [
                    "Accuracies are those on the validation samples; the table has them at the end of each run"
                        + (hasBands ? ", mean ± standard deviation over the seeds." : ".")
                ],
            facts: isOnly ? runs[0].facts : [],
            figures: [curves.accuracyByUpdates, curves.accuracyByTheClock, curves.pool, curves.loss].map {
                .init(chart: $0, caption: caption)
            },
            tables: [
                .init(
                    title: isOnly ? "Figures" : "Methods",
                    table: MethodTable(task: task, chance: chance, targets: targets).table)
            ])
    }

    private static func section(
        of run: ReportedRun, _ logged: LoggedRun, method: String, isOnly: Bool, _ partitions: inout PartitionCounts
    ) -> ReportDocument.Section {
        let partition = partitions.allotment(of: run.configuration)
        let figures = RunCharts(logged: logged, partition: try? partition.get())
        var words: [String] = []
        if case .failure(let error) = partition, run.configuration.data.isDivided {
            words.append("What each client has is not drawn: \(error)")
        }
        if let beginning = logged.inspection.beginning {
            words.append("The log \(beginning.words). The figures cover what is left.")
        }
        if logged.matches.version == nil {
            words.append("The strategy \(run.configuration.strategy.name) matches no prompts.")
        }
        var tables = [
            ReportDocument.Table(
                title: "Clients", table: RunTables.clients(logged, names: figures.clients))
        ]
        if let table = RunTables.clientEvaluations(logged) {
            tables.append(.init(title: "Accuracy by client, on what each holds out", table: table))
        }
        if let table = RunTables.stalest(logged) { tables.append(.init(title: "The stalest updates", table: table)) }
        return ReportDocument.Section(
            title: isOnly ? "The run in detail" : "\(method): \(run.name)", words: words,
            figures: figures.charts.map { .init(chart: $0, caption: $0.summary) }, tables: tables)
    }
}

extension ReportedRun {
    /// The run at a glance.
    fileprivate var facts: [(name: String, value: String)] {
        var facts: [(name: String, value: String)] = []
        if let last = evaluations.last {
            facts.append(("validation accuracy", percent(last.accuracy)))
        }
        if let start = logged?.inspection.startedFrom {
            facts.append(("started from", "version \(start.version) of \(start.run)"))
        }
        if let last = logged?.history.federatedEvaluations.last {
            facts.append(("accuracy at \(last.clients) clients, version \(last.version)", percent(last.accuracy)))
        }
        facts.append(("updates used", "\(updates)"))
        if let logged, updates > 0 {
            facts.append(("late", decimal(100 * Double(logged.history.lateUpdates) / Double(updates), 1) + " %"))
            facts.append(("clients", "\(logged.inspection.clients.count)"))
        }
        facts.append(("versions", "\(versions.count)"))
        if let first = versions.first, let last = versions.last {
            facts.append(
                ("prompts, start and end", "\(first.pool - first.births + first.deaths) and \(last.pool)"))
        }
        let unit = ClockUnit(upTo: seconds)
        facts.append((unit.name, decimal(seconds / unit.seconds, 1)))
        if let logged {
            facts.append(("MB from clients", decimal(Double(logged.receivedBytes) / 1e6, 2)))
            facts.append(("MB of versions", decimal(Double(logged.publishedBytes) / 1e6, 2)))
            facts.append(("digests equal", logged.verdict))
        }
        return facts
    }
}

/// What each client has, worked out once for runs with the same data.
private struct PartitionCounts {
    private var known: [RunConfiguration.DataSource: Result<Allotment, any Error>] = [:]

    /// Fails where the data set is not on this machine, among others.
    mutating func allotment(of configuration: RunConfiguration) -> Result<Allotment, any Error> {
        let allotment = known[configuration.data] ?? Result { try Allotment(of: configuration) }
        known[configuration.data] = allotment
        return allotment
    }
}
