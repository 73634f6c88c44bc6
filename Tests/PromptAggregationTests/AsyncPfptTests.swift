import PromptAggregation
import Testing

@Suite struct AsyncPfptTests {
    /// Law 1: without staleness, cache and memory it is the synchronous method, bit for bit.
    @Test(arguments: ["gradient", "mean"])
    func isTheSynchronousMethodWhenNothingIsLate(promptStep: String) throws {
        let initial = Sample.state(width: 16)
        var synchronous = try Sample.make("pfpt", [("hidden", "16"), ("prompt-step", promptStep)], initial: initial)
        var asynchronous = try Sample.make(
            "pfpt-async",
            [
                ("cold-start", "true"), ("horizon", "0"), ("sweeps", "50"), ("hidden", "16"),
                ("prompt-step", promptStep),
                ("share", "equal"),
            ], initial: initial)
        for round in 0..<3 {
            let contributions = (0..<4).map {
                Sample.contribution($0, base: synchronous.state, samples: 10 + $0, sequence: UInt64(round + 1))
            }
            let expected = synchronous.aggregate(contributions)
            let report = asynchronous.aggregate(contributions)
            #expect(asynchronous.state == synchronous.state)
            #expect(report.matches == expected.matches)
            #expect(report.births == expected.births && report.deaths == expected.deaths)
            #expect(report.objectiveAfter == expected.objectiveAfter)
        }
    }

    @Test func keepsAPoolOfASaneSize() throws {
        let initial = Sample.state(pool: 20, width: 192, classes: 10)
        var strategy = try Sample.make("pfpt-async", initial: initial)
        var random = SeededRandom(seed: 9)
        for round in 0..<60 {
            let clients = Array(0..<20).shuffled(using: &random).prefix(5).sorted()
            let base = strategy.state
            let contributions = clients.map { client in
                Sample.contribution(
                    client, base: base,
                    touched: Array(base.promptIDs.indices.shuffled(using: &random).prefix(10)).sorted(),
                    samples: 10 + Int(random.next() % 200), sequence: UInt64(round + 1), step: 0.01)
            }
            let report = strategy.aggregate(contributions)
            #expect(report.objectiveAfter!.isFinite)
            #expect((10...40).contains(strategy.state.promptIDs.count))
        }
    }
}
