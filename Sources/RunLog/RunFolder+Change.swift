import Federation
import MessageLog
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
    /// - Parameters:
    ///   - settings: keys of `RunConfiguration.changeable` with their values.
    ///   - extends: whether an end of the run that is among them must lie ahead.
    /// - Returns: nil where an aggregator is at work, which is to change them itself.
    /// - Throws: as `LoggedAggregator.change` and `RunRecovery`; also what a reader of the whole log finds wrong with it.
    public func change(_ settings: [SettingChanged], extends: Bool = false) throws -> ChangedRun? {
        guard try RunLogReader.holdsRun(in: self) else { throw RunFolderError("\(path): holds no run") }
        let recovery: RunRecovery
        do { recovery = try RunRecovery(folder: self) } catch LogError.locked { return nil }
        do { try requireWholeLog() } catch {
            try recovery.leaveAsFound()
            throw error
        }
        var engine = LoggedAggregator(
            aggregator: recovery.aggregator, log: recovery.log, changes: recovery.changes)
        do {
            if extends { try engine.requireAhead(settings) }
            _ = try engine.change(settings, of: recovery.configuration, at: recovery.lastTime)
        } catch let error as ConfigurationError {
            try recovery.leaveAsFound()
            throw error
        }
        if let batch = try engine.seal() {
            batch.store()
            // Nobody listens: the next start publishes where the run stands.
            _ = try engine.finish(batch)
        }
        // Whoever is not the aggregator signs no closing checkpoint; the next one of the aggregator stands for the change.
        try recovery.leaveAsFound()
        return ChangedRun(
            version: engine.aggregator.version, updates: engine.aggregator.counts.accepted,
            isFinished: engine.aggregator.phase == .finished)
    }

    /// Reads every segment. A recovery reads the last alone, and a change to a log that nobody can read to its end helps
    /// nobody.
    private func requireWholeLog() throws {
        var reader = try RunLogReader(path: path)
        while try reader.next() != nil {}
    }
}
