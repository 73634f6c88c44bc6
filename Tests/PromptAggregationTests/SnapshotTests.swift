import PromptAggregation
import Testing

@Suite struct SnapshotTests {
    let initial = Sample.state()

    /// A strategy after two flushes.
    func midRun(_ name: String) throws -> any AggregationStrategy {
        var strategy = try RosterLawTests.make(name, initial)
        for round in 0..<2 { _ = strategy.aggregate(RosterLawTests().flush(strategy.state, round: round)) }
        return strategy
    }

    /// Bytes taken in the middle of a run lead to the same bits as the run that was never interrupted.
    @Test(arguments: RosterLawTests.methods)
    func aRestoredStrategyGoesOnToTheSameBits(name: String) throws {
        var strategy = try midRun(name)
        var restored = try RosterLawTests.make(name, initial)
        try restored.restore(strategy.snapshot())
        #expect(restored.state == strategy.state)
        #expect(restored.snapshot() == strategy.snapshot())
        for round in 2..<5 {
            let contributions = RosterLawTests().flush(strategy.state, round: round)
            #expect(restored.aggregate(contributions) == strategy.aggregate(contributions))
            #expect(restored.state == strategy.state)
        }
        #expect(restored.snapshot() == strategy.snapshot())
    }

    @Test func keptNetworksAreRestored() throws {
        let settings = [(key: "keep_networks", value: "true"), (key: "hidden", value: "8")]
        var strategy = try Sample.make("pfpt", settings, initial: initial)
        _ = strategy.aggregate(RosterLawTests().flush(initial, round: 0))
        var restored = try Sample.make("pfpt", settings, initial: initial)
        try restored.restore(strategy.snapshot())
        let contributions = RosterLawTests().flush(strategy.state, round: 1)
        #expect(restored.aggregate(contributions) == strategy.aggregate(contributions))
        #expect(restored.state == strategy.state)
    }

    /// Whatever byte is damaged and wherever the bytes end, they are refused and the strategy stays as it was.
    @Test(arguments: ["fedopt", "pfpt-async"])
    func refusesDamagedBytes(name: String) throws {
        let snapshot = try midRun(name).snapshot()
        var strategy = try RosterLawTests.make(name, initial)
        let before = strategy.snapshot()
        var random = SeededRandom(seed: 6)
        for _ in 0..<300 {
            var damaged = snapshot
            damaged[Int(random.next(upperBound: UInt64(damaged.count)))] ^= UInt8(
                1 + random.next(upperBound: UInt64(255)))
            #expect(throws: SnapshotError.self) { try strategy.restore(damaged) }
            let end = Int(random.next(upperBound: UInt64(snapshot.count)))
            #expect(throws: SnapshotError.self) { try strategy.restore(Array(snapshot[..<end])) }
        }
        #expect(throws: SnapshotError.self) { try strategy.restore(snapshot + [0]) }
        #expect(strategy.snapshot() == before)
    }

    @Test func saysWhatDoesNotFit() throws {
        let snapshot = try midRun("fedavg").snapshot()
        func error(_ bytes: [UInt8], _ name: String, _ initial: PromptState) throws -> String {
            var strategy = try RosterLawTests.make(name, initial)
            return "\(#expect(throws: SnapshotError.self) { try strategy.restore(bytes) }!)"
        }
        #expect(
            try error(snapshot, "fedbuff", initial).contains("strategy at byte 16: expected 'fedbuff', found 'fedavg'"))
        #expect(try error([], "fedavg", initial) == "snapshot: expected 24 more bytes at 0, but there are 0")
        #expect(try error([UInt8](repeating: 7, count: 40), "fedavg", initial).contains("mark at byte 0"))
        let wider = try error(snapshot, "fedavg", Sample.state(width: 9))
        #expect(wider.contains("shape of 'head.weight'") && wider.contains("[3, 9], found [3, 8]"))
        #expect(throws: SnapshotError.self) {
            var strategy = try Sample.make("pfpt-async", [("hidden", "9")], initial: initial)
            try strategy.restore(try midRun("pfpt-async").snapshot())
        }
    }
}

/// Snapshots that are whole, but say what no strategy ever wrote.
@Suite struct MadeUpSnapshotTests {
    static let extremes: [UInt64] = [
        UInt64(Int64.max), 1 << 63, .max, Double.greatestFiniteMagnitude.bitPattern,
    ]

    func flush(_ base: PromptState, round: Int) -> [Contribution] {
        (0..<2).map {
            Sample.contribution($0, base: base, touched: [0], staleness: $0, weight: 0.5, sequence: UInt64(round + 1))
        }
    }

    /// Whatever eight bytes in a row say, they are refused or lived with.
    @Test(arguments: RosterLawTests.methods, extremes)
    func nothingTrapsWhateverAWordSays(method: String, extreme: UInt64) throws {
        let initial = Sample.state(pool: 2, width: 2, classes: 1)
        let name = String(method.prefix { $0 != " " })
        let keys = try StrategyCatalog.entry(name).settings.map(\.key)
        let small = [(key: "sweeps", value: "1"), (key: "hidden", value: "1"), (key: "attention", value: "1")]
        let settings = small.filter { keys.contains($0.key) } + RosterLawTests.settings(of: method)
        var base = try Sample.make(name, settings, initial: initial)
        for round in 0..<2 { _ = base.aggregate(flush(base.state, round: round)) }
        let snapshot = Array(base.snapshot().dropLast(8))
        var refused = 0
        for place in 16...snapshot.count - 8 {
            var bytes = snapshot
            withUnsafeBytes(of: extreme.littleEndian) { bytes.replaceSubrange(place..<place + 8, with: $0) }
            withUnsafeBytes(of: SnapshotFormat.checksum(bytes[...]).littleEndian) { bytes.append(contentsOf: $0) }
            var strategy = try Sample.make(name, settings, initial: initial)
            do {
                try strategy.restore(bytes)
                for _ in 0..<2 { _ = strategy.aggregate(flush(base.state, round: 2)) }
                #expect(strategy.state.parameters.entries.allSatisfy { $0.tensor.firstNonFinite == nil })
            } catch {
                refused += 1
            }
        }
        #expect(refused > 0)
    }
}
