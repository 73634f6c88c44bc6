import Federation
import PromptAggregation
import PromptWire
import RunLog
import RunSettings

/// Settings that change while the aggregator is at work, as `AggregatorService` has it.
extension FaultSimulation {
    /// Drawn from a stream of their own, as drains are.
    mutating func scheduleChanges() {
        var draws = SeededRandom(seed: scenario.seed, stream: 7)
        for _ in 0..<draws.integer(in: 0...3) {
            queue.push(.settingsChange, at: now + scenario.calmAfter * draws.nextUniform())
        }
    }

    mutating func changeSettings() throws {
        guard let core = aggregator.engine?.aggregator, core.phase != .finished else { return }
        let settings = (0..<random.integer(in: 1...2)).map { _ in drawnSetting() }
        try attempt { world in
            do {
                let changed = try world.aggregator.pipeline!.change(
                    settings, of: world.aggregator.configuration!, at: world.clock)
                world.aggregator.configuration = changed
                world.tally.changes += settings.count
            } catch is ConfigurationError {
                // Not every draw fits the others, or changes anything.
                return
            }
            try world.advance(settling: true)
        }
    }

    private mutating func drawnSetting() -> SettingChanged {
        let key = random.pick(RunConfiguration.changeable)
        let value =
            switch key {
            case "run.versions", "run.updates": "\(random.integer(in: 3...40))"
            case "run.seconds": "\(random.integer(in: 20...90))"
            case "training.prompt_learning_rate", "training.head_learning_rate": "\(random.pick([0.01, 0.1]))"
            default: "\(random.integer(in: 1...7))"
            }
        return SettingChanged(key: key, value: value)
    }
}
