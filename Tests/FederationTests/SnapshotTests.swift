import Federation
import PromptAggregation
import Testing

@Suite struct SnapshotTests {
    /// A run with two sessions of a client, a lost one, one that fails, tasks in flight and taken back, duplicates,
    /// rejections and a half-filled buffer.
    static func midRun(mode: Mode, order: DispatchOrder) throws -> Bench {
        var bench = try Bench(mode: mode, concurrency: 4, order: order, maximumStaleness: 2)
        for name in ["a", "b", "c", "d"] { bench.hello(name) }
        bench.update("a", base: 0)
        bench.update("b", base: 0, values: [2, 0])
        bench.update("b", task: 2, base: 0, values: [2, 0])
        bench.update("c", base: 0, values: [.nan, 0])
        bench.wait(.seconds(1))
        bench.hello("a", session: 9)
        bench.heartbeat("a", session: 9, task: 0)
        bench.update("a", session: 9, base: bench.aggregator.version, values: [0.5, 0])
        bench.wait(.seconds(11))
        bench.hello("e")
        bench.hello("f", samples: 0)
        bench.hello("a", session: 10)
        bench.hello("a", session: 11)
        bench.take(
            .received(.failure(.init(client: ClientID("e"), session: 1, task: bench.tasks["e"]!.number, reason: "x"))))
        return bench
    }

    static let modes: [Mode] = [
        .buffered(.init(size: 2, flushAfter: .seconds(5))), .continuous,
        .synchronous(.init(cohort: 2, overSelection: 0.5, quorum: 1, deadline: .seconds(60), late: .carryOver)),
    ]

    /// The restored aggregator answers the rest of the run with the same effects and ends in the same state.
    @Test(arguments: modes, DispatchOrder.allCases)
    func aRestoredAggregatorContinuesAsTheOther(mode: Mode, order: DispatchOrder) throws {
        var bench = try Self.midRun(mode: mode, order: order)
        var restored = bench
        restored.aggregator = try bench.restored()
        #expect(restored.aggregator.snapshot() == bench.aggregator.snapshot())
        #expect(restored.aggregator.current == bench.aggregator.current)
        #expect(restored.aggregator.nextDeadline == bench.aggregator.nextDeadline)
        func both(_ act: (inout Bench) -> Void) {
            act(&bench)
            act(&restored)
            #expect(restored.last == bench.last)
        }
        for turn in UInt64(0)..<8 {
            both { $0.update("a", session: 9, base: $0.aggregator.version, values: [Float(turn), 0]) }
            both { $0.update("b", base: max(0, $0.aggregator.version - 1)) }
            both { $0.update("b", task: 2, base: 0) }
            both { $0.wait(.milliseconds(1_300)) }
            both { $0.hello("c", session: 20 + turn) }
            both { $0.heartbeat("c", session: 20 + turn, .idle, task: 0) }
            both { $0.update("c", session: 20 + turn, base: $0.aggregator.version) }
        }
        #expect(restored.aggregator.snapshot() == bench.aggregator.snapshot())
        #expect(bench.aggregator.version > 2)
    }

    @Test func refusesDamagedBytesAndOthers() throws {
        let bench = try Self.midRun(mode: Self.modes[0], order: .inTurn)
        let snapshot = bench.aggregator.snapshot()
        func restore(_ bytes: [UInt8], _ strategy: SummingStrategy = SummingStrategy(), run: UInt64 = Bench.run) throws
        {
            _ = try Aggregator(
                configuration: bench.aggregator.configuration, run: run, strategy: strategy, snapshot: bytes)
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
        let other = #expect(throws: SnapshotError.self) { try restore(snapshot, run: 5) }
        #expect("\(other!)".contains("run at byte"))
        let error = #expect(throws: SnapshotError.self) { try restore(SummingStrategy().snapshot()) }
        #expect("\(error!)" == "snapshot: kind at byte 16: expected 'Aggregator', found 'summing'")
    }

    /// Words of a snapshot are replaced by hostile ones and its checksum is made right again: it is refused, or gives an
    /// aggregator that holds its invariants and does its work. Nothing traps.
    @Test(arguments: modes) func hostileWordsWithAValidChecksumNeverTrap(mode: Mode) throws {
        let bench = try Self.midRun(mode: mode, order: .inTurn)
        let snapshot = bench.aggregator.snapshot()
        let words: [UInt64] = [
            0, 1, 2, 3, 7, 1 << 20, 1 << 40, 1 << 62, UInt64(Int64.max), UInt64(Int64.max) - 1, 1 << 63, .max,
        ]
        var (refused, taken) = (0, 0)
        for place in stride(from: 16, to: snapshot.count - 8, by: 8) {
            for word in words {
                var damaged = snapshot
                withUnsafeBytes(of: word.littleEndian) { damaged.replaceSubrange(place..<place + 8, with: $0) }
                Self.seal(&damaged)
                var other = bench
                do {
                    other.aggregator = try Aggregator(
                        configuration: bench.aggregator.configuration, run: Bench.run, strategy: SummingStrategy(),
                        snapshot: damaged)
                } catch {
                    refused += 1
                    continue
                }
                taken += 1
                other.take(.started)
                other.hello("g")
                other.update("g", base: other.aggregator.version)
                other.update("b", base: 0)
                other.wait(.seconds(4))
            }
        }
        #expect(refused > taken && taken > 100, "\(refused) refused, \(taken) taken")
    }

    /// FNV-1a over words, as `SnapshotWriter` closes what it writes.
    private static func seal(_ bytes: inout [UInt8]) {
        let end = bytes.count - 8
        func word(_ place: Int, _ count: Int) -> UInt64 {
            (0..<count).reduce(0) { $0 | UInt64(bytes[place + $1]) << UInt64(8 * $1) }
        }
        var sum: UInt64 = 0xCBF2_9CE4_8422_2325
        for place in stride(from: 0, to: end & ~7, by: 8) {
            sum = (sum ^ word(place, 8)) &* 0x0000_0100_0000_01B3
            sum ^= sum >> 32
        }
        sum = (sum ^ word(end & ~7, end & 7) ^ UInt64(end)) &* 0x0000_0100_0000_01B3
        for place in 0..<8 { bytes[end + place] = UInt8(truncatingIfNeeded: sum >> UInt64(8 * place)) }
    }
}
