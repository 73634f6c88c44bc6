import Federation
import PromptAggregation
import RunSettings

/// Which other ways of aggregation a what-if compares.
public struct WhatIfMethods: Sendable {
    /// Clients who take no part, a group for each comparison; with a group, the aggregation is the recorded one.
    public var absent: [[ClientID]]
    /// Names in the `StrategyCatalog`; empty for the recorded run's own.
    public var strategies: [String]
    /// `strategy.key=value` for whichever of the strategies have that key; `federation.staleness_…=value`; and
    /// `federation.buffer_size=value`, the updates that make a version. Without it there is one whenever the recorded run
    /// made one.
    public var assignments: [String]

    public init(strategies: [String] = [], assignments: [String] = [], without absent: [[ClientID]] = []) {
        self.absent = absent
        self.strategies = strategies
        self.assignments = assignments
    }

    /// - Throws: `ConfigurationError` naming what is unknown or wrong.
    func alternatives(to recorded: RunConfiguration, from initial: PromptState) throws -> [Alternative] {
        let given = try sorted()
        let (weight, buffer) = try flushing(recorded, given.federation)
        let names = strategies.isEmpty ? [recorded.strategy.name] : strategies
        do {
            let known = try names.flatMap { try StrategyCatalog.entry($0).settings.map(\.key) }
            if let stranger = given.strategy.first(where: { !known.contains($0.key) }) {
                throw ConfigurationError(
                    "--set strategy.\(stranger.key): none of \(names.joined(separator: ", ")) has such a setting")
            }
            let groups = absent.isEmpty ? [[]] : absent
            return try names.flatMap { name in groups.map { (name, $0) } }.map { name, absent in
                let settings = try settings(of: name, recorded, given.strategy)
                try checkUpdates(of: recorded, fit: name, settings)
                let strategy = try StrategyCatalog.make(
                    name: name, settings: settings, initial: initial, seed: recorded.federation.seed)
                let without = absent.isEmpty ? name : "without " + absent.map(\.name).joined(separator: ", ")
                return Alternative(
                    name: without, strategy: strategy, stalenessWeight: weight,
                    flushing: buffer.map { .every($0) } ?? .asRecorded, without: Set(absent))
            }
        } catch let error as StrategyError {
            throw ConfigurationError("\(error)")
        }
    }

    /// What clients send depends on the strategy that the run had.
    private func checkUpdates(of recorded: RunConfiguration, fit name: String, _ settings: StrategySettings) throws {
        var plan = recorded.federation.plan
        plan.controlVariates = false
        plan.classMeans = false
        plan.generatorRate = 0
        if plan.personal == .everything { plan.personal = .nothing }
        try StrategyCatalog.adapt(&plan, to: name, settings: settings)
        let sent = recorded.federation.plan
        guard plan.controlVariates == sent.controlVariates, plan.classMeans == sent.classMeans,
            plan.personal == sent.personal, plan.generatorRate == sent.generatorRate
        else {
            throw ConfigurationError(
                "--strategy \(name): expected updates that were made for it, found those of a run with"
                    + " \(recorded.strategy.name), whose clients send something else")
        }
        let own = StrategySettings(recorded.strategy.settings.map { ($0.key, $0.value) })
        let wasSolved = try StrategyCatalog.solvesForHead(recorded.strategy.name, settings: own)
        guard try StrategyCatalog.solvesForHead(name, settings: settings) == wasSolved else {
            throw ConfigurationError(
                wasSolved
                    ? "--strategy \(name): expected a head in closed form (strategy.head=closed), as the run had: its clients"
                        + " left the head alone and sent class statistics"
                    : "--strategy \(name): expected a head that clients tune (strategy.head=tuned), as the run had: its"
                        + " clients sent no class statistics")
        }
    }

    /// The recorded settings, where the strategy is the recorded one, and above them those that were given. Of another
    /// strategy's settings the choice of the head is taken over: the clients' updates were made for it.
    private func settings(
        of name: String, _ recorded: RunConfiguration, _ given: [StrategySettings.Entry]
    ) throws -> StrategySettings {
        let declared = try StrategyCatalog.entry(name).settings.map(\.key)
        let kept = recorded.strategy.settings.filter { setting in
            name == recorded.strategy.name
                || StrategyCatalog.headKeys.contains(setting.key) && declared.contains(setting.key)
        }
        var entries = StrategySettings(kept.map { ($0.key, $0.value) }).entries
        for setting in given where declared.contains(setting.key) {
            entries.removeAll { $0.key == setting.key }
            entries.append(setting)
        }
        return StrategySettings(entries)
    }

    /// - Returns: what updates weigh, and how many make a version; nil where the recorded run decides.
    private func flushing(_ recorded: RunConfiguration, _ given: [String]) throws -> (StalenessWeight, Int?) {
        var layers = ConfigurationLayers()
        try layers.add(yaml: recorded.yaml, name: "the log's configuration")
        for assignment in given { try layers.add(assignment: assignment) }
        let weight = try RunConfiguration(layers).federation.stalenessWeight
        let isSized = given.contains { $0.hasPrefix(Self.bufferSize + "=") }
        return (weight, isSized ? layers.settings[Self.bufferSize].flatMap { Int($0.value) } : nil)
    }

    private static let bufferSize = "federation.buffer_size"

    private func sorted() throws -> (strategy: [StrategySettings.Entry], federation: [String]) {
        var layers = ConfigurationLayers()
        var federation: [String] = []
        for assignment in assignments {
            if assignment.hasPrefix("federation.staleness_") || assignment.hasPrefix(Self.bufferSize + "=") {
                federation.append(assignment)
            } else {
                try layers.add(assignment: assignment)
            }
        }
        let settings = layers.settings.sorted { $0.key < $1.key }
        if let other = settings.first(where: { !$0.key.hasPrefix("strategy.") || $0.key == "strategy.name" }) {
            throw ConfigurationError(
                "--set \(other.key): expected a setting of a strategy (strategy.key), \(Self.bufferSize) or"
                    + " federation.staleness_…: nothing else can change about updates that were sent")
        }
        return (
            settings.map { .init(key: String($0.key.dropFirst("strategy.".count)), value: $0.value.value) }, federation
        )
    }
}
