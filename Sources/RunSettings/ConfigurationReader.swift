import Foundation
import PromptAggregation
import Yams

/// What is wrong with a configuration, naming the key, the place it was set and what was expected.
public struct ConfigurationError: Error, CustomStringConvertible, Equatable {
    public let description: String
    public init(_ description: String) { self.description = description }
}

/// Layers of settings: a YAML file, the environment above it, flags on top.
///
/// A setting is named by its path, such as `federation.buffer_size`. In the environment that is
/// `IMPROMPTU_FEDERATION__BUFFER_SIZE`, as a flag `--set federation.buffer_size=5`.
public struct ConfigurationLayers: Sendable {
    package struct Setting: Sendable {
        package var value: String
        /// Where it was set, for a person.
        package var source: String
        /// The file that sets it; nil for what no file sets.
        var file: String?
        /// Whether the value is a list, as YAML writes it in brackets.
        var isList = false

        /// What was set with it: by one file, by the environment, by flags.
        fileprivate var layer: String { file ?? (source.hasPrefix("environment") ? "environment" : source) }
    }
    package private(set) var settings: [String: Setting] = [:]

    public init() {}

    /// Adds what a YAML text sets.
    /// - Parameter name: the file's name, for error messages.
    public mutating func add(yaml text: String, name: String) throws {
        let root: Node?
        do {
            // Some editors begin a file with a byte order mark.
            root = try Yams.compose(yaml: text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text)
        } catch let error as YamlError {
            throw ConfigurationError("\(name): not valid YAML: \(error)".replacing("\n", with: " "))
        }
        if let root { try add(root, path: [], name: name) }
    }

