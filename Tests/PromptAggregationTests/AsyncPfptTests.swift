import PromptAggregation
import Testing

@Suite struct AsyncPfptTests {
    /// Law 1: without staleness and memory it is the synchronous method, bit for bit.
    @Test(arguments: ["gradient", "mean"], ["touched", "union", "pool"])
    func isTheSynchronousMethodWhenNothingIsLate(promptStep: String, evidence: String) throws {
        let initial = Sample.state(width: 16)
        let common = [("hidden", "16"), ("prompt_step", promptStep), ("evidence", evidence)]
        var synchronous = try Sample.make("pfpt", common, initial: initial)
        var asynchronous = try Sample.make(
            "pfpt-async",
            common + [("cold_start", "true"), ("sweeps", "50"), ("share", "equal")], initial: initial)
        for round in 0..<3 {
            let pool = synchronous.state.promptIDs.count
            let contributions = (0..<4).map {
                Sample.contribution(
                    $0, base: synchronous.state, touched: [$0 % pool, pool - 1].sorted(), samples: 10 + $0,
                    sequence: UInt64(round + 1))
            }
            let expected = synchronous.aggregate(contributions)
            let report = asynchronous.aggregate(contributions)
            #expect(asynchronous.state == synchronous.state)
            #expect(report.matches == expected.matches)
            #expect(report.births == expected.births && report.deaths == expected.deaths)
            #expect(report.objectiveAfter == expected.objectiveAfter)
        }
    }

    /// Law 2: the result does not depend on the order of arrival. (The roster's laws test it for every strategy too.)
    @Test func forgetsTheOrderOfArrival() throws {
        let initial = Sample.state(width: 16)
        var first = try Sample.make("pfpt-async", initial: initial)
        var second = first
        for round in 0..<4 {
            let contributions = (0..<4).map {
                Sample.contribution(
                    $0, base: first.state, staleness: $0, weight: 1 / Double(1 + $0), sequence: UInt64(round + 1))
            }
            let arrived = Array(contributions.reversed())
            #expect(arrived != contributions)
            #expect(first.aggregate(contributions) == second.aggregate(arrived))
            #expect(first.state == second.state)
        }
    }

    /// Law 3: the trace of a contribution vanishes with its weight.
    @Test func aVanishingWeightLeavesAVanishingTrace() throws {
        let initial = Sample.state(width: 16)
        let contributions = (0..<3).map { Sample.contribution($0, base: initial) }
        func distance(weight: Double) throws -> Float {
            var (with, without) = (
                try Sample.make("pfpt-async", initial: initial), try Sample.make("pfpt-async", initial: initial)
            )
            _ = with.aggregate(contributions + [Sample.contribution(7, base: initial, weight: weight, step: 0.3)])
            _ = without.aggregate(contributions)
            return farthest(with.state, without.state)
        }
        #expect(try distance(weight: 0.5) > 1e-3)
        #expect(try distance(weight: 1e-7) < 1e-6)
        #expect(try distance(weight: 0) == 0)
    }

    /// A late client may bring more prompts than are left, none of them far enough for one of its own.
    @Test func leavesOverWhatThePoolHasNoPromptsFor() throws {
        let initial = Sample.state(pool: 12, width: 16)
        var strategy = try Sample.make(
            "pfpt-async", [("patience", "0"), ("pool_minimum", "1"), ("birth_distance", "100")], initial: initial)
        for sequence in 1...2 {
            _ = strategy.aggregate([
                Sample.contribution(0, base: initial, touched: [3, 7], sequence: UInt64(sequence), step: 1e-3)
            ])
        }
        #expect(strategy.state.promptIDs == [4, 8])
        let report = strategy.aggregate([Sample.contribution(1, base: initial, staleness: 1)])
        #expect(report.matches[0].filter { $0 != FlushReport.unmatched }.sorted() == [4, 8])
        #expect(report.births.isEmpty && strategy.state.promptIDs == [4, 8])
    }

