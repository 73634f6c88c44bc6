/// Every key of a run with the value in force, in the order of the sections.
struct EffectiveConfiguration: Sendable {
    struct Entry: Sendable {
        var key: String
        var value: String
        var help: String
        /// Whether the value is YAML as it stands.
        var isList = false
    }
    private(set) var entries: [Entry] = []

    mutating func add(key: String, value: String, help: String) {
        entries.append(Entry(key: key, value: value, help: help))
    }

    mutating func add(key: String, list: [String], help: String) {
        entries.append(Entry(key: key, value: Self.list(list), help: help, isList: true))
    }

    /// Replaces the value of a key that is there.
    mutating func set(_ key: String, to value: String) {
        for index in entries.indices where entries[index].key == key { entries[index].value = value }
    }

    /// All keys as YAML, each below its help.
    var yaml: String {
        var lines: [String] = []
        var section = ""
        for entry in entries {
            let parts = entry.key.split(separator: ".", maxSplits: 1)
            if parts[0] != section {
                section = String(parts[0])
                lines.append("\(section):")
            }
            if !entry.help.isEmpty { lines.append("  # \(entry.help)") }
            lines.append("  \(parts[1]): \(entry.isList ? entry.value : Self.quoted(entry.value))")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Texts as YAML writes a list of them.
    static func list(_ items: [String]) -> String { "[" + items.map(quoted).joined(separator: ", ") + "]" }

    private static func quoted(_ value: String) -> String {
        let plain =
            !value.isEmpty && value.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
        return plain ? value : "'" + value.replacing("'", with: "''") + "'"
    }
}
