import Files
import Foundation
import PromptAggregation
import Text
import Yams

/// What is wrong with a configuration: the key, where it was set, what was expected and what was found.
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
        /// Whether the value is a list, as YAML writes it in brackets.
        var isList = false
    }
    package private(set) var settings: [String: Setting] = [:]
    /// Variables of the environment that begin like settings and are none.
    private(set) var strayVariables: [String] = []

    public init() {}

    /// Adds what a YAML text sets.
    /// - Parameter name: the file's name, for error messages.
    public mutating func add(yaml text: String, name: String) throws {
        if let root = try YAMLDocument.root(of: text, name: name) { try add(root, name: name) }
    }

    private static let mostBytes = 16 << 20

    /// What a file or a pipe holds that a person names.
    /// - Parameter what: for the error, as in "the experiment file".
    /// - Throws: `ConfigurationError` where it cannot be read.
    package static func text(of path: String, _ what: String) throws -> String {
        let bytes: [UInt8]
        do throws(UnreadableFile) { bytes = try GivenFile.bytes(of: path, atMost: Self.mostBytes) } catch {
            throw ConfigurationError("\(path): cannot read \(what): \(error.reason)")
        }
        return try YAMLDocument.text(Data(bytes), name: path)
    }

    /// Lays other settings over these.
    package mutating func lay(_ other: ConfigurationLayers) {
        if let name = other.settings[Self.strategyName] { leaveBehind(below: name) }
        settings.merge(other.settings) { $1 }
        strayVariables += other.strayVariables
    }

    /// Adds what a part of a YAML file sets.
    /// - Parameter path: the sections that it stands in.
    package mutating func add(_ node: Node, path: [String] = [], name: String) throws {
        var found = FileSettings(name: name)
        try found.add(node, path: path)
        for key in found.unset { settings[key] = nil }
        if let name = found.settings[Self.strategyName] { leaveBehind(below: name) }
        settings.merge(found.settings) { $1 }
    }

    /// A layer that names another strategy takes away what only the strategy below has.
    private mutating func leaveBehind(below name: Setting) {
        guard let below = settings[Self.strategyName]?.value else { return }
        func keys(_ strategy: String) -> Set<String> {
            let entry = StrategyCatalog.entries.first { $0.name == strategy }
            return Set(entry?.settings.map { "strategy.\($0.key)" } ?? [])
        }
        for key in keys(below).subtracting(keys(name.value)) where settings[key]?.source != name.source {
            settings[key] = nil
        }
    }

    private static let strategyName = "strategy.name"
    private static let strategyVariable = "IMPROMPTU_STRATEGY__NAME"

    private static let variablePrefix = "IMPROMPTU_"

    /// Adds the variables `IMPROMPTU_SECTION__KEY`.
    public mutating func add(environment: [String: String]) {
        strayVariables += environment.keys.filter {
            $0.uppercased().hasPrefix(Self.variablePrefix) && !($0.hasPrefix(Self.variablePrefix) && $0.contains("__"))
        }.sorted()
        // The strategy's name first: what is set beside it is of that strategy.
        let named = Self.strategyVariable
        for (variable, value) in environment.sorted(by: {
            ($0.key != named ? 1 : 0, $0.key) < ($1.key != named ? 1 : 0, $1.key)
        })
        where variable.hasPrefix(Self.variablePrefix) && variable.contains("__") {
            let key = variable.dropFirst(Self.variablePrefix.count).lowercased().replacing("__", with: ".")
            set(key, to: value, source: "environment variable \(variable)")
        }
    }

    /// The variable that sets a key.
    static func variable(for key: String) -> String { variablePrefix + key.replacing(".", with: "__").uppercased() }

    /// Which of some keys a variable means that sets none; nil where its letters are no key's.
    static func key(meantBy variable: String, among keys: [String]) -> String? {
        func letters(_ name: some StringProtocol) -> [Character] {
            name.lowercased().filter { $0.isLetter || $0.isNumber }
        }
        let meant = letters(variable.dropFirst(variablePrefix.count))
        return keys.first { letters($0) == meant } ?? keys.first { editDistance(letters($0), meant) == 1 }
    }

    /// Sets one key; `null` and `~` set it to its default, as in a file.
    /// - Parameter source: where that is said, for a person.
    package mutating func set(_ key: String, to value: String, source: String) {
        guard !Self.isNull(value) else {
            settings[key] = nil
            return
        }
        let setting = Setting(value: value, source: source)
        if key == Self.strategyName { leaveBehind(below: setting) }
        settings[key] = setting
    }

    /// Whether YAML reads a plain text as no value (YAML 1.2, section 10.3.2).
    package static func isNull(_ value: String) -> Bool { ["null", "Null", "NULL", "~"].contains(value) }

    /// Adds one `path=value`.
    public mutating func add(assignment: String) throws {
        guard let equals = assignment.firstIndex(of: "="), equals != assignment.startIndex else {
            throw ConfigurationError("--set \(assignment): expected section.key=value")
        }
        let key = String(assignment[..<equals])
        set(key, to: String(assignment[assignment.index(after: equals)...]), source: "--set")
    }
}

