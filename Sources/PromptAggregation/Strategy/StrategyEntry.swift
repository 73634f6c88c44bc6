/// One strategy of the catalog: what it is called, where it comes from, what can be set, how it is made.
public struct StrategyEntry: Sendable {
    public let name: String
    /// What it does, in a sentence.
    public let summary: String
    /// The paper that it follows.
    public let source: String
    public let settings: [SettingDeclaration]
    let adapt: @Sendable (CheckedSettings, inout TrainingPlan) -> Void
    let make: @Sendable (CheckedSettings, PromptState, UInt64) throws(StrategyError) -> any AggregationStrategy

    /// - Parameter adapt: what the method asks of local training.
    init(
        name: String, summary: String, source: String, settings: [SettingDeclaration],
        adapt: @escaping @Sendable (CheckedSettings, inout TrainingPlan) -> Void = { _, _ in },
        make:
            @escaping @Sendable (CheckedSettings, PromptState, UInt64) throws(StrategyError)
            -> any AggregationStrategy
    ) {
        self.name = name
        self.summary = summary
        self.source = source
        self.settings = settings
        self.adapt = adapt
        self.make = make
    }
}
