import Text

/// A key that no section declares, and which known keys its author may have meant.
struct UnknownKey {
    private let key: String
    private let known: [String]

    init(_ key: String, known: [String]) {
        self.key = key
        self.known = known
    }

    /// What is wrong, without the source.
    func words(value: String) -> String {
        if known.contains(where: { $0.hasPrefix(key + ".") }) {
            return "\(key): expected a section with keys, found '\(value)'"
        }
        if let single = known.first(where: { key.hasPrefix($0 + ".") }) {
            return "\(single): expected a single value, found a section"
        }
        let shown = Self.shown(key)
        let meant = suggestions
        return meant.isEmpty
            ? "unknown key \(shown); impromptu config show lists all keys"
            : "unknown key \(shown), did you mean \(meant.joined(separator: " or "))?"
    }

    /// With the numbers of characters that cannot be seen, such as a space that does not break.
    private static func shown(_ key: String) -> String {
        key.unicodeScalars.map { scalar in
            let isHidden = scalar.properties.isWhitespace || scalar.properties.generalCategory == .format
            return isHidden && scalar != " "
                ? "<U+\(String(scalar.value, radix: 16, uppercase: true))>" : String(scalar)
        }.joined()
    }

    /// At most three, from the surest rule that finds any.
    private var suggestions: [String] {
        let rules: [(String) -> Bool] = [
            { Self.letters($0) == Self.letters(key) },
            { Self.distance($0, key) <= min(4, Self.name(key).count / 2) },
            { isInSameSection($0) && isAbbreviation(of: $0) },
            { isInSameSection($0) && Set(Self.words(key)).isSubset(of: Self.words($0)) },
            { Self.letters(Self.name($0)) == Self.letters(Self.name(key)) },
        ]
        for rule in rules {
            let meant = known.filter(rule).sorted { Self.distance($0, key) < Self.distance($1, key) }
            if !meant.isEmpty { return Array(meant.prefix(3)) }
        }
        return []
    }

    private func isInSameSection(_ other: String) -> Bool { Self.section(other) == Self.section(key) }

    /// Whether the key's name is made of the first letters of another's last words: lr for head_learning_rate.
    private func isAbbreviation(of other: String) -> Bool {
        let name = Self.name(key).lowercased()
        return name.count >= 2 && String(Self.words(other).compactMap(\.first)).hasSuffix(name)
    }

    private static func section(_ key: String) -> Substring { key.prefix { $0 != "." } }
    private static func name(_ key: String) -> String { String(key.drop { $0 != "." }.dropFirst()) }
    private static func words(_ key: String) -> [String] {
        name(key).lowercased().split { "_-.".contains($0) }.map(String.init)
    }
    private static func letters(_ key: String) -> String { key.lowercased().filter { !"_-".contains($0) } }

    private static func distance(_ a: String, _ b: String) -> Int { editDistance(Array(a), Array(b)) }
}
