import PromptAggregation
import Testing

@Suite struct StrategyCatalogTests {
    let initial = Sample.state()

    @Test(arguments: StrategyCatalog.names)
    func makesEveryStrategyWithItsDefaults(name: String) throws {
        let state = try Sample.make(name, initial: initial).state
        #expect(state.promptIDs == initial.promptIDs)
        #expect(initial.parameters.entries.allSatisfy { state.parameters[$0.name] == $0.tensor })
    }

    @Test func namesAreUniqueAndEveryEntryExplainsItself() {
        #expect(Set(StrategyCatalog.names).count == StrategyCatalog.names.count)
        for entry in StrategyCatalog.entries {
            #expect(!entry.summary.isEmpty && !entry.source.isEmpty)
            #expect(Set(entry.settings.map(\.key)).count == entry.settings.count)
            #expect(entry.settings.allSatisfy { !$0.help.isEmpty })
        }
    }

    @Test func acceptsEverySettingAtItsDefault() throws {
        for entry in StrategyCatalog.entries {
            let pairs = entry.settings.map { (key: $0.key, value: $0.standard) }
            _ = try Sample.make(entry.name, pairs, initial: initial)
        }
    }

    @Test func refusesUnknownNamesAndKeys() {
        #expect(throws: StrategyError.unknownStrategy(name: "fedbest", known: StrategyCatalog.names)) {
            try Sample.make("fedbest", initial: initial)
        }
        let known = StrategyCatalog.entries.first { $0.name == "pfpt" }!.settings.map(\.key)
        #expect(throws: StrategyError.unknownKey(strategy: "pfpt", key: "sweep", known: known)) {
            try Sample.make("pfpt", [("sweep", "3")], initial: initial)
        }
        #expect(throws: StrategyError.repeatedKey(strategy: "pfpt", key: "sweeps")) {
            try Sample.make("pfpt", [("sweeps", "3"), ("sweeps", "4")], initial: initial)
        }
    }

    @Test(arguments: [
        ("sweeps", "0", "a whole number from 1 to 10000"), ("sweeps", "many", "a whole number from 1 to 10000"),
        ("learning_rate", "nan", "a number from 1e-08 to 1.0"), ("prompt_step", "up", "one of gradient, mean"),
        ("keep_networks", "yes", "true or false"),
    ])
    func refusesWrongValues(key: String, value: String, expected: String) {
        #expect(throws: StrategyError.wrongValue(strategy: "pfpt", key: key, expected: expected, actual: value)) {
            try Sample.make("pfpt", [(key, value)], initial: initial)
        }
    }

    @Test func refusesAnInitialStateThatIsNotFinite() {
        var state = initial
        state.parameters[Parameters.headBias]!.values[0] = .nan
        #expect(
            throws: StrategyError.unfitState(
                strategy: "fedavg", expected: "finite values", actual: "nan in 'head.bias'")
        ) {
            try Sample.make("fedavg", initial: state)
        }
    }
}
