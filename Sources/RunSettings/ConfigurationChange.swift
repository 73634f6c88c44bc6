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
        "log", "endpoints", "security", "worker", "simulation", "evaluation.interval_seconds", "evaluation.threads",
        "run.snapshot_versions", "data.path", "data.unreadable", "data.held_out", "encoder.path",
        "encoder.cache_bytes",
    ]

    /// Keys that may change during the run, by a record of its log.
    public static let changeable = [
        "run.versions", "run.updates", "run.seconds", "federation.buffer_size", "federation.cohort",
        "federation.deadline_seconds", "training.prompt_learning_rate", "training.head_learning_rate",
    ]

    /// The same with another value of a key that may change in mid-run.
    /// - Throws: `ConfigurationError` for another key, a wrong value, or one that changes nothing.
    package func changing(_ key: String, to value: String) throws -> RunConfiguration {
        guard Self.changeable.contains(key) else {
            // Of a key that does not exist it says so.
            _ = try with(key, value: value)
            throw ConfigurationError(
                "\(key): cannot change in mid-run; these can: \(Self.changeable.joined(separator: ", "))")
        }
        let changed = try with(key, value: value)
        guard changed.yaml != yaml, changed.federation != federation else {
            throw ConfigurationError("\(key)=\(value): changes nothing in this run")
        }
        return changed
    }

    /// The same with another value of a key.
    package func with(_ key: String, value: String) throws -> RunConfiguration {
        var layers = ConfigurationLayers()
        try layers.add(yaml: yaml, name: "the run's configuration")
        layers.set(key, to: value, source: "\(key)=\(value)")
        return try RunConfiguration(layers)
    }

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
