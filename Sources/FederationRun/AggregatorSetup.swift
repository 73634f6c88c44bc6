import Datasets
import Federation
import Foundation
import PromptAggregation
import PromptTuning
import PromptWire
import RunLog
import RunSettings

/// What an aggregator starts from: a new run's initial state, or the state that the log of an interrupted run gives.
package struct AggregatorSetup {
    package let configuration: RunConfiguration
    package let folder: RunFolder
    package let encoder: FrozenEncoder
    /// The run, and which start of its aggregator this is.
    package let origin: Origin
    package let aggregator: Aggregator
    package let log: RunLogWriter
    /// The settings that were changed since the run began.
    package let changes: [SettingChanged]
    package let history: RunHistory
    package let lastTime: Timestamp
    /// nil for a new run.
    package let recovery: RunRecovery?
    package var isRecovered: Bool { recovery != nil }
    /// The model that the run tunes; the run folder holds it too.
    package let model: ModelDescription
    package var classes: Int { model.classes.count }
    /// The run's data, nil where the aggregator needs none: without evaluation and whitening it holds no image.
    package let data: FederatedData?

    /// - Parameters:
    ///   - run: the number of a new run, unique among all runs.
    ///   - start: the time of a new run's first record.
    ///   - takesUpFinished: whether to resume a run that has ended and was closed in order.
    ///   - acceptsFork: as for `RunRecovery`.
    ///   - materials: encoder and images where they are loaded already.
    ///   - earlier: what a new run begins with; nil for values of its own.
    package init(
        configuration given: RunConfiguration, folder: RunFolder, run: UInt64, startingAt start: Timestamp,
        takesUpFinished: Bool, acceptsFork: Bool = false, materials: RunMaterials? = nil,
        earlier: EarlierPrompts? = nil
    ) throws {
        var configuration = given
        // The log is read from other working folders too, where the same words may name other data and weights.
        for (key, path) in [("data.path", given.data.path), ("encoder.path", given.encoder.path)]
        where !path.isEmpty && !path.hasPrefix("/") {
            configuration = try configuration.with(key, value: URL(fileURLWithPath: path).standardizedFileURL.path)
        }
        self.folder = folder
        encoder = try materials?.encoder ?? configuration.loadEncoder()
        try configuration.fixEncoder(
            digest: materials?.encoderDigest ?? "\(Digest(ofFiles: encoder.filePaths))")
        model = try ModelDescription(configuration, classes: configuration.data.classNames, encoder: encoder)
        configuration.federation.model = model.specification
        try folder.create()
        let needsData =
            materials == nil && configuration.data.isDivided
            && (configuration.evaluation.interval != nil || configuration.prompts.whitening && earlier == nil)
        data = needsData ? try FederatedData(configuration.data, encoder: encoder) : nil
        if try RunLogReader.holdsRun(in: folder) {
            let recovery = try RunRecovery(from: folder, acceptsFork: acceptsFork)
            try Self.check(recovery, against: configuration, model.specification, folder, earlier, takesUpFinished)
            self.recovery = recovery
            origin = Origin(run: recovery.header.run, epoch: recovery.epoch + 1)
            log = recovery.log
            changes = recovery.changes
            aggregator = recovery.aggregator
            history = recovery.history
            lastTime = recovery.lastTime
            for change in recovery.changes {
                configuration = try configuration.with(change.key, value: change.value)
            }
            configuration.federation.model = model.specification
            try folder.write(configuration.yaml, to: folder.configuration)
        } else {
            try RunTraces(in: folder).requireNone()
            recovery = nil
            changes = []
            origin = Origin(run: run, epoch: 1)
            let learner = try PromptLearner(encoder: encoder, threads: 1)
            var initial = try Self.initialState(of: configuration, learner: learner, classes: model.classes.count)
            if let earlier {
                initial = try earlier.state(insteadOf: initial, of: model)
            } else if configuration.prompts.whitening,
                let images = try materials?.data.validation ?? data.map({ try TuningDataset($0.validation) })
            {
                try learner.whiten(&initial, by: images, plan: configuration.federation.plan)
            }
            aggregator = try Aggregator(
                configuration: configuration.federation, run: run,
                strategy: try configuration.makeStrategy(initial: initial))
            lastTime = start
            try folder.write(configuration.yaml, to: folder.configuration)
            log = RunLogWriter(
                creating: folder,
                header: RunHeader(
                    configurationYAML: configuration.yaml, seed: configuration.federation.seed, program: .running,
                    run: run, initial: .init(version: 0, state: initial),
                    model: model.specification, warmStart: earlier?.warmStart), at: lastTime)
            history = RunHistory()
        }
        self.configuration = configuration
        try folder.write(json: model, to: folder.model)
    }

    /// What a run with a configuration starts from, before whitening.
    /// - Throws: `ConfigurationError`.
    package static func initialState(
        of configuration: RunConfiguration, learner: PromptLearner, classes: Int
    ) throws -> PromptState {
        let encoder = learner.encoder
        try configuration.prompts.check(against: encoder)
        return learner.initialState(
            pool: configuration.prompts.pool, promptDepth: configuration.prompts.depth,
            promptScale: configuration.prompts.initialScale, classes: classes,
            head: try configuration.head.design(for: encoder), keyProjection: configuration.prompts.keyProjection,
            seed: configuration.federation.seed)
    }

    /// What the run's prompts files say of themselves.
    package var label: PromptsLabel {
        PromptsLabel(model: model, folder: folder, runID: "\(log.run)")
    }

    private static func check(
        _ recovery: RunRecovery, against given: RunConfiguration, _ model: ModelSpecification, _ folder: RunFolder,
        _ earlier: EarlierPrompts?, _ takesUpFinished: Bool
    ) throws {
        let conflicts = try given.conflicts(with: recovery.header) { recovery.configuration }
        guard conflicts.isEmpty else {
            try recovery.leaveAsFound()
            throw ConfigurationError("\(folder.path): \(conflicts.words)")
        }
        do { try earlier?.requireBeginning(of: recovery.header) } catch {
            try recovery.leaveAsFound()
            throw error
        }
        do { try RunTraces(in: folder).requireNone(beyond: recovery) } catch {
            try recovery.leaveAsFound()
            throw error
        }
        if let difference = model.difference(from: recovery.header.model) {
            try recovery.leaveAsFound()
            throw ConfigurationError("\(folder.path): holds a run of another model: \(difference)")
        }
        guard takesUpFinished || !recovery.isOver else {
            try recovery.leaveAsFound()
            throw RunFolderError(
                "\(folder.path): the run has finished at version \(recovery.aggregator.version); 'impromptu extend' gives it a"
                    + " later end")
        }
    }

    /// What seems odd about the classes' names (`ClassList.doubt`).
    package var classDoubt: String? { ClassList.doubt(about: model.classes) }

    /// Names the run in its report.
    package var heading: String {
        let data = configuration.data
        return data.isDivided
            ? "\(configuration.strategy.name), \(data.dataset), \(data.clients) clients"
            : "\(configuration.strategy.name), clients' own data, \(classes) classes"
    }
}
