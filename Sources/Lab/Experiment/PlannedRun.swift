import Federation
import FederationRun
import Foundation
import PromptAggregation
import RunLog
import RunSettings

/// One run of an experiment.
struct PlannedRun: Sendable {
    var cell: Experiment.Cell
    var seed: UInt64
    /// The value of the tuned key, nil where nothing is tuned.
    var tuned: String?
    /// Whether it only serves the choice of the tuned value.
    var isTuning: Bool
    /// Of its folder, unless a finished run of other settings has it (`ExperimentFolder.folder`).
    var name: String
    /// With the encoder's digest.
    var configuration: RunConfiguration
    var digest: String
    var description: RunFigures.Cell

    /// - Throws: `ConfigurationError`, or what is wrong with the encoder.
    init(
        _ experiment: Experiment, _ cell: Experiment.Cell, seed: UInt64, tuned: String?, isTuning: Bool,
        store: MaterialStore
    ) throws {
        self.cell = cell
        self.seed = seed
        self.tuned = tuned
        self.isTuning = isTuning
        let parts = experiment.names(of: cell) + (isTuning ? ["tune-\(tuned ?? "")"] : [])
        name = (parts + ["seed\(seed)"]).joined(separator: "_").replacing("/", with: "-")
        configuration = try experiment.configuration(of: cell, seed: seed, tuned: tuned)
        try configuration.fixEncoder(digest: store.encoderDigest(of: configuration))
        digest = RunFigures.digest(of: configuration)
        let points = zip(experiment.axes, experiment.names(of: cell)).map {
            RunFigures.Cell.Point(axis: $0.name, point: $1)
        }
        description = RunFigures.Cell(
            points: points, seed: seed, tuned: tuned, isTuning: isTuning,
            settings: RunFigures.digest(
                of: try configuration.with("run.seed", value: "0").with("data.seed", value: "0")))
    }

    /// Runs it in an empty folder.
    /// - Parameter threads: of the tuning; with one alone the processor time is that of the calling thread.
    /// - Throws: `CancellationError` when it was asked to stop; what is wrong with data, log or tuning.
    func simulate(
        in folder: RunFolder, materials: RunMaterials, threads: Int, shouldStop: () -> Bool
    ) throws -> RunFigures {
        try folder.clear()
        let clock = threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_PROCESS_CPUTIME_ID
        let (start, processor) = (ContinuousClock.now, processorSeconds(clock))
        var simulation = try Simulation(
            configuration: configuration, folder: folder, threads: threads, materials: materials
        ) { _, _ in }
        let last = try simulation.run(shouldStop: shouldStop)
        let history = simulation.history
        let figures = RunFigures(
            configuration: digest, cell: description, build: buildVersion, validation: history.evaluations,
            test: simulation.testEvaluations, clientAccuracies: simulation.clientAccuracies, versions: last.version,
            updates: history.updates, seconds: history.evaluations.last?.seconds ?? 0,
            pool: last.state.promptIDs.count, meanStaleness: history.meanStaleness, bytesUp: simulation.bytesUp,
            bytesDown: simulation.bytesDown, wallSeconds: (ContinuousClock.now - start) / .seconds(1),
            processorSeconds: processorSeconds(clock) - processor)
        guard figures.isComplete else {
            throw ConfigurationError("\(name): expected as many evaluations of the test as of the validation split")
        }
        try figures.write(to: folder)
        return figures
    }
}

private func processorSeconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

extension RunHistory {
    /// Over all used updates.
    package var meanStaleness: Double {
        let used = stalenessCounts.reduce(0, +)
        let sum = stalenessCounts.enumerated().reduce(0) { $0 + $1.offset * $1.element }
        return used == 0 ? 0 : Double(sum) / Double(used)
    }
}

extension RunFolder {
    /// Leaves the folder without files.
    fileprivate func clear() throws {
        do {
            if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
        } catch {
            throw RunFolderError("\(path): cannot remove what an interrupted run left: \(error.localizedDescription)")
        }
        try create()
    }
}
