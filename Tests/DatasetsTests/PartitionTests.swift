import Datasets
import PromptAggregation
import Testing

@Suite struct PartitionTests {
    /// 10 classes of different sizes in a mixed order.
    private static let labels: [Int] = {
        var random = SeededRandom(seed: 1)
        return (0..<10).flatMap { [Int](repeating: $0, count: 200 + 40 * $0) }.shuffled(using: &random)
    }()

    static let partitions: [Partition] = [
        .iid, .dirichlet(alpha: 0.1, minimum: 1), .dirichlet(alpha: 0.5, minimum: 10),
        .dirichlet(alpha: 1e-3, minimum: 0), .dirichlet(alpha: 1e6, minimum: 100), .imbalance(),
        .imbalance(fraction: 0.3, share: 0.9), .imbalance(fraction: 1, share: 1),
    ]

    private func divide(_ partition: Partition, clients: Int = 20, seed: UInt64 = 7) throws -> [[Int]] {
        try partition.positions(labels: Self.labels, classCount: 10, clients: clients, seed: seed)
    }

    @Test(arguments: partitions) func everyImageGoesToExactlyOneClient(_ partition: Partition) throws {
        for seed: UInt64 in 0..<5 {
            let parts = try divide(partition, seed: seed)
            #expect(parts.count == 20)
            #expect(parts.flatMap { $0 }.sorted() == Array(0..<Self.labels.count))
            #expect(parts.allSatisfy { $0 == $0.sorted() })
        }
    }

    @Test(arguments: partitions) func theSeedDecidesThePartition(_ partition: Partition) throws {
        #expect(try divide(partition, seed: 3) == divide(partition, seed: 3))
        #expect(try divide(partition, seed: 3) != divide(partition, seed: 4))
    }

    @Test(arguments: partitions) func oneClientGetsEverything(_ partition: Partition) throws {
        if case .imbalance(let fraction, _) = partition, fraction < 1 { return }
        #expect(try divide(partition, clients: 1) == [Array(0..<Self.labels.count)])
    }

    @Test func iidPartsAreOfEqualSizeAndMixed() throws {
        let parts = try divide(.iid)
        #expect(Set(parts.map(\.count)).isSubset(of: [190, 191]) && parts.count == 20)
        #expect(parts.allSatisfy { Set($0.map { Self.labels[$0] }).count == 10 })
    }

    @Test func everyClientGetsTheMinimum() throws {
        for seed: UInt64 in 0..<20 {
            let parts = try divide(.dirichlet(alpha: 0.3, minimum: 40), seed: seed)
            #expect(parts.allSatisfy { $0.count >= 40 })
        }
    }

    /// The share of a client's most frequent class, averaged over the clients.
    private func skew(_ partition: Partition) throws -> Double {
        let shares = try (0..<5).flatMap { seed in
            try divide(partition, seed: seed).filter { !$0.isEmpty }.map { part in
                let counts = (0..<10).map { label in part.count { Self.labels[$0] == label } }
                return Double(counts.max()!) / Double(part.count)
            }
        }
        return shares.reduce(0, +) / Double(shares.count)
    }

    @Test func aSmallAlphaIsSkewedAndALargeOneIsNot() throws {
        let (small, middle, large) = try (
            skew(.dirichlet(alpha: 0.05, minimum: 1)), skew(.dirichlet(alpha: 0.5, minimum: 1)),
            skew(.dirichlet(alpha: 1e6, minimum: 1))
        )
        #expect(small > 0.6)
        #expect(small > middle && middle > large)
        #expect(large < 0.17, "the largest class holds 15 % of the images")
    }

    /// The variance of a share under Dirichlet(α) over k clients is (1/k)(1 − 1/k) / (kα + 1).
    @Test(arguments: [0.1, 0.5, 1, 3]) func sharesVaryAsDirichletSays(_ alpha: Double) throws {
        let labels = [Int](repeating: 0, count: 1_000)
        let shares = try (0..<2_000).flatMap { seed in
            try Partition.dirichlet(alpha: alpha, minimum: 0)
                .positions(labels: labels, classCount: 1, clients: 5, seed: seed).map { Double($0.count) / 1_000 }
        }
        let variance = shares.reduce(0) { $0 + ($1 - 0.2) * ($1 - 0.2) } / Double(shares.count)
        let expected = 0.2 * 0.8 / (5 * alpha + 1)
        #expect(abs(variance / expected - 1) < 0.08, "found \(variance), expected \(expected)")
    }

    @Test func aLargeAlphaIsNearlyUniform() throws {
        for part in try divide(.dirichlet(alpha: 1e7, minimum: 1)) {
            for label in 0..<10 {
                let even = Double(200 + 40 * label) / 20
                #expect(abs(Double(part.count { Self.labels[$0] == label }) - even) <= 1.5)
            }
        }
    }

    @Test func imbalancedClientsHoldMostlyTheirOwnClasses() throws {
        let even = (0..<10).flatMap { [Int](repeating: $0, count: 1_000) }
        let parts = try Partition.imbalance().positions(labels: even, classCount: 10, clients: 20, seed: 1)
        for part in parts {
            let counts = (0..<10).map { label in part.count { even[$0] == label } }.sorted()
            #expect(part.count == 500)
            #expect(counts[9] >= 495, "99 % come from one of the 10 classes")
            #expect(counts[9] < 500, "1 % comes from all classes")
        }
    }

    @Test func impossiblePartitionsAreExplained() {
        let total = Self.labels.count
        #expect(total == 3_800)
        #expect(
            refusal { try divide(.iid, clients: 0) }
                == "data.clients: expected 1 to 3800, at least one image each, found 0"
        )
        #expect(
            refusal { try divide(.iid, clients: 3_801) }
                == "data.clients: expected 1 to 3800, at least one image each, found 3801")
        #expect(
            refusal { try divide(.dirichlet(alpha: 0, minimum: 1)) }
                == "data.alpha: expected a number above 0, found 0.0")
        #expect(
            refusal { try divide(.dirichlet(alpha: .nan, minimum: 1)) }
                == "data.alpha: expected a number above 0, found nan")
        #expect(
            refusal { try divide(.dirichlet(alpha: 1, minimum: 191)) }
                == "partition: 3800 images cannot give each of 20 clients at least 191")
        #expect(
            refusal { try divide(.dirichlet(alpha: 0.01, minimum: 100)) }
                == "partition: none of 10000 draws with alpha 0.01 gave each of 20 clients at least 100 of 3800 images; "
                + "use a larger alpha, fewer clients, or a smaller minimum")
        #expect(
            refusal { try divide(.imbalance(), clients: 9) }
                == "partition: 9 clients with 1 of 10 classes each leave classes to nobody; use at least 10 clients or "
                + "a larger fraction")
        #expect(
            refusal { try divide(.imbalance(fraction: 0)) }
                == "partition: expected a fraction and a share from 0 to 1, found 0.0 and 0.99")
        #expect(
            refusal { try Partition.iid.positions(labels: [0, 5], classCount: 2, clients: 1, seed: 0) }
                == "expected labels from 0 to 1, found 5 at position 1")
    }
}
