import Federation
import PromptAggregation

extension RunConfiguration.Strategy {
    /// Every setting of the strategy with the value in force, so that a log keeps defaults that later change; then those
    /// that were given and that it does not have, for `StrategyCatalog` to refuse.
    init(name: String, _ reader: ConfigurationReader) throws {
        self.name = name
        let declared = StrategyCatalog.entries.first { $0.name == name }?.settings ?? []
        settings = try declared.map { setting in
            let value = try reader.text(
                "strategy.\(setting.key)", setting.standard, expected: setting.expected, setting.help,
                where: setting.accepts)
            return Setting(key: setting.key, value: value)
        }
        settings += try reader.rest(of: "strategy").map { Setting(key: $0.key, value: $0.value) }
        let (least, most) = (number("pool_minimum"), poolLimit)
        reader.require(
            most == 0 || least <= most,
            "strategy.pool_minimum: expected at most strategy.pool_limit (\(most)), found \(least)")
    }

    /// The most prompts that the pool may hold; 0 where the strategy leaves it as it is, or has a limit of its own.
    var poolLimit: Int { number("pool_limit") }

    /// A setting's whole number, 0 where the strategy has no such setting.
    private func number(_ key: String) -> Int { settings.first { $0.key == key }.flatMap { Int($0.value) } ?? 0 }
}

extension RunConfiguration {
    /// The strategy that the configuration names, with its settings.
    package func makeStrategy(initial: PromptState) throws -> any AggregationStrategy {
        try StrategyCatalog.make(
            name: strategy.name, settings: StrategySettings(strategy.settings.map { ($0.key, $0.value) }),
            initial: initial, seed: federation.seed)
    }
}
