import Federation
import PromptWire
import RunSettings

extension RunConfiguration {
    /// What keeps a run from continuing with this configuration. What was changed since it began may be given as it was at
    /// first, or as it is now.
    /// - Parameter present: the configuration that the run has by now; asked for only where something differs from the first.
    package func conflicts(
        with header: RunHeader, present: () throws -> RunConfiguration
    ) throws -> [ConfigurationChange] {
        let changes = try changes(since: RunConfiguration(of: header))
        guard !changes.isEmpty else { return [] }
        let differing = Set(try self.changes(since: present()).map(\.key))
        return changes.filter { differing.contains($0.key) }
    }

    /// What a run's configuration has become.
    /// - Parameter reader: stands behind the header; reads on to the end.
    package init(of header: RunHeader, changedBy reader: inout RunLogReader) throws {
        var configuration = try RunConfiguration(of: header)
        while let entry = try reader.next() {
            guard case .setting(let change) = entry.record else { continue }
            configuration = try configuration.with(change.key, value: change.value)
        }
        self = configuration
    }
}

extension [ConfigurationChange] {
    /// In a sentence, without what holds the run.
    package var words: String {
        "holds a run with another configuration: " + map(\.description).joined(separator: "; ")
    }
}