    /// Every contribution counts, also the second one of a client in a flush: together they move the pool by their mean.
    @Test func everyAnswerOfAClientCounts() throws {
        let initial = Sample.state(width: 16)
        var strategy = try Sample.make("pfpt-async", [("births", "0")], initial: initial)
        let answers = (1...2).map { Sample.contribution(4, base: initial, sequence: $0, step: 1e-3) }
        let report = strategy.aggregate(answers)
        #expect(report.weights == [0.5, 0.5])
        #expect(report.matches == answers.map(\.promptIDs))
        for name in initial.parameters.names {
            let values = try #require(strategy.state.parameters[name]).values
            for (place, value) in values.enumerated() {
                let sum = answers.reduce(0) { $0 + $1.parameters[name]!.values[place] }
                #expect(abs(value - sum / 2) < 1e-6)
            }
        }
    }

    /// Law 4: on tiny problems no fixed assignment, fitted as long, beats the alternating fit: neither from the matches that
    /// a lasting pool brings along nor after restarts from all others. (A single unlucky start may end lower.)
    @Test(arguments: 1...6)
    func reachesTheBestObjectiveOverAllAssignments(seed: UInt64) {
        var random = SeededRandom(seed: seed, stream: 4)
        let truth = (0..<3).map { _ in (0..<4).map { _ in Float(random.nextNormal()) } }
        func near(_ place: Int) -> [Float] { truth[place].map { $0 + Float(0.05 * random.nextNormal()) } }
        let locals = [[0, 1], [2, 1]].map { $0.flatMap(near) }
        let layout = NetworkLayout(width: 4, hidden: 8)
        let model = PoolModel(layout: layout, prompts: (0..<3).flatMap(near), random: &random)
        func objective(_ matches: [[Int]], fixed: Bool) -> Double {
            var options = PoolFitOptions(sweeps: 60, learningRate: 1e-3, promptStep: .mean)
            options.keepsMatches = fixed
            let evidence = zip(locals, matches).map { rows, matches in
                PoolEvidence(rows: rows, count: 2, weight: 1, matches: matches)
            }
            let fit = PoolFit(model: model, evidence: evidence, options: options, capacity: 3)
            fit.run()
            return fit.objective()
        }
        let placings = (0..<3).flatMap { a in (0..<3).filter { $0 != a }.map { [a, $0] } }
        let best = placings.flatMap { a in placings.map { objective([a, $0], fixed: true) } }.max()!
        #expect(objective([[0, 1], [2, 1]], fixed: false) >= best - 0.02 * abs(best))
        let restarted = placings.flatMap { a in placings.map { objective([a, $0], fixed: false) } }.max()!
        #expect(restarted >= best - 0.02 * abs(best))
    }

