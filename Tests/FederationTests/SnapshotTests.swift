import Federation
import PromptAggregation
import Testing

@Suite struct SnapshotTests {
    /// A run with two sessions of a client, a lost one, tasks in flight, duplicates, rejections and a half-filled buffer.
    static func midRun(mode: Mode) -> Bench {
        var bench = Bench(mode: mode, concurrency: 3, maximumStaleness: 2)
        for name in ["a", "b", "c", "d"] { bench.hello(name) }
        bench.update("a", 1, base: 0)
        bench.update("b", 1, base: 0, values: [2, 0])
        bench.update("b", 1, base: 0, values: [2, 0])
        bench.update("c", 3, base: 0, values: [.nan, 0])
        bench.pass(.seconds(1))
        bench.hello("a", session: 9)
        bench.update("a", 1, session: 9, base: bench.aggregator.version, values: [0.5, 0])
        bench.pass(.seconds(11))
        bench.hello("e")
        bench.take(.timerFired(.leaseSweep))
        return bench
    }

    static let modes: [Mode] = [
        .buffered(.init(size: 2, flushAfter: .seconds(5))), .continuous,
        .synchronous(.init(cohort: 2, overSelection: 0.5, quorum: 1, deadline: .seconds(60), late: .carryOver)),
    ]

    /// The restored aggregator answers the rest of the run with the same effects and ends in the same state.
    @Test(arguments: modes)
    func aRestoredAggregatorGoesOnAsTheOther(mode: Mode) throws {
        var bench = Self.midRun(mode: mode)
        var restored = bench
        let snapshot = bench.aggregator.snapshot()
        restored.aggregator = try Aggregator(
            configuration: bench.aggregator.configuration, strategy: SummingStrategy(), snapshot: snapshot)
        #expect(restored.aggregator.snapshot() == snapshot)
        #expect(restored.aggregator.current == bench.aggregator.current)
        func both(_ act: (inout Bench) -> Void) {
            act(&bench)
            act(&restored)
            #expect(restored.last == bench.last)
        }
        for sequence in UInt64(2)..<8 {
            both { $0.update("a", sequence, session: 9, base: $0.aggregator.version, values: [Float(sequence), 0]) }
            both { $0.update("b", sequence, base: max(0, $0.aggregator.version - 1)) }
            both { $0.update("b", sequence - 1, base: 0) }
            both { $0.pass(.seconds(1)) }
            both { $0.hello("c", session: sequence) }
            both { $0.take(.timerFired(.beacon)) }
        }
        #expect(restored.aggregator.snapshot() == bench.aggregator.snapshot())
        #expect(bench.aggregator.version > 2)
    }

    @Test func refusesDamagedBytesAndOthers() throws {
        let bench = Self.midRun(mode: Self.modes[0])
        let snapshot = bench.aggregator.snapshot()
        func restore(_ bytes: [UInt8], _ strategy: SummingStrategy = SummingStrategy()) throws {
            _ = try Aggregator(configuration: bench.aggregator.configuration, strategy: strategy, snapshot: bytes)
        }
        try restore(snapshot)
        for place in stride(from: 0, to: snapshot.count, by: 7) {
            var damaged = snapshot
            damaged[place] ^= 1
            #expect(throws: SnapshotError.self) { try restore(damaged) }
            #expect(throws: SnapshotError.self) { try restore(Array(snapshot[..<place])) }
        }
        #expect(throws: SnapshotError.self) { try restore(snapshot, SummingStrategy(width: 3)) }
        #expect(throws: SnapshotError.self) { try restore(bench.aggregator.snapshot() + [0]) }
        let error = #expect(throws: SnapshotError.self) { try restore(SummingStrategy().snapshot()) }
        #expect("\(error!)" == "snapshot: kind at byte 16: expected 'Aggregator', found 'summing'")
    }
}
