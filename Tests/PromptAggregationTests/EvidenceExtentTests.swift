import PromptAggregation
import Testing

/// Which prompts of a client count as observations: what it touched, what any of the flush touched, or all that it had.
@Suite struct EvidenceExtentTests {
    /// Three clients with two prompts each; the last two share one; the sixth prompt nobody touched.
    private static func contributions(base: PromptState, step: Double = 0.001) -> [Contribution] {
        [[0, 1], [2, 3], [3, 4]].enumerated().map { client, touched in
            Sample.contribution(client, base: base, touched: touched, step: step)
        }
    }

    private static func base() -> PromptState {
        let pool = PfptTests.contributions(clients: 1, prompts: 6, width: 192, deviation: 0, seed: 2)[0].base
        return PromptState(parameters: pool.parameters, promptIDs: (1...6).map { PromptID($0) })
    }

    /// The matching keeps prompts apart that one client brings. So unlike prompts of unlike clients become one where clients
    /// bring only what they touched, and the pool keeps what it had where they bring all of it.
    @Test(arguments: [("touched", [2]), ("union", [1, 2, 3, 4, 5]), ("pool", [1, 2, 3, 4, 5, 6])])
    func thePoolKeepsWhatClientsObserved(evidence: String, expected: [PromptID]) throws {
        let base = Self.base()
        var strategy = try Sample.make("pfpt", [("evidence", evidence)], initial: base)
        let report = strategy.aggregate(Self.contributions(base: base))
        if evidence == "touched" {
            #expect(strategy.state.promptIDs.count == expected[0])
        } else {
            #expect(strategy.state.promptIDs.sorted() == expected)
            #expect(report.births.isEmpty)
            #expect(report.matches == [[1, 2], [3, 4], [4, 5]])
        }
    }

    /// A prompt that one of three clients touched moves by a third of what that client moved it; one that nobody touched
    /// stays to the last bit but for the mean's rounding.
    @Test func untouchedPromptsCountWhereTheyLay() throws {
        let base = Self.base()
        let contributions = Self.contributions(base: base)
        var strategy = try Sample.make("pfpt", initial: base)
        _ = strategy.aggregate(contributions)
        let tuned = Array(contributions[0].parameters[Parameters.prompts]!.row(0))
        let (touched, untouched) = (try Self.row(1, base), try Self.row(6, base))
        let (movedTouched, movedUntouched) = (try Self.row(1, strategy.state), try Self.row(6, strategy.state))
        for column in 0..<base.width {
            let expected = touched[column] + (tuned[column] - touched[column]) / 3
            #expect(abs(movedTouched[column] - expected) < 1e-6)
            #expect(abs(movedUntouched[column] - untouched[column]) < 1e-7)
        }
    }

    @Test(arguments: ["pfpt", "pfpt-async"])
    func itMakesNoDifferenceWhereClientsTouchEverything(name: String) throws {
        let base = Self.base()
        let contributions = (0..<3).map { Sample.contribution($0, base: base) }
        let states = try ["touched", "union", "pool"].map { evidence in
            var strategy = try Sample.make(name, [("evidence", evidence)], initial: base)
            _ = strategy.aggregate(contributions)
            return strategy.state
        }
        #expect(states[0] == states[1] && states[0] == states[2])
    }

    /// A late client may have touched a prompt that has left the pool since, and lacks what was born since.
    @Test func aLateClientDrawsNothingBackThatItDidNotTouch() throws {
        let base = Self.base()
        var later = base
        later.promptIDs = [1, 2, 3, 4, 5, 9]
        var prompts = base.prompts
        for place in prompts.values.indices { prompts.values[place] += place % 2 == 0 ? 0.01 : -0.01 }
        later.parameters[Parameters.prompts] = prompts
        var strategy = try Sample.make("pfpt", initial: later)
        let report = strategy.aggregate([
            Sample.contribution(0, base: base, touched: [0], staleness: 1, step: 0.001),
            Sample.contribution(1, base: later, touched: [1, 5], step: 0.001),
        ])
        #expect(report.matches == [[1], [2, 9]])
        #expect(strategy.state.promptIDs.sorted() == [1, 2, 3, 4, 5, 9])
        for id: PromptID in [3, 4, 5] {
            let (before, after) = (try Self.row(id, later), try Self.row(id, strategy.state))
            #expect(zip(before, after).allSatisfy { abs($0 - $1) < 1e-7 })
        }
    }

    private static func row(_ id: PromptID, _ state: PromptState) throws -> [Float] {
        Array(state.prompts.row(try #require(state.promptIDs.firstIndex(of: id))))
    }
}