/// Takes typed values out of the layers, each declared once with its default, its range and a sentence of help, and
/// remembers what was declared: the effective configuration is written from it, and what was not declared is refused.
public final class ConfigurationReader {
    private var remaining: [String: ConfigurationLayers.Setting]
    /// What was found of values that are right by themselves and contradict each other.
    private var conflicts: [String] = []
    private let strayVariables: [String]
    private(set) var declared = EffectiveConfiguration()

    public init(_ layers: ConfigurationLayers) {
        remaining = layers.settings
        strayVariables = layers.strayVariables
    }

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
        try value(key, standard, help, expected: expected, described: expected == "a text" ? "" : nil) {
            isValid($0) ? $0 : nil
        }
    }

    package func choice(_ key: String, _ standard: String, of names: [String], _ help: String) throws -> String {
        // The help names them already.
        try value(
            key, standard, "\(help): \(Self.list(names))", expected: "one of \(Self.list(names))", described: ""
        ) { names.contains($0) ? $0 : nil }
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
            declared.add(.init(key: key, value: setting.value, help: ""))
            return (String(key.dropFirst(section.count + 1)), setting.value)
        }
    }

    /// A list of names: in YAML, or in YAML's brackets where there is one value. Any other value is a path, which
    /// `read` takes them from.
    /// - Returns: nil where it is not set.
    package func names(_ key: String, _ help: String, read: (String) throws -> [String]) throws -> [String]? {
        guard let setting = remaining.removeValue(forKey: key), !setting.value.isEmpty else {
            declared.add(.init(key: key, value: "", help: help, expected: Self.namesExpected))
            return nil
        }
        let names: [String]
        if setting.value.hasPrefix("[") {
            guard let items = try? Yams.compose(yaml: setting.value)?.sequence,
                let texts = try FileSettings.texts(of: items, "\(setting.source): \(key)")
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
        declared.add(
            .init(
                key: key, value: EffectiveConfiguration.list(names), help: help, expected: Self.namesExpected,
                isList: true))
        return names
    }

    private static func requireSingle(_ setting: ConfigurationLayers.Setting, _ key: String) throws {
        guard !setting.isList else {
            throw ConfigurationError("\(setting.source): \(key): expected a single value, found a list")
        }
    }

    /// Asks that values of several keys fit together. All that do not are refused at the end, at once.
    /// - Parameter conflict: names the keys and their values.
    func require(_ isMet: Bool, _ conflict: @autoclosure () -> String) {
        if !isMet { conflicts.append(conflict()) }
    }

    /// Refuses whatever was set and never declared, and values that contradict each other.
    package func finish() throws {
        let keys = declared.entries.map(\.key)
        for variable in strayVariables {
            guard let key = ConfigurationLayers.key(meantBy: variable, among: keys) else { continue }
            throw ConfigurationError(
                "environment variable \(variable): it sets nothing; the variable of \(key) is"
                    + " \(ConfigurationLayers.variable(for: key))")
        }
        guard let key = remaining.keys.sorted().first, let setting = remaining[key] else {
            guard conflicts.isEmpty else { throw ConfigurationError(conflicts.joined(separator: "; ")) }
            return
        }
        throw ConfigurationError(
            "\(setting.source): \(UnknownKey(key, known: keys).words(value: setting.value))")
    }

    /// - Parameter described: which values it takes, for the documentation; as `expected` unless given.
    private func value<Value>(
        _ key: String, _ standard: Value, _ help: String, expected: String, described: String? = nil,
        parse: (String) -> Value?
    ) throws -> Value {
        var result = standard
        if let setting = remaining.removeValue(forKey: key) {
            try Self.requireSingle(setting, key)
            guard let parsed = parse(setting.value) else {
                throw ConfigurationError("\(setting.source): \(key): expected \(expected), found '\(setting.value)'")
            }
            result = parsed
        }
        declared.add(
            .init(
                key: key, value: "\(result)", help: help, expected: described ?? expected, standard: "\(standard)"))
        return result
    }

    private static func words(_ range: ClosedRange<Int>) -> String {
        range.upperBound == Int.max
            ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
    }

    private static let namesExpected = "names in brackets, or a path"

    private static func list(_ names: [String]) -> String { names.joined(separator: ", ") }
}
