import Federation
import Foundation
import PromptAggregation
import PromptTuning
import PromptWire
import RunLog
import RunSettings

/// What an aggregator starts from: a new run's initial state, or what the log of an interrupted one tells.
package struct AggregatorSetup {
    package let configuration: RunConfiguration
    package let folder: RunFolder
    package let encoder: FrozenEncoder
    package let incarnation: UInt64
    package let aggregator: Aggregator
    package let log: RunLogWriter
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
    ///   - incarnation: names this start of the aggregator.
    ///   - start: the time of a new run's first record.
    ///   - takesUpFinished: whether to take up a run that has ended and of which all has been told.
    ///   - materials: encoder and images where they are loaded already.
    package init(
        configuration given: RunConfiguration, folder: RunFolder, incarnation: UInt64, startingAt start: Timestamp,
        takesUpFinished: Bool, materials: RunMaterials? = nil
    ) throws {
        var configuration = given
        self.incarnation = incarnation
        self.folder = folder
        encoder = try materials?.encoder ?? configuration.loadEncoder()
        let encoderDigest = try materials?.encoderDigest ?? "\(Digest(ofFiles: encoder.weightsPaths))"
        try configuration.fixEncoder(digest: encoderDigest)
        model = try ModelDescription(
            configuration, classes: FederatedData.classNames(of: configuration.data), encoder: encoder,
            digest: encoderDigest)
        try folder.create()
        self.configuration = configuration
        let needsData =
            materials == nil && (configuration.evaluation.interval != nil || configuration.prompts.whitening)
        data = needsData ? try FederatedData(configuration.data, encoder: encoder) : nil
        if try RunLogReader.holdsRun(in: folder) {
            let recovery = try RunRecovery(from: folder)
            try Self.check(recovery, against: configuration, folder, takesUpFinished)
            self.recovery = recovery
            log = recovery.log
            aggregator = recovery.aggregator
            history = recovery.history
            lastTime = recovery.lastTime
        } else {
            recovery = nil
            let learner = try PromptLearner(encoder: encoder, threads: 1)
            guard configuration.prompts.depth <= encoder.depth else {
                throw ConfigurationError(
                    "prompts.depth: expected at most the encoder's \(encoder.depth) blocks, found"
                        + " \(configuration.prompts.depth)")
            }
            var initial = learner.initialState(
                pool: configuration.prompts.pool, promptDepth: configuration.prompts.depth,
                classes: model.classes.count,
                head: try configuration.head.design(for: encoder), keyProjection: configuration.prompts.keyProjection,
                seed: configuration.federation.seed)
            if configuration.prompts.whitening,
                let images = try materials?.data.validation ?? data.map({ try TuningDataset($0.validation) })
            {
                try learner.whiten(&initial, by: images, plan: configuration.federation.plan)
            }
            aggregator = Aggregator(
                configuration: configuration.federation, strategy: try configuration.makeStrategy(initial: initial))
            lastTime = start
            try folder.write(configuration.yaml, to: folder.configuration)
            log = RunLogWriter(
                creating: folder,
                header: RunHeader(
                    configurationYAML: configuration.yaml, seed: configuration.federation.seed, build: buildVersion,
                    incarnation: incarnation, initial: .init(version: 0, state: initial)), at: lastTime)
            history = RunHistory()
        }
        try folder.write(json: model, to: folder.model)
    }

    /// What the run's prompts files say of themselves.
    package var label: PromptsLabel {
        PromptsLabel(model: model, folder: folder, runID: log.run.map { "\($0)" } ?? "")
    }

    private static func check(
        _ recovery: RunRecovery, against given: RunConfiguration, _ folder: RunFolder, _ takesUpFinished: Bool
    ) throws {
        guard recovery.configuration.yaml == given.yaml else {
            try recovery.leaveAsFound()
            throw ConfigurationError(
                "\(folder.path): holds a run with another configuration (compare \(folder.configuration)); choose another"
                    + " folder, or start it with that file")
        }
        guard takesUpFinished || !recovery.isOver else {
            try recovery.leaveAsFound()
            throw RunFolderError("\(folder.path): the run has finished at version \(recovery.aggregator.version)")
        }
    }

    /// Names the run in its report.
    package var heading: String {
        "\(configuration.strategy.name), \(configuration.data.dataset), \(configuration.data.clients) clients"
    }
}