    /// Law 5: a client that only ever reports late moves the pool by what it learnt, however far the pool has gone since, and
    /// does not pull it back to where the client started.
    @Test func aLateClientMovesThePoolByWhatItLearnt() throws {
        let initial = Sample.state(width: 16)
        var strategy = try Sample.make("pfpt-async", [("births", "0")], initial: initial)
        for round in 1...6 {
            _ = strategy.aggregate(
                (0..<2).map {
                    Sample.contribution($0, base: strategy.state, sequence: UInt64(round), step: 0.005)
                })
        }
        let before = strategy.state
        let late = Sample.contribution(
            9, base: initial, staleness: 6, weight: StalenessWeight.inverseSquareRoot(6), step: 0.01)
        _ = strategy.aggregate([late])
        #expect(strategy.state.promptIDs == initial.promptIDs)
        for name in initial.parameters.names {
            let (now, then) = (strategy.state.parameters[name]!.values, before.parameters[name]!.values)
            let (local, base) = (late.parameters[name]!.values, initial.parameters[name]!.values)
            for place in now.indices { #expect(abs((now[place] - then[place]) - (local[place] - base[place])) < 1e-6) }
        }
    }

    /// A client with a hundredth of the others' images bears a prompt and keeps it while it reports, also late; none of the
    /// others uses it.
    @Test func aSmallClientKeepsAPromptOfItsOwn() throws {
        let initial = Sample.state(pool: 6, width: 16)
        var strategy = try Sample.make("pfpt-async", [("patience", "2"), ("pool_minimum", "2")], initial: initial)
        func others(_ round: Int, _ base: PromptState) -> [Contribution] {
            (1...4).map {
                Sample.contribution(
                    $0, base: base, touched: [0, 1, 2], samples: 1000, sequence: UInt64(round), step: 0.001)
            }
        }
        func small(_ round: Int, _ base: PromptState, touched: [Int]) -> Contribution {
            Sample.contribution(
                0, base: base, touched: touched, samples: 10, staleness: 3,
                weight: StalenessWeight.inverseSquareRoot(3), sequence: UInt64(round), step: 0.001)
        }
        var stranger = small(1, initial, touched: [0])
        stranger.parameters[Parameters.prompts]!.values = (0..<16).map { Float($0 % 2) }
        #expect(strategy.aggregate(others(1, initial) + [stranger]).births == [7])
        for round in 2...12 {
            let base = strategy.state
            let own = try #require(base.promptIDs.firstIndex(of: 7))
            let report = strategy.aggregate(others(round, base) + [small(round, base, touched: [own])])
            #expect(!report.deaths.contains(7))
        }
        var deaths: [PromptID] = []
        for round in 13...16 { deaths += strategy.aggregate(others(round, strategy.state)).deaths }
        #expect(deaths == [7])
    }

    @Test func bearsPromptsForRowsFarFromAllAndLetsTheUnsupportedDie() throws {
        let initial = Sample.state(pool: 6, width: 16)
        var strategy = try Sample.make(
            "pfpt-async", [("patience", "2"), ("pool_minimum", "2")], initial: initial)
        var stranger = Sample.contribution(0, base: initial, touched: [0, 1])
        stranger.parameters[Parameters.prompts]!.values.replaceSubrange(0..<16, with: (0..<16).map { Float($0 % 2) })
        let report = strategy.aggregate([stranger])
        #expect(report.births == [7])
        #expect(report.matches == [[7, 2]])
        #expect(strategy.state.promptIDs == [1, 2, 3, 4, 5, 6, 7])

        var deaths: [PromptID] = []
        for round in 1...4 {
            let base = strategy.state
            let touched = base.promptIDs.indices.filter { [2, 3].contains(base.promptIDs[$0]) }
            let report = strategy.aggregate([
                Sample.contribution(1, base: base, touched: touched, sequence: UInt64(round), step: 0.001)
            ])
            deaths += report.deaths
            #expect(report.births.isEmpty)
        }
        #expect(Set(deaths) == [1, 4, 5, 6, 7])
        #expect(strategy.state.promptIDs == [2, 3])
        // An identity is never given again.
        var second = Sample.contribution(2, base: strategy.state, touched: [0])
        second.parameters[Parameters.prompts]!.values = (0..<16).map { Float($0 % 2) }
        #expect(strategy.aggregate([second]).births == [8])
    }

    @Test func keepsToThePoolLimit() throws {
        let initial = Sample.state(pool: 4, width: 16)
        var strategy = try Sample.make("pfpt-async", [("pool_limit", "6")], initial: initial)
        for round in 0..<5 {
            let contributions = (0..<6).map {
                Sample.contribution($0, base: strategy.state, sequence: UInt64(round + 1), step: 1)
            }
            _ = strategy.aggregate(contributions)
            #expect((4...6).contains(strategy.state.promptIDs.count))
        }
    }

    /// The largest difference between two states of the same pool.
    func farthest(_ a: PromptState, _ b: PromptState) -> Float {
        guard a.promptIDs == b.promptIDs else { return .infinity }
        return zip(a.parameters.entries, b.parameters.entries).reduce(0) { farthest, pair in
            zip(pair.0.tensor.values, pair.1.tensor.values).reduce(farthest) { max($0, abs($1.0 - $1.1)) }
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
            // Prompts that hardly move call for no others.
            #expect(report.births.isEmpty && strategy.state.promptIDs == initial.promptIDs)
        }
    }
}
