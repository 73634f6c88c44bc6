/// A key whose value is another than the one that a run was begun with.
public struct ConfigurationChange: Hashable, Sendable, CustomStringConvertible {
    public var key: String
    public var begunWith: String
    public var given: String

    public var description: String { "\(key): begun with '\(begunWith)', given '\(given)'" }
}

extension RunConfiguration {
    /// Sections and keys that say where and how a run is worked on. A replay needs none of them, so each start may have
    /// its own.
    private static let operational: Set<String> = [
        "endpoints", "security", "worker", "evaluation", "simulation", "run.snapshot_versions", "data.path",
        "data.unreadable", "data.held_out", "encoder.path",
    ]

    /// What differs of all that the run of another configuration must keep, in the order of the keys.
    package func changes(since first: RunConfiguration) -> [ConfigurationChange] {
        func kept(_ configuration: RunConfiguration) -> [(key: String, value: String)] {
            configuration.settings.filter { setting in
                let section = String(setting.key.prefix { $0 != "." })
                return !Self.operational.contains(section) && !Self.operational.contains(setting.key)
            }
        }
        let (before, now) = (kept(first), kept(self))
        let values = Dictionary(before) { first, _ in first }
        let keys = Set(now.map(\.key))
        let changed = now.filter { values[$0.key] != $0.value }.map {
            ConfigurationChange(key: $0.key, begunWith: values[$0.key] ?? "", given: $0.value)
        }
        let gone = before.filter { !keys.contains($0.key) }.map {
            ConfigurationChange(key: $0.key, begunWith: $0.value, given: "")
        }
        return changed + gone
    }
}
