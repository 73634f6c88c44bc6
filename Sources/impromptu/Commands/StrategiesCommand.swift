import ArgumentParser
import Foundation
import PromptAggregation

struct StrategiesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "strategies",
        abstract: "Lists the strategies, which make versions out of updates, and their settings.",
        discussion: """
            A run's strategy is strategy.name; its settings are keys beside it, such as strategy.sweeps.

            impromptu strategies
            impromptu strategies pfpt-async
            """)

    @Argument(help: "The strategy whose settings to show; all strategies by default.")
    var name: String?

    @OptionGroup var output: OutputOptions

    private struct Described: Encodable {
        struct Setting: Encodable {
            var key: String
            var standard: String
            var expected: String
            var meaning: String

            enum CodingKeys: String, CodingKey {
                case key, expected, meaning
                case standard = "default"
            }
        }
        var name: String
        var summary: String
        var source: String
        var settings: [Setting]

        init(_ entry: StrategyEntry) {
            name = entry.name
            summary = entry.summary
            source = entry.source
            settings = entry.settings.map {
                Setting(key: $0.key, standard: $0.standard, expected: $0.expected, meaning: $0.help)
            }
        }
    }

    func validate() throws {
        if let name, !StrategyCatalog.names.contains(name) {
            throw ValidationError(
                "strategy '\(name)': expected one of \(StrategyCatalog.names.joined(separator: ", "))")
        }
    }

    func run() throws {
        let entries = StrategyCatalog.entries.filter { name == nil || $0.name == name }.map(Described.init)
        if name != nil {
            return try output.show(entries, rows: entries[0].settings) { Self.lines(of: entries[0]) }
        }
        try output.show(entries) {
            let widest = entries.map(\.name.count).max() ?? 0
            return entries.map { $0.name.padding(toLength: widest, withPad: " ", startingAt: 0) + "  \($0.summary)" }
        }
    }

    private static func lines(of entry: Described) -> [String] {
        ["\(entry.name): \(entry.summary)", "Source: \(entry.source)."]
            + entry.settings.flatMap { setting in
                ["", "strategy.\(setting.key)", "    \(setting.meaning)"]
                    + ["    \(setting.expected); default \(setting.standard)"]
            }
    }
}
