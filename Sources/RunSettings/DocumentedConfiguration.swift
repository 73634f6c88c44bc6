import PromptAggregation

/// A key with its value, and what it may be.
public struct DocumentedKey: Encodable, Sendable {
    public var key: String
    public var value: String
    public var standard: String
    /// Which values it takes; empty for any text, or where the meaning says it.
    public var expected: String
    public var meaning: String

    enum CodingKeys: String, CodingKey {
        case key, value, expected, meaning
        case standard = "default"
    }
}

extension RunConfiguration {
    /// All keys with the values in force, in the order of the sections.
    public var documentedKeys: [DocumentedKey] {
        effective.entries.map {
            DocumentedKey(
                key: $0.key, value: $0.value, standard: $0.standard, expected: $0.expected, meaning: $0.help)
        }
    }

    /// The keys whose values differ, in the order of the sections: the value here and there, nil where a configuration
    /// lacks the key.
    public func differences(from other: RunConfiguration) -> [(key: String, first: String?, second: String?)] {
        let (own, others) = (Self.byKey(settings), Self.byKey(other.settings))
        let keys = settings.map(\.key) + other.settings.map(\.key).filter { own[$0] == nil }
        return keys.filter { own[$0] != others[$0] }.map { ($0, own[$0], others[$0]) }
    }

    private static func byKey(_ settings: [(key: String, value: String)]) -> [String: String] {
        Dictionary(settings.map { ($0.key, $0.value) }) { first, _ in first }
    }

    /// All keys as YAML, with the values in force, and for each what it means, which values it takes and its default. A
    /// run reads it like any other file.
    ///
    /// The settings of the strategy in force are keys; those of the others follow as comments.
    public var documentation: String {
        let lines = effective.sections.flatMap { name, entries in
            ["\(name):"]
                + entries.flatMap(Self.lines(of:)) + (name == "strategy" ? otherStrategies : [])
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var otherStrategies: [String] {
        StrategyCatalog.entries.filter { $0.name != strategy.name }.flatMap { entry in
            ["  # With strategy.name \(entry.name) (\(entry.source)):"]
                + entry.settings.flatMap { setting in
                    ["  #   \(setting.key): \(EffectiveConfiguration.scalar(setting.standard))"]
                        + Self.comment(setting.help, setting.expected, setting.standard, after: "  #     ")
                }
        }
    }

    private static func lines(of entry: EffectiveConfiguration.Entry) -> [String] {
        comment(entry.help, entry.expected, entry.standard, after: "  # ") + ["  \(entry.line)"]
    }

    /// - Parameter expected: which values it takes, as the end of a sentence; empty for any text.
    /// - Returns: lines of at most 110 characters where its words allow it.
    private static func comment(
        _ help: String, _ expected: String, _ standard: String, after start: String
    ) -> [String] {
        let help = help.hasSuffix(".") ? String(help.dropLast()) : help
        let values = expected.isEmpty ? "" : "\(expected); "
        var lines = [start]
        for word in "\(help) (\(values)default \(standard.isEmpty ? "empty" : standard))".split(separator: " ") {
            if lines[lines.count - 1].count + word.count > 110 { lines.append(start) }
            lines[lines.count - 1] += (lines[lines.count - 1] == start ? "" : " ") + word
        }
        return lines
    }
}
