import PromptAggregation
import Testing

/// A head in closed form whose statistics are taken again under prompts that stand still.
@Suite struct ClosedHeadRefreshTests {
    typealias Images = [(x: [Double], label: Int)]
    private let tests = ClosedHeadTests()
    private let before = ClosedHeadTests.images(60)
    /// What the same images are under tuned prompts.
    private let after = ClosedHeadTests.images(60, seed: 9)

    private func make(refresh: Int, _ name: String = "pfpt-async") throws -> any AggregationStrategy {
        try Sample.make(name, [("head", "closed"), ("head_refresh", "\(refresh)")], initial: tests.initial)
    }

    /// One whose head knows all classes, so that what clients tune counts.
    private func knowing(refresh: Int, _ name: String = "pfpt-async") throws -> any AggregationStrategy {
        var strategy = try make(refresh: refresh, name)
        let first = strategy.state
        _ = strategy.aggregate((0..<3).map { answer($0, part($0, of: before), base: first) })
        #expect(strategy.state.prompts == first.prompts)
        return strategy
    }

    /// The part of a client that has every third image.
    private func part(_ client: Int, of images: Images) -> Images {
        images.indices.filter { $0 % 3 == client }.map { images[$0] }
    }

    /// One contribution that follows the state's request: to tune, or to measure and leave the prompts alone.
    private func answer(
        _ client: Int, _ images: Images, base: PromptState, sequence: UInt64 = 1
    ) -> Contribution {
        var contribution = ClosedHeadTests.contribution(client, images, base: base, sequence: sequence)
        if isToMeasure(base) {
            contribution.promptIDs = []
            contribution.parameters[Parameters.prompts] = Tensor(zeros: [0, base.width])
        }
        for name in contribution.parameters.names where base.parameters[name] == nil {
            contribution.parameters[name] = nil
        }
        return contribution
    }

    private func answers(
        _ client: Int, _ images: Images, _ strategy: inout any AggregationStrategy, base: PromptState? = nil,
        sequence: UInt64 = 1
    ) {
        _ = strategy.aggregate([
            answer(client, part(client, of: images), base: base ?? strategy.state, sequence: sequence)
        ])
    }

    private func isToMeasure(_ state: PromptState) -> Bool { state.parameters[Parameters.statisticsGeneration] != nil }

    private func isHead(_ strategy: any AggregationStrategy, of images: Images) -> Bool {
        tests.difference(strategy.state, ClosedHeadTests.slowHead(images, shrinkage: 0.1)) < 1e-4
    }

    @Test func neverRefreshedNobodyMeasures() throws {
        var strategy = try make(refresh: 0)
        for sequence in 1...9 {
            answers(sequence % 3, before, &strategy, sequence: UInt64(sequence))
            #expect(!isToMeasure(strategy.state) && strategy.state.parameters[Parameters.classScatter] != nil)
        }
        #expect(isHead(strategy, of: before))
    }

    /// The law of the method: a head is published with the prompts under which its statistics were taken.
    @Test(arguments: ["pfpt-async", "fedbuff"])
    func theHeadIsPublishedWithThePromptsThatItWasSolvedUnder(_ name: String) throws {
        var strategy = try knowing(refresh: 3, name)
        let first = strategy.state
        for client in 0..<3 {
            #expect(!isToMeasure(strategy.state))
            answers(client, before, &strategy)
        }
        let standing = strategy.state
        #expect(isToMeasure(standing) && standing.prompts != first.prompts)
        answers(0, after, &strategy, sequence: 2)
        #expect(isHead(strategy, of: before), "a third of the images is too few")
        #expect(strategy.state == standing)
        _ = strategy.aggregate(
            [1, 2].map { answer($0, part($0, of: after), base: standing, sequence: 2) })
        #expect(isHead(strategy, of: after) && strategy.state.prompts == standing.prompts)
        #expect(strategy.state.parameters[Parameters.classScatter] == nil, "while clients tune, nobody measures")
        answers(0, after, &strategy, sequence: 3)
        #expect(isHead(strategy, of: after) && strategy.state.prompts != standing.prompts)
    }

    /// What a client brings that was given its task before the prompts stood still changes neither them nor the head.
    @Test func whatComesLateDoesNotMoveWhatStands() throws {
        func run(late: Bool) throws -> PromptState {
            var strategy = try knowing(refresh: 3)
            let first = strategy.state
            for client in 0..<3 { answers(client, before, &strategy) }
            let standing = strategy.state
            if late { answers(0, before, &strategy, base: first, sequence: 2) }
            _ = strategy.aggregate(
                (0..<3).map { answer($0, part($0, of: after), base: standing, sequence: 3) })
            #expect(isHead(strategy, of: after) && strategy.state.prompts == standing.prompts)
            _ = strategy.aggregate([])
            return strategy.state
        }
        #expect(try run(late: true) == run(late: false))
    }

