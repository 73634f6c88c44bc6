import FederationRun
import Foundation
import PromptAggregation
import RunLog
import RunSettings
import Synchronization

/// Runs an experiment: a finished run is not run again, several runs run side by side, and the tables are written as
/// runs end.
public final class ExperimentRunner: Sendable {
    /// How far it is.
    public struct Progress: Sendable {
        public var done: Int
        public var total: Int
        /// The run that has just ended, with its test accuracy after the last version.
        public var name: String
        public var accuracy: Double
        /// Estimated from the runs of this process; nil before the first.
        public var remaining: Duration?
    }

    /// A run that could not be finished.
    public struct Failure: Sendable {
        public var run: String
        public var reason: String
    }

    public struct Outcome: Sendable {
        /// Reported runs whose figures are in the tables, and all that the experiment has.
        public var reported: Int
        public var expected: Int
        /// Runs of other settings, which the tables keep.
        public var earlier: Int
        /// Runs that this process made, tuning included, and those that it found finished.
        public var made: Int
        public var found: Int
        public var failures: [Failure]
        public var wasStopped: Bool
        /// What summary.md says, for a terminal.
        public var lines: [String]
    }

    private let experiment: Experiment
    private let folder: ExperimentFolder
    private let jobs: Int
    private let threads: Int
    private let only: Experiment.Selection
    private let store: MaterialStore
    private let stopped = Atomic(false)
    private let progress: @Sendable (Progress) -> Void

    /// - Parameters:
    ///   - jobs: runs at a time.
    ///   - threads: of each run's tuning; they change no bit of the outcome.
    ///   - only: the cells whose runs are made; the tables show whatever is finished.
    ///   - progress: called from any thread, one call at a time.
    /// - Throws: `RunFolderError`, also when another process works in the folder.
    public init(
        _ experiment: Experiment, folder path: String, jobs: Int, threads: Int,
        only: Experiment.Selection = Experiment.Selection(), progress: @escaping @Sendable (Progress) -> Void
    ) throws {
        self.experiment = experiment
        self.jobs = max(1, jobs)
        self.threads = max(1, threads)
        self.only = only
        self.progress = progress
        folder = try ExperimentFolder(path: path)
        store = MaterialStore(capacity: self.jobs + 1)
    }

    /// Lets the runs in progress go, and begins no other. What they had done is lost, what was finished is kept.
    public func stop() { stopped.store(true, ordering: .relaxed) }

    /// Makes all runs that are missing, then the tables.
    /// - Throws: `ConfigurationError`, or what is wrong with encoder or folder. A run that fails is in the outcome.
    public func run() async throws -> Outcome {
        var ledger = Ledger()
        let wanted = experiment.cells.filter { only.contains($0) }
        let tuning = try tuningRuns(for: wanted)
        let expected = wanted.count * experiment.seeds.count
        try await make(tuning, of: tuning.count + expected, &ledger) {}
        let reported = try reportedRuns(choices(failed: ledger.failures.map(\.run)))
        var tables = try writeTables(reported)
        var written = ContinuousClock.now
        try await make(reported.filter { only.contains($0.cell) }, of: tuning.count + expected, &ledger) {
            guard ContinuousClock.now - written > Self.tableInterval else { return }
            tables = try writeTables(reported)
            written = .now
        }
        tables = try writeTables(reported)
        return Outcome(
            reported: tables.rows.count, expected: experiment.cells.count * experiment.seeds.count,
            earlier: tables.earlier.count, made: ledger.made, found: ledger.found, failures: ledger.failures,
            wasStopped: isStopped, lines: tables.terminalLines)
    }

    /// The tables are written at most this often while runs come in.
    private static let tableInterval: Duration = .seconds(20)

    private var isStopped: Bool { stopped.load(ordering: .relaxed) }

    /// Removes every run that the file does not describe, and writes the tables without them.
    /// - Returns: the names of the removed runs.
    /// - Throws: as `run`.
    public func prune() throws -> [String] {
        var kept: Set<String> = []
        for value in experiment.tuning?.values.map(Optional.some) ?? [nil] {
            for cell in experiment.cells {
                for seed in experiment.seeds {
                    let run = try PlannedRun(experiment, cell, seed: seed, tuned: value, isTuning: false, store: store)
                    kept.insert(run.digest)
                }
            }
        }
        for run in try tuningRuns(for: experiment.cells) { kept.insert(run.digest) }
        let removed = try folder.prune(keeping: kept)
        _ = try writeTables(reportedRuns(choices(failed: [])))
        return removed
    }

    // MARK: What is to be run

    private func tuningRuns(for cells: [Experiment.Cell]) throws -> [PlannedRun] {
        guard let tuning = experiment.tuning else { return [] }
        var places: [Experiment.Cell] = []
        for place in cells.map(experiment.tuningCell(of:)) where !places.contains(place) { places.append(place) }
        return try tuning.seeds.flatMap { seed in
            try inOrder(
                places.flatMap { cell in
                    try tuning.values.map { value in
                        try PlannedRun(experiment, cell, seed: seed, tuned: value, isTuning: true, store: store)
                    }
                })
        }
    }

