import PromptAggregation
import RunSettings
import Testing

/// What `impromptu config show` prints.
@Suite struct DocumentationTests {
    private func load(_ yaml: String, _ assignments: [String] = []) throws -> RunConfiguration {
        var layers = ConfigurationLayers()
        try layers.add(yaml: yaml, name: "run.yaml")
        for assignment in assignments { try layers.add(assignment: assignment) }
        return try RunConfiguration(layers)
    }

    @Test func everyStrategysSettingsAreThereWithDefaultRangeAndMeaning() throws {
        // Comments are wrapped.
        let text = try load("").documentation.split(whereSeparator: \.isWhitespace).filter { $0 != "#" }
            .joined(separator: " ")
        for entry in StrategyCatalog.entries {
            for setting in entry.settings {
                #expect(text.contains("\(setting.key): "), "\(entry.name) \(setting.key)")
                #expect(
                    text.contains("\(setting.expected); default \(setting.standard)"), "\(entry.name) \(setting.key)")
            }
        }
        #expect(text.contains("(a whole number from 1 to 1000000; default 5) buffer_size: 5 "))
    }

    @Test(arguments: StrategyCatalog.names) func itReadsBackAsTheSameRun(strategy: String) throws {
        let first = try load("", ["strategy.name=\(strategy)"])
        let second = try load(first.documentation)
        #expect(second.federation == first.federation && second.worker == first.worker)
        #expect(second.strategy.name == strategy)
        #expect(second.documentation == first.documentation)
    }

    @Test func aSettingThatIsGivenStandsInPlaceOfItsDefault() throws {
        let text = try load("", ["strategy.sweeps=7"]).documentation
        #expect(text.contains("default 3)\n  sweeps: 7\n"))
    }
}
