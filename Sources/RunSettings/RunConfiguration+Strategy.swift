import Federation
import PromptAggregation

extension RunConfiguration {
    /// The strategy that the configuration names, with its settings.
    package func makeStrategy(initial: PromptState) throws -> any AggregationStrategy {
        try StrategyCatalog.make(
            name: strategy.name, settings: StrategySettings(strategy.settings.map { ($0.key, $0.value) }),
            initial: initial, seed: federation.seed)
    }
}