    /// Of the cells whose tuned value is known.
    private func reportedRuns(_ choices: [Experiment.Cell: String]) throws -> [PlannedRun] {
        try experiment.seeds.flatMap { seed in
            try inOrder(
                experiment.cells.compactMap { cell in
                    let tuned = choices[experiment.tuningCell(of: cell)]
                    guard experiment.tuning == nil || tuned != nil else { return nil }
                    return try PlannedRun(experiment, cell, seed: seed, tuned: tuned, isTuning: false, store: store)
                })
        }
    }

    /// Runs with the same data one after the other, so that it is loaded once.
    private func inOrder(_ runs: [PlannedRun]) -> [PlannedRun] {
        var places: [RunConfiguration.DataSource: Int] = [:]
        for run in runs where places[run.configuration.data] == nil { places[run.configuration.data] = places.count }
        return runs.enumerated().sorted {
            (places[$0.element.configuration.data]!, $0.offset) < (places[$1.element.configuration.data]!, $1.offset)
        }.map(\.element)
    }

    /// The tuned value of every cell at which it is chosen and all runs for the choice were made.
    /// - Parameter failed: runs that cannot be finished; their value is not to be chosen.
    private func choices(failed: [String]) throws -> [Experiment.Cell: String] {
        var choices: [Experiment.Cell: String] = [:]
        for cell in experiment.cells.map(experiment.tuningCell(of:)) where choices[cell] == nil {
            choices[cell] = try choice(at: cell, failed: failed)
        }
        return choices
    }

    /// The value with the best mean validation accuracy at the end, among equals the first.
    private func choice(at cell: Experiment.Cell, failed: [String]) throws -> String? {
        guard let tuning = experiment.tuning else { return nil }
        var best: (value: String, accuracy: Double)?
        for value in tuning.values {
            var accuracy = 0.0
            for seed in tuning.seeds {
                let run = try PlannedRun(experiment, cell, seed: seed, tuned: value, isTuning: true, store: store)
                if failed.contains(run.name) {
                    accuracy = -.infinity
                } else if let figures = folder.finished(run)?.figures {
                    accuracy += figures.validation.last?.accuracy ?? 0
                } else {
                    return nil
                }
            }
            if accuracy > best?.accuracy ?? -.infinity { best = (value, accuracy) }
        }
        return best?.value
    }

    // MARK: Running

    private struct Ledger {
        var made = 0
        var found = 0
        var failures: [Failure] = []
        var runTime: Duration = .zero
        var done: Int { made + found + failures.count }
    }

    private enum Ending: Sendable {
        case made(RunFigures, Duration)
        case failed(Failure)
        case stopped
    }

    /// - Parameter afterEach: called after each run that was made.
    private func make(
        _ runs: [PlannedRun], of total: Int, _ ledger: inout Ledger, afterEach: () throws -> Void
    ) async throws {
        let missing = runs.filter { folder.finished($0) == nil }
        ledger.found += runs.count - missing.count
        var rest = missing.makeIterator()
        try await withThrowingTaskGroup(of: (PlannedRun, Ending).self) { group in
            for _ in 0..<jobs {
                if !isStopped, let run = rest.next() { group.addTask { (run, self.make(run)) } }
            }
            for try await (run, ending) in group {
                switch ending {
                case .made(let figures, let time):
                    ledger.made += 1
                    ledger.runTime += time
                    let left = total - ledger.done
                    progress(
                        Progress(
                            done: ledger.done, total: total, name: run.name, accuracy: figures.test.last?.accuracy ?? 0,
                            remaining: ledger.runTime * left / (ledger.made * jobs)))
                    try afterEach()
                case .failed(let failure): ledger.failures.append(failure)
                case .stopped: break
                }
                if !isStopped, let run = rest.next() { group.addTask { (run, self.make(run)) } }
            }
        }
    }

    private func make(_ run: PlannedRun) -> Ending {
        let start = ContinuousClock.now
        do {
            let place = folder.folder(for: run)
            let figures = try run.simulate(
                in: place, materials: store.materials(of: run.configuration), threads: threads
            ) { self.isStopped }
            folder.note(figures, in: place)
            return .made(figures, ContinuousClock.now - start)
        } catch is CancellationError {
            return .stopped
        } catch {
            return .failed(Failure(run: run.name, reason: "\(error)"))
        }
    }

    // MARK: The tables

    private func writeTables(_ runs: [PlannedRun]) throws -> ExperimentTables {
        let finished = runs.compactMap { run in
            folder.finished(run).map { ExperimentTables.Finished(run: run, name: $0.name, figures: $0.figures) }
        }
        let current = Set(runs.map(\.digest))
        let earlier = folder.allFinished.compactMap { found -> EarlierRun? in
            guard !current.contains(found.figures.configuration) else { return nil }
            return EarlierRun(name: found.name, figures: found.figures)
        }
        let tables = ExperimentTables(experiment, finished, earlier: EarlierRuns(earlier, beside: runs, in: folder))
        try folder.write(tables.runs, to: folder.runs)
        try folder.write(tables.versions { folder.run($0) }, to: folder.versions)
        let summary = tables.summary
        try folder.write(summary.markdown, to: folder.summary)
        try folder.write(summary.json, to: folder.summaryData)
        try folder.write(tables.picture, to: folder.picture)
        return tables
    }
}