    /// The report says that it was not used: who reads it must not take it for what moved the model.
    @Test func whatComesLateWeighsNothing() throws {
        var strategy = try knowing(refresh: 3)
        let first = strategy.state
        for client in 0..<3 { answers(client, before, &strategy) }
        let standing = strategy.state
        let report = strategy.aggregate([
            answer(0, part(0, of: before), base: first, sequence: 2),
            answer(1, part(1, of: after), base: standing, sequence: 3),
            answer(2, part(2, of: after), base: standing, sequence: 4),
        ])
        #expect(report.weights == [0, 0.5, 0.5])
    }

    /// A client that does not come back holds nobody up where others have images of the same classes.
    @Test func aClientWithFewImagesMayBeGone() throws {
        var strategy = try make(refresh: 1)
        let few = ClosedHeadTests.images(8, seed: 5)
        for sequence in 1...2 as ClosedRange<UInt64> {
            let base = strategy.state
            #expect(!isToMeasure(base), "a flush that moves no prompts is none of tuning")
            _ = strategy.aggregate(
                (0..<3).map { answer($0, part($0, of: before), base: base, sequence: sequence) }
                    + [answer(3, few, base: base, sequence: sequence)])
        }
        let standing = strategy.state
        _ = strategy.aggregate((0..<3).map { answer($0, part($0, of: after), base: standing, sequence: 2) })
        #expect(isHead(strategy, of: after))
    }

    /// The classes that one client alone has are not lost with it: the head stays, and after a while clients tune again.
    @Test func aClassIsNotLostWithItsOnlyHolder() throws {
        var strategy = try make(refresh: 1)
        let sorted = before.sorted { $0.label < $1.label }
        for sequence in 1...2 as ClosedRange<UInt64> {
            let base = strategy.state
            _ = strategy.aggregate([
                answer(0, Array(sorted.prefix(45)), base: base, sequence: sequence),
                answer(1, Array(sorted.suffix(15)), base: base, sequence: sequence),
            ])
        }
        let standing = strategy.state
        let others = after.filter { $0.label < 3 }
        for sequence in 2...7 {
            #expect(isToMeasure(strategy.state) && strategy.state.prompts == standing.prompts)
            _ = strategy.aggregate([answer(0, others, base: strategy.state, sequence: UInt64(sequence))])
            #expect(isHead(strategy, of: before))
        }
        #expect(!isToMeasure(strategy.state), "three contributions for each of two clients")
        _ = strategy.aggregate([answer(0, Array(sorted.prefix(45)), base: strategy.state, sequence: 8)])
        #expect(isToMeasure(strategy.state))
        let again = strategy.state
        _ = strategy.aggregate([answer(1, after, base: standing, sequence: 9)])
        #expect(isHead(strategy, of: before), "what was measured under the prompts of the first time")
        _ = strategy.aggregate([answer(1, after, base: again, sequence: 10)])
        #expect(isHead(strategy, of: after))
    }

    /// Where all clients that were measured are gone, others tune on, and are measured in the next turn.
    @Test func othersTakeTheNextTurn() throws {
        var strategy = try knowing(refresh: 1)
        for (round, images) in [before, after].enumerated() {
            let base = strategy.state
            _ = strategy.aggregate(
                (0..<3).map { answer($0, part($0, of: images), base: base, sequence: UInt64(round + 2)) })
        }
        #expect(isHead(strategy, of: after) && !isToMeasure(strategy.state))
        let (others, prompts) = (ClosedHeadTests.images(90, seed: 4), strategy.state.prompts)
        _ = strategy.aggregate([answer(3, others, base: strategy.state)])
        #expect(isToMeasure(strategy.state) && strategy.state.prompts != prompts)
        _ = strategy.aggregate([answer(3, others, base: strategy.state, sequence: 2)])
        #expect(isHead(strategy, of: others) && !isToMeasure(strategy.state))
    }

    @Test func continuesFromASnapshotToTheSameBitsWhileItMeasures() throws {
        var strategy = try knowing(refresh: 2)
        for client in 0..<3 { answers(client, before, &strategy) }
        for (client, sequence) in [(0, UInt64(2)), (1, 3), (2, 4), (0, 5), (1, 6)] {
            var restored = try make(refresh: 2)
            try restored.restore(strategy.snapshot())
            #expect(restored.state == strategy.state && restored.snapshot() == strategy.snapshot())
            answers(client, after, &strategy, sequence: sequence)
            answers(client, after, &restored, sequence: sequence)
            #expect(restored.state == strategy.state && restored.snapshot() == strategy.snapshot())
        }
        #expect(!isToMeasure(strategy.state), "clients were asked to measure twice, and the first two had enough")
        #expect(isHead(strategy, of: part(0, of: after) + part(1, of: after)))
    }
}