    /// What a file or a pipe holds that a person names.
    /// - Parameter what: for the error, as in "the experiment file".
    /// - Throws: `ConfigurationError` where it cannot be read.
    package static func text(of path: String, _ what: String) throws -> String {
        // FileManager reads regular files alone; `--config <(…)` names a pipe.
        guard let handle = FileHandle(forReadingAtPath: path), let bytes = try? handle.readToEnd() ?? Data() else {
            throw ConfigurationError("\(path): cannot read \(what)")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Lays other settings over these.
    package mutating func lay(_ other: ConfigurationLayers) {
        if let name = other.settings[Self.strategyName] { put(name, at: Self.strategyName) }
        settings.merge(other.settings) { $1 }
    }

    /// Adds what a part of a YAML file sets.
    /// - Parameter path: the sections that it stands in.
    package mutating func add(_ node: Node, path: [String] = [], name: String) throws {
        let source = node.mark.map { "\(name):\($0.line)" } ?? name
        switch node {
        case .mapping(let mapping):
            for (key, value) in mapping {
                guard let part = key.string else {
                    throw ConfigurationError("\(source): expected a name as key, found \(key)")
                }
                try add(value, path: path + [part], name: name)
            }
        // An empty section and a key that is null set nothing.
        case .scalar where node.null != nil && !path.isEmpty: break
        case .scalar(let scalar):
            guard !path.isEmpty else {
                throw ConfigurationError("\(source): expected sections with keys, found '\(scalar.string)'")
            }
            try add(Setting(value: scalar.string, source: source, file: name), at: path)
        case .sequence(let sequence):
            let items = sequence.compactMap(\.scalar?.string)
            guard items.count == sequence.count, !path.isEmpty else {
                throw ConfigurationError(
                    "\(source): \(path.joined(separator: ".")): expected a single value, found a list")
            }
            try add(
                Setting(value: EffectiveConfiguration.list(items), source: source, file: name, isList: true), at: path)
        case .alias:
            throw ConfigurationError(
                "\(source): \(path.joined(separator: ".")): expected a single value, found an alias")
        }
    }

    private mutating func add(_ setting: Setting, at path: [String]) throws {
        let key = path.joined(separator: ".")
        if let earlier = settings[key], earlier.file == setting.file {
            throw ConfigurationError("\(setting.source): \(key) is set twice, first at \(earlier.source)")
        }
        put(setting, at: key)
    }

    /// Lays a setting over what is there. One that names another strategy takes away what only the strategy below has.
    private mutating func put(_ setting: Setting, at key: String) {
        if key == Self.strategyName, let below = settings[key]?.value {
            func keys(_ name: String) -> Set<String> {
                let entry = StrategyCatalog.entries.first { $0.name == name }
                return Set(entry?.settings.map { "strategy.\($0.key)" } ?? [])
            }
            for key in keys(below).subtracting(keys(setting.value)) where settings[key]?.layer != setting.layer {
                settings[key] = nil
            }
        }
        settings[key] = setting
    }

    private static let strategyName = "strategy.name"

    /// Adds the variables `IMPROMPTU_SECTION__KEY`.
    public mutating func add(environment: [String: String]) {
        for (variable, value) in environment.sorted(by: { $0.key < $1.key })
        where variable.hasPrefix("IMPROMPTU_") && variable.contains("__") {
            let key = variable.dropFirst("IMPROMPTU_".count).lowercased().replacing("__", with: ".")
            put(Setting(value: value, source: "environment variable \(variable)"), at: key)
        }
    }

    /// Sets one key.
    /// - Parameter source: where that is said, for a person.
    package mutating func set(_ key: String, to value: String, source: String) {
        put(Setting(value: value, source: source), at: key)
    }

    /// Adds one `path=value`.
    public mutating func add(assignment: String) throws {
        guard let equals = assignment.firstIndex(of: "="), equals != assignment.startIndex else {
            throw ConfigurationError("--set \(assignment): expected section.key=value")
        }
        let key = String(assignment[..<equals])
        put(Setting(value: String(assignment[assignment.index(after: equals)...]), source: "--set"), at: key)
    }
}

/// Takes typed values out of the layers, each declared once with its default, its range and a sentence of help, and
/// remembers what was declared: the effective configuration is written from it, and what was not declared is refused.
public final class ConfigurationReader {
    private var remaining: [String: ConfigurationLayers.Setting]
    private(set) var declared = EffectiveConfiguration()

    public init(_ layers: ConfigurationLayers) { remaining = layers.settings }

    package func integer(_ key: String, _ standard: Int, _ range: ClosedRange<Int>, _ help: String) throws -> Int {
        try value(key, standard, help, expected: "a whole number \(Self.words(range))") {
            Int($0).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    package func seed(_ key: String, _ standard: UInt64, _ help: String) throws -> UInt64 {
        try value(key, standard, help, expected: "a whole number from 0 to \(UInt64.max)") { UInt64($0) }
    }

    package func number(_ key: String, _ standard: Double, _ range: ClosedRange<Double>, _ help: String) throws
        -> Double
    {
        try value(key, standard, help, expected: "a number from \(range.lowerBound) to \(range.upperBound)") {
            Double($0).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    package func flag(_ key: String, _ standard: Bool, _ help: String) throws -> Bool {
        try value(key, standard, help, expected: "true or false") { Bool($0) }
    }

    package func text(
        _ key: String, _ standard: String, expected: String = "a text", _ help: String,
        where isValid: (String) -> Bool = { _ in true }
    ) throws -> String {
        try value(key, standard, help, expected: expected) { isValid($0) ? $0 : nil }
    }

    package func choice(_ key: String, _ standard: String, of names: [String], _ help: String) throws -> String {
        try value(key, standard, "\(help): \(Self.list(names))", expected: "one of \(Self.list(names))") {
            names.contains($0) ? $0 : nil
        }
    }

    /// A time in seconds, which may have a fraction.
    package func seconds(_ key: String, _ standard: Double, _ range: ClosedRange<Double>, _ help: String) throws
        -> Duration
    {
        .seconds(try number(key, standard, range, help))
    }

    /// All settings below a section that were not declared, ascending by key; they count as declared afterwards.
    /// - Throws: `ConfigurationError` for a list.
    package func rest(of section: String) throws -> [(key: String, value: String)] {
        let keys = remaining.keys.filter { $0.hasPrefix(section + ".") }.sorted()
        return try keys.map { key in
            let setting = remaining.removeValue(forKey: key)!
            try Self.requireSingle(setting, key)
            declared.add(key: key, value: setting.value, help: "")
            return (String(key.dropFirst(section.count + 1)), setting.value)
        }
    }

    /// A list of names: in YAML, or in YAML's brackets where there is one value. Any other value is a path, which
    /// `read` takes them from.
    /// - Returns: nil where it is not set.
    package func names(_ key: String, _ help: String, read: (String) throws -> [String]) throws -> [String]? {
        guard let setting = remaining.removeValue(forKey: key), !setting.value.isEmpty else {
            declared.add(key: key, value: "", help: help)
            return nil
        }
        let names: [String]
        if setting.value.hasPrefix("[") {
            guard let node = try? Yams.compose(yaml: setting.value), let items = node.sequence,
                case let texts = items.compactMap(\.scalar?.string), texts.count == items.count
            else {
                throw ConfigurationError(
                    "\(setting.source): \(key): expected names in brackets, found '\(setting.value)'")
            }
            names = texts
        } else {
            do { names = try read(setting.value) } catch {
                throw ConfigurationError("\(setting.source): \(key): \(error)")
            }
        }
        declared.add(key: key, list: names, help: help)
        return names
    }

    private static func requireSingle(_ setting: ConfigurationLayers.Setting, _ key: String) throws {
        guard !setting.isList else {
            throw ConfigurationError("\(setting.source): \(key): expected a single value, found a list")
        }
    }

    /// Refuses whatever was set and never declared.
    package func finish() throws {
        guard let key = remaining.keys.sorted().first, let setting = remaining[key] else { return }
        let nearest = declared.entries.map(\.key).min { Self.distance($0, key) < Self.distance($1, key) }
        let hint = nearest.flatMap { Self.distance($0, key) <= 4 ? ", did you mean \($0)?" : nil } ?? ""
        throw ConfigurationError("\(setting.source): unknown key \(key)\(hint)")
    }

    private func value<Value>(
        _ key: String, _ standard: Value, _ help: String, expected: String, parse: (String) -> Value?
    ) throws -> Value {
        var result = standard
        if let setting = remaining.removeValue(forKey: key) {
            try Self.requireSingle(setting, key)
            guard let parsed = parse(setting.value) else {
                throw ConfigurationError("\(setting.source): \(key): expected \(expected), found '\(setting.value)'")
            }
            result = parsed
        }
        declared.add(key: key, value: "\(result)", help: help)
        return result
    }

    private static func words(_ range: ClosedRange<Int>) -> String {
        range.upperBound == Int.max
            ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
    }

    private static func list(_ names: [String]) -> String { names.joined(separator: ", ") }

    /// Levenshtein's edit distance.
    private static func distance(_ a: String, _ b: String) -> Int {
        let b = Array(b)
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                let next = min(row[j] + 1, row[j + 1] + 1, diagonal + (x == y ? 0 : 1))
                diagonal = row[j + 1]
                row[j + 1] = next
            }
        }
        return row[b.count]
    }
}
