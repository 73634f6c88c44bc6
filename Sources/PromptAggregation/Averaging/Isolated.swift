/// Training without exchange, the control that every federation must beat: each client continues from its own values
/// (`TrainingPlan.Personal.everything`) and sends none. Versions count the flushes; the state stays the initial one.
struct Isolated: MemorylessStrategy {
    static let entry = StrategyEntry(
        name: "isolated", summary: "No exchange: every client tunes for itself alone.",
        source: "the control of McMahan et al., AISTATS 2017, and others", settings: [],
        adapt: { _, plan in plan.personal = .everything },
        make: { _, initial, _ in Isolated(state: initial) })

    var state: PromptState

    /// Nothing counts: all weights are 0.
    func aggregate(inOrder contributions: [Contribution]) -> FlushReport {
        FlushReport(weights: contributions.map { _ in 0 })
    }
}
