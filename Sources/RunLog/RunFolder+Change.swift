import Federation
import PromptAggregation
import PromptWire
import RunSettings

/// How a run stands after its settings were changed.
public struct ChangedRun: Sendable {
    public var version: Version
    public var updates: Int
    /// Whether there is anything left to do.
    public var isFinished: Bool
}

extension RunFolder {
    /// Changes settings of a run whose aggregator is stopped, each by a record of the log. The next start of the
    /// aggregator uses them, also where the run had finished and its end was moved.
    ///
    /// - Parameter settings: keys of `RunConfiguration.changeable` with their values.
    /// - Throws: `ConfigurationError` for another key, a wrong value or one that changes nothing, and then nothing is
    ///   changed; `LogError` where an aggregator is at work; as `RunRecovery`.
    public func change(_ settings: [(key: String, value: String)]) throws -> ChangedRun {
        guard try RunLogReader.holdsRun(in: self) else { throw RunFolderError("\(path): holds no run") }
        let recovery = try RunRecovery(folder: self)
        var steps: [(change: SettingChanged, configuration: RunConfiguration)] = []
        do {
            for (key, value) in settings {
                let before = steps.last?.configuration ?? recovery.configuration
                steps.append((SettingChanged(key: key, value: value), try before.changing(key, to: value)))
            }
        } catch {
            try recovery.leaveAsFound()
            throw error
        }
        var engine = LoggedAggregator(
            aggregator: recovery.aggregator, log: recovery.log, changes: recovery.changes)
        for step in steps {
            try engine.change(
                step.change, to: step.configuration.federation(for: recovery.header), at: recovery.lastTime)
        }
        if let batch = try engine.seal() {
            batch.store()
            // Nobody listens: the next start publishes where the run stands.
            _ = try engine.finish(batch)
        }
        try engine.close()
        return ChangedRun(
            version: engine.aggregator.version, updates: engine.aggregator.counts.accepted,
            isFinished: engine.aggregator.phase == .finished)
    }
}
