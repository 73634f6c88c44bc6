/// Every key of a run with the value in force, in the order of the sections.
struct EffectiveConfiguration: Sendable {
    struct Entry: Sendable {
        var key: String
        var value: String
        var help: String
        /// Which values it takes, as the end of a sentence; empty for any text, or where the help says it.
        var expected = ""
        var standard = ""
        /// Whether the value is YAML as it stands.
        var isList = false

        var section: Substring { key.prefix { $0 != "." } }
        /// As YAML, within its section.
        var line: String {
            "\(key.dropFirst(section.count + 1)): \(isList ? value : EffectiveConfiguration.scalar(value))"
        }
    }
    private(set) var entries: [Entry] = []

    mutating func add(_ entry: Entry) { entries.append(entry) }

    /// Replaces the value of a key that is there.
    mutating func set(_ key: String, to value: String) {
        for index in entries.indices where entries[index].key == key { entries[index].value = value }
    }

    /// The entries by their sections, each where it is first named.
    var sections: [(name: String, entries: [Entry])] {
        var sections: [(name: String, entries: [Entry])] = []
        for entry in entries {
            if sections.last?.name == String(entry.section) {
                sections[sections.count - 1].entries.append(entry)
            } else {
                sections.append((String(entry.section), [entry]))
            }
        }
        return sections
    }

    /// All keys as YAML, each below its help.
    /// - Parameter section: left out.
    func yaml(without section: String? = nil) -> String {
        let lines = sections.filter { $0.name != section }.flatMap { name, entries in
            ["\(name):"] + entries.flatMap { ($0.help.isEmpty ? [] : ["  # \($0.help)"]) + ["  \($0.line)"] }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Texts as YAML writes a list of them.
    static func list(_ items: [String]) -> String { "[" + items.map(scalar).joined(separator: ", ") + "]" }

    /// A text as YAML writes it, so that it reads back as that text.
    static func scalar(_ value: String) -> String {
        let plain =
            !value.isEmpty && !ConfigurationLayers.isNull(value)
            && value.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
        if plain { return value }
        // Within single quotes YAML folds line ends and knows no escapes.
        guard value.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            return "'" + value.replacing("'", with: "''") + "'"
        }
        return "\"" + value.unicodeScalars.map(escaped).joined() + "\""
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        if scalar == "\\" || scalar == "\"" { return "\\\(scalar)" }
        guard scalar.properties.generalCategory == .control else { return String(scalar) }
        let digits = String(scalar.value, radix: 16)
        return "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
    }
}
