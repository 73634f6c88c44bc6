import PromptAggregation

/// A version as it is published, with what decides which of its tensors have to travel.
struct PublishedVersion: Sendable {
    let prompts: AggregatorMessage.GlobalPrompts
    /// The version since which each tensor is the same, in the order of the tensors.
    let unchangedSince: [Version]

    /// The version after this one.
    /// - Parameter state: as it is published.
    func next(_ state: PromptState) -> Self {
        let (version, before) = (prompts.version + 1, prompts.state.parameters)
        return Self(
            prompts: .init(version: version, state: state),
            unchangedSince: state.parameters.entries.map { entry in
                let place = before.entries.firstIndex { $0.name == entry.name }
                return place.flatMap { before.entries[$0].tensor == entry.tensor ? unchangedSince[$0] : nil } ?? version
            })
    }

    /// The state for one who holds an earlier version; −1 for none, as for a version that is not earlier. The prompts
    /// themselves are always there.
    func message(since held: Version, _ precision: Precision) -> AggregatorMessage.Prompts {
        let held = held < prompts.version ? held : -1
        var changed = prompts.state
        var unchanged: [AggregatorMessage.Prompts.Unchanged] = []
        for (entry, since) in zip(prompts.state.parameters.entries, unchangedSince)
        where since <= held && entry.name != Parameters.prompts {
            changed.parameters[entry.name] = nil
            unchanged.append(.init(name: entry.name, since: since))
        }
        return .init(version: prompts.version, changed: changed, unchanged: unchanged, precision: precision)
    }
}
