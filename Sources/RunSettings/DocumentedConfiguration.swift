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
                lines += Self.comment(setting.help, setting.expected, setting.standard, after: "  # ")
                lines.append(
                    "  \(setting.key): \(EffectiveConfiguration.scalar(given[setting.key] ?? setting.standard))")
            }
        }
        for entry in StrategyCatalog.entries where entry.name != strategy.name {
            lines.append("  # With strategy.name \(entry.name) (\(entry.source)):")
            for setting in entry.settings {
                lines.append("  #   \(setting.key): \(EffectiveConfiguration.scalar(setting.standard))")
                lines += Self.comment(setting.help, setting.expected, setting.standard, after: "  #     ")
            }
        }
        return lines
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
