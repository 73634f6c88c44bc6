import Yams

/// The settings of one YAML file, by key. A file may set a key once, as sections or with dots.
///
/// Anchors and merges (`<<: *common`) are followed; sections whose names begin with `x-` hold nothing but anchors and
/// set nothing.
struct FileSettings {
    private(set) var settings: [String: ConfigurationLayers.Setting] = [:]
    /// Keys that are null: they have their defaults, whatever earlier files set.
    private(set) var unset: Set<String> = []
    private let name: String
    /// Aliases of aliases can make a short file endless.
    private var nodesLeft = 100_000

    init(name: String) { self.name = name }

    mutating func add(_ node: Node, path: [String]) throws {
        let source = node.mark.map { "\(name):\($0.line)" } ?? name
        let key = path.joined(separator: ".")
        nodesLeft -= 1
        guard nodesLeft > 0 else { throw ConfigurationError("\(source): expected fewer values and aliases") }
        switch node {
        case .mapping(let mapping): try add(mapping, path: path, source: source)
        case .scalar where node.null != nil && !path.isEmpty: unset.insert(key)
        case .scalar(let scalar):
            guard !path.isEmpty else {
                throw ConfigurationError("\(source): expected sections with keys, found '\(scalar.string)'")
            }
            try set(key, to: .init(value: scalar.string, source: source))
        case .sequence(let sequence):
            guard !path.isEmpty else {
                throw ConfigurationError("\(source): expected sections with keys, found a list")
            }
            guard let items = try Self.texts(of: sequence, "\(source): \(key)") else {
                throw ConfigurationError("\(source): \(key): expected a single value, found a list")
            }
            try set(key, to: .init(value: EffectiveConfiguration.list(items), source: source, isList: true))
        case .alias: throw ConfigurationError("\(source): \(key): expected a single value, found an alias")
        }
    }

    /// The items of a list of names, each as it is written; nil where one is no scalar.
    /// - Throws: `ConfigurationError` for one that is null: whoever writes it means no name.
    static func texts(of list: Node.Sequence, _ place: String) throws -> [String]? {
        let items = list.compactMap(\.scalar?.string)
        guard items.count == list.count else { return nil }
        if let empty = list.firstIndex(where: { $0.null != nil }) {
            let found = items[empty].isEmpty ? "none" : items[empty]
            throw ConfigurationError(
                "\(place): expected a name as item \(empty + 1), found \(found), which is no value in YAML; a name that"
                    + " reads so stands in quotes")
        }
        return items
    }

    private mutating func add(_ mapping: Node.Mapping, path: [String], source: String) throws {
        for (key, value) in mapping {
            guard let part = key.string else {
                throw ConfigurationError("\(source): expected a name as key, found \(key)")
            }
            if path.isEmpty, part.hasPrefix("x-") { continue }
            if part != "<<" { try add(value, path: path + [part]) }
        }
        // What is merged in gives way to the mapping's own keys, and a later mapping to an earlier one.
        for (key, value) in mapping where key.string == "<<" {
            for merged in value.sequence.map(Array.init) ?? [value] {
                guard merged.mapping != nil else {
                    throw ConfigurationError("\(source): <<: expected a mapping or a list of mappings")
                }
                var others = FileSettings(name: name)
                others.nodesLeft = nodesLeft
                try others.add(merged, path: path)
                nodesLeft = others.nodesLeft
                settings.merge(others.settings.filter { !unset.contains($0.key) }) { own, _ in own }
                unset.formUnion(others.unset.filter { settings[$0] == nil })
            }
        }
    }

    private mutating func set(_ key: String, to setting: ConfigurationLayers.Setting) throws {
        if let earlier = settings[key] {
            throw ConfigurationError("\(setting.source): \(key) is set twice, first at \(earlier.source)")
        }
        settings[key] = setting
    }
}
