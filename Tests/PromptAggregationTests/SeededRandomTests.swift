import PromptAggregation
import Testing

@Suite struct SeededRandomTests {
    /// A run's seed leads to these numbers for ever; other ones are another version of the algorithm.
    @Test func drawsTheSameNumbersInEveryBuild() {
        var random = SeededRandom(seed: 1, stream: 2)
        #expect(
            (0..<3).map { _ in random.next() } == [
                6_144_454_253_271_056_774, 2_748_275_668_371_798_451, 6_758_506_790_529_015_382,
            ])
        #expect((0..<8).map { _ in random.next(upperBound: UInt64(1000)) } == [119, 55, 910, 992, 597, 489, 75, 920])
        #expect(Array(0..<10).shuffled(using: &random) == [0, 3, 5, 9, 4, 1, 7, 6, 2, 8])
        #expect(
            (0..<3).map { _ in random.nextNormal().bitPattern }
                == [4_603_971_451_909_440_965, 4_605_468_712_872_319_216, 4_606_374_376_013_398_617])
    }

    @Test func staysBelowItsBoundAndFavoursNoNumber() {
        var random = SeededRandom(seed: 3)
        #expect((0..<100).allSatisfy { _ in random.next(upperBound: UInt64(1)) == 0 })
        // Two thirds of all words: without drawing again the lower half of the numbers would come twice as often.
        let bound = UInt64.max / 3 * 2
        let low = (0..<30_000).count { _ in random.next(upperBound: bound) < bound / 2 }
        #expect(abs(low - 15_000) < 520)
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<70_000 { counts[Int(random.next(upperBound: UInt64(7)))] += 1 }
        #expect(counts.allSatisfy { abs($0 - 10_000) < 560 })
    }

    @Test func shufflesIntoEveryOrderAlike() {
        var random = SeededRandom(seed: 4)
        var counts: [[Int]: Int] = [:]
        for _ in 0..<24_000 { counts[Array(0..<4).shuffled(using: &random), default: 0] += 1 }
        #expect(counts.count == 24 && counts.values.allSatisfy { abs($0 - 1000) < 190 })
        #expect(counts.keys.allSatisfy { $0.sorted() == [0, 1, 2, 3] })
        #expect([Int]().shuffled(using: &random).isEmpty)
        var (first, second) = (SeededRandom(seed: 5), SeededRandom(seed: 5))
        var inPlace = Array("impromptu")
        inPlace.shuffle(using: &first)
        #expect(inPlace == "impromptu".shuffled(using: &second))
    }
}
