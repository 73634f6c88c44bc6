import PromptAggregation

extension RunConfiguration {
    /// All keys as YAML, with the values in force, and for each what it means, which values it takes and its default. A
    /// run reads it like any other file.
    ///
    /// The settings of the strategy in force are keys; those of the others follow as comments.
    public var documentation: String {
        let lines = effective.sections.flatMap { name, entries in
            ["\(name):"]
                + (name == "strategy" ? strategyLines(entries) : entries.flatMap(Self.lines(of:)))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func strategyLines(_ entries: [EffectiveConfiguration.Entry]) -> [String] {
        var lines = entries.filter { $0.key == "strategy.name" }.flatMap(Self.lines(of:))
        let given = Dictionary(strategy.settings.map { ($0.key, $0.value) }) { $1 }
        for entry in StrategyCatalog.entries where entry.name == strategy.name {
            for setting in entry.settings {
                lines.append("  # \(Self.comment(setting.help, setting.expected, setting.standard))")
                lines.append(
                    "  \(setting.key): \(EffectiveConfiguration.scalar(given[setting.key] ?? setting.standard))")
            }
        }
        for entry in StrategyCatalog.entries where entry.name != strategy.name {
            lines.append("  # With strategy.name \(entry.name) (\(entry.source)):")
            for setting in entry.settings {
                lines.append("  #   \(setting.key): \(EffectiveConfiguration.scalar(setting.standard))")
                lines.append("  #     \(Self.comment(setting.help, setting.expected, setting.standard))")
            }
        }
        return lines
    }

    private static func lines(of entry: EffectiveConfiguration.Entry) -> [String] {
        ["  # \(comment(entry.help, entry.expected, entry.standard))", "  \(entry.line)"]
    }

    /// - Parameter expected: which values it takes, as the end of a sentence; empty for any text.
    private static func comment(_ help: String, _ expected: String, _ standard: String) -> String {
        let help = help.hasSuffix(".") ? String(help.dropLast()) : help
        let values = expected.isEmpty ? "" : "\(expected); "
        return "\(help) (\(values)default \(standard.isEmpty ? "empty" : standard))"
    }
}
