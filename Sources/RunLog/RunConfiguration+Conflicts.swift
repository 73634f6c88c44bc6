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

}

/// What a run was begun with, and what its configuration has become: read from the end of its log.
package struct PresentConfiguration {
    package let header: RunHeader
    private var changes: [SettingChanged] = []

    /// - Throws: `LogError`, `ReplayError`, `SnapshotError`.
    package init(of storage: some RunStorage) throws {
        let newest = try storage.segments().last ?? 1
        var header: RunHeader?
        // A crash may leave the newest one without a record.
        var reader = try RunLogReader(LogSegments(of: storage, from: max(1, newest - 1)))
        while let entry = try reader.next() {
            switch entry.record {
            case .header(let first): header = first
            case .segment(let segment):
                header = segment.header
                changes = try RunSnapshot(segment.snapshot).changes
            case .setting(let change): changes.append(change)
            default: break
            }
        }
        guard let header else { throw ReplayError("\(storage.path): expected the run's header first") }
        self.header = header
    }

    package func present() throws -> RunConfiguration {
        try changes.reduce(RunConfiguration(of: header)) { try $0.with($1.key, value: $1.value) }
    }
}

extension [ConfigurationChange] {
    /// In a sentence, without what holds the run.
    package var words: String {
        "holds a run with another configuration: " + map(\.description).joined(separator: "; ")
    }
}
