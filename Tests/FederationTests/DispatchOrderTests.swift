import Federation
import PromptAggregation
import Testing

/// Whom of the idle clients a task goes to where clients are asked in turn.
@Suite struct DispatchOrderTests {
    private static func bench(
        seed: UInt64, mode: Mode = .continuous, concurrency: Int = 1, clients: Int = 10, failuresAllowed: Int = 5
    ) throws -> Bench {
        var bench = try Bench(
            FederationConfiguration(
                seed: seed, mode: mode, concurrency: concurrency, order: .inTurn, clientsToStart: clients,
                failuresAllowed: failuresAllowed))
        for index in 0..<clients { bench.hello("c\(index)") }
        return bench
    }

    private static func atWork(_ bench: Bench) -> [String] {
        bench.aggregator.clientStates.filter { $0.taskVersion != nil }.map(\.id.name)
    }

    /// Whom the only task at a time went to, one after the other.
    private static func asked(_ bench: inout Bench, _ count: Int) -> [String] {
        (0..<count).map { _ in
            let name = atWork(bench)[0]
            bench.update(name, base: bench.aggregator.version)
            return name
        }
    }

    private static func counts(_ names: some Sequence<String>) -> [String: Int] {
        names.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    @Test(arguments: UInt64(1)...6) func clientsThatAreAlwaysIdleHaveAsManyTasksOrOneMore(seed: UInt64) throws {
        var bench = try Self.bench(seed: seed)
        let asked = Self.asked(&bench, 95)
        for end in asked.indices {
            let counts = Self.counts(asked[...end])
            #expect(counts.values.max()! - (counts.count < 10 ? 0 : counts.values.min()!) <= 1)
        }
    }

    /// Within a turn each is as likely as any other, and the seed alone decides.
    @Test func aTurnsOrderIsDrawnFromTheSeed() throws {
        var one = try Self.bench(seed: 3, clients: 4)
        var same = try Self.bench(seed: 3, clients: 4)
        var other = try Self.bench(seed: 4, clients: 4)
        let asked = Self.asked(&one, 1_600)
        #expect(Self.asked(&same, 1_600) == asked)
        #expect(Self.asked(&other, 1_600) != asked)
        // 100 turns' first each, with a standard deviation of 8.7.
        let first = Self.counts(stride(from: 0, to: asked.count, by: 4).map { asked[$0] })
        #expect(first.count == 4 && first.values.allSatisfy { (65...135).contains($0) }, "\(first)")
    }

    @Test(arguments: UInt64(1)...4) func aStragglerBlocksNobodyAndIsNotAskedForWhatItMissed(seed: UInt64) throws {
        var bench = try Self.bench(seed: seed, concurrency: 2)
        let slow = Self.atWork(bench)[0]
        func next(_ count: Int) -> [String] {
            (0..<count).map { _ in
                let name = Self.atWork(bench).first { $0 != slow }!
                bench.update(name, base: bench.aggregator.version)
                return name
            }
        }
        let meanwhile = Self.counts(next(45))
        #expect(meanwhile.count == 9 && meanwhile.values.allSatisfy { $0 == 5 }, "\(meanwhile)")
        bench.update(slow, base: 0)
        // Both tasks are answered in the order in which they were given from here on.
        var later: [String] = []
        for _ in 0..<40 {
            let name = Self.atWork(bench).min { bench.tasks[$0]!.version < bench.tasks[$1]!.version }!
            bench.update(name, base: bench.tasks[name]!.version)
            later.append(name)
        }
        let counts = Self.counts(later)
        #expect((3...5).contains(counts[slow] ?? 0), "\(counts)")
    }

    /// One that fails its tasks is asked once a turn at most, and no more after the failures that are allowed.
    @Test func aClientThatFailsBlocksNobody() throws {
        var bench = try Self.bench(seed: 5, failuresAllowed: 3)
        var asked: [String] = []
        for _ in 0..<90 {
            let name = Self.atWork(bench)[0]
            asked.append(name)
            if name == "c0" {
                bench.take(
                    .received(
                        .failure(
                            .init(client: ClientID(name), session: 1, task: bench.tasks[name]!.number, reason: "x"))))
            } else {
                bench.update(name, base: bench.aggregator.version)
            }
        }
        let counts = Self.counts(asked)
        #expect(counts["c0"] == 3)
        #expect(counts.count == 10 && counts.values.max()! <= 10, "\(counts)")
    }

    @Test func oneThatComesLateIsAskedInItsTurnAlone() throws {
        var bench = try Self.bench(seed: 6, clients: 4)
        _ = Self.asked(&bench, 400)
        bench.hello("late")
        let counts = Self.counts(Self.asked(&bench, 50))
        #expect(counts.count == 5 && counts.values.allSatisfy { (9...11).contains($0) }, "\(counts)")
    }

    /// Rounds of five of twenty: all are asked in four rounds; a round without its stragglers ends at its deadline, and
    /// the next asks others.
    @Test func roundsAskInTurnAndKeepTheirDeadline() throws {
        let mode = Mode.synchronous(
            .init(cohort: 5, overSelection: 0, quorum: 3, deadline: .seconds(5), late: .discard))
        var bench = try Self.bench(seed: 7, mode: mode, concurrency: 0, clients: 20)
        var asked: [String] = []
        for round in 0..<4 {
            let cohort = Self.atWork(bench)
            #expect(cohort.count == 5)
            asked += cohort
            for name in cohort { bench.update(name, base: round) }
        }
        #expect(Set(asked).count == 20)
        let cohort = Self.atWork(bench)
        for name in cohort.prefix(3) { bench.update(name, base: 4) }
        #expect(bench.aggregator.version == 4)
        for _ in 0..<6 where bench.aggregator.version == 4 {
            for index in 0..<20 { bench.heartbeat("c\(index)") }
            bench.wait(.seconds(1))
        }
        #expect(bench.aggregator.version == 5)
        #expect(bench.aggregator.counts.inFlight == 7)
        let next = Self.atWork(bench).filter { bench.tasks[$0]!.version == 5 }
        #expect(next.count == 5 && Set(next).isDisjoint(with: cohort))
    }
}
