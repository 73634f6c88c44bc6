import CKernels
import Foundation
import PromptAggregation
import Testing

/// The same contributions lead to the same bits with every variant of the kernels, in debug and in release.
@Suite(.serialized) struct PortableBitsTests {
    /// The end of each strategy's snapshot, its checksum, after three flushes. Another bit anywhere is another version
    /// of the algorithm: then `AggregationAlgorithm.version` grows, and these are written again.
    struct Golden: Decodable {
        let version: UInt64
        let checksums: [String: String]
    }

    static func golden() throws -> Golden {
        let file = Bundle.module.resourceURL!.appendingPathComponent("Fixtures/bits.json")
        return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: file))
    }

    /// With settings that lead through every kernel.
    static let runs =
        StrategyCatalog.names.map { (name: $0, settings: [(key: String, value: String)]()) } + [
            ("pfpt", [(key: "prompt_step", value: "gradient"), (key: "restarts", value: "2")]),
            ("pfpt-async", [(key: "prompt_step", value: "gradient"), (key: "evidence", value: "pool")]),
            ("fedopt", [(key: "rule", value: "yogi")]),
            ("pfpt-async", [(key: "head", value: "closed")]), ("fedavg", [(key: "clip", value: "1")]),
            ("fedavg", [(key: "server_step", value: "momentum")]), ("median", [(key: "server_step", value: "adam")]),
        ]

    static func checksum(_ name: String, _ settings: [(key: String, value: String)]) throws -> String {
        // No multiple of 16, so that there are rests.
        let initial = Sample.state(pool: 7, width: 37, classes: 5)
        let keys = try StrategyCatalog.entry(name).settings.map(\.key)
        let quick = [(key: "sweeps", value: "4"), (key: "hidden", value: "19")].filter { keys.contains($0.key) }
        var strategy = try Sample.make(name, quick + settings, initial: initial)
        for round in 0..<3 {
            let base = strategy.state
            let contributions = (0..<4).map { client in
                var contribution = Sample.contribution(
                    client, base: base, touched: client == 2 ? [0, 2, 3] : nil, samples: 10 + 7 * client,
                    staleness: client, weight: StalenessWeight.polynomial(exponent: 0.3)(client),
                    sequence: UInt64(round + 1), step: 0.2)
                // Statistics that a closed head has use for: positive counts and a scatter with a strong diagonal.
                if base.parameters[Parameters.classScatter] != nil {
                    contribution.parameters[Parameters.classCounts]!.values = [3, 0, 5, 1, Float(client)]
                    let triangle = (0..<37).flatMap { row in (row..<37).map { Float($0 == row ? 40 + row : client) } }
                    contribution.parameters[Parameters.classScatter]!.values = triangle
                }
                return contribution
            }
            _ = strategy.aggregate(contributions)
        }
        return strategy.snapshot().suffix(8).map { String(format: "%02x", $0) }.joined()
    }

    func check(_ variant: AggregationKernels) throws {
        let before = AggregationKernels.chosen
        try AggregationKernels.choose(variant)
        defer { try? AggregationKernels.choose(before) }
        let golden = try Self.golden()
        #expect(golden.version == AggregationAlgorithm.version)
        #expect(golden.checksums.count == Self.runs.count)
        for (name, settings) in Self.runs {
            #expect(AggregationKernels.chosen == variant)
            let run = ([name] + settings.map { "\($0.key)=\($0.value)" }).joined(separator: " ")
            let checksum = try Self.checksum(name, settings)
            #expect(golden.checksums[run] == checksum, "\"\(run)\": \"\(checksum)\"")
        }
    }

    @Test func portableGivesTheGoldenBits() throws { try check(.portable) }

    @Test(.enabled(if: AggregationKernels.avx2.isSupported, "this processor has no AVX2 and FMA"))
    func avx2GivesTheGoldenBits() throws { try check(.avx2) }

    @Test(.enabled(if: AggregationKernels.avx512.isSupported, "this processor has no AVX-512 F, DQ, BW and VL"))
    func avx512GivesTheGoldenBits() throws { try check(.avx512) }

    /// The product and sum with one rounding that the portable variant makes without an instruction for it.
    @Test(arguments: AggregationKernels.allCases.filter(\.isSupported))
    func roundsAProductAndASumOnce(variant: AggregationKernels) throws {
        let kernels = try #require(aggregation_kernels_named(variant.rawValue)).pointee
        var random = SeededRandom(seed: 11)
        func number(_ like: Float?) -> Float {
            // Any finite bits; or something near what is given, so that sums cancel and ties are met.
            var bits = UInt32(truncatingIfNeeded: random.next())
            if let like, random.next() % 2 == 0 { bits = like.bitPattern ^ 0x8000_0000 &+ bits % 5 &- 2 }
            if random.next() % 4 == 0 { bits &= 0xffff_f000 }
            let value = Float(bitPattern: bits)
            return value.isFinite ? value : 1.5
        }
        for _ in 0..<20_000 {
            let (a, b) = (number(nil), number(nil))
            let c = number(a * b)
            // One column and sixteen, which take different ways.
            var (one, row) = ([c], [Float](repeating: c, count: 16))
            kernels.gemm(1, 1, 1, [a], 1, 1, [b], 1, &one, 1, 1)
            kernels.gemm(1, 16, 1, [a], 1, 1, [Float](repeating: b, count: 16), 16, &row, 16, 1)
            let expected = c.addingProduct(a, b).bitPattern
            #expect(one[0].bitPattern == expected && row[15].bitPattern == expected, "\(a) \(b) \(c)")
        }
    }

    @Test func choosesOnlyWhatRuns() throws {
        #expect(AggregationKernels.portable.isSupported && AggregationKernels.chosen.isSupported)
        #expect(
            AggregationKernelsError.unknown(name: "sse9").description.hasPrefix(
                "IMPROMPTU_KERNELS: expected one of portable"))
        #expect(AggregationKernelsError.unknown(name: "sse9").description.hasSuffix("found 'sse9'"))
        for variant in AggregationKernels.allCases where !variant.isSupported {
            #expect(throws: AggregationKernelsError.unsupported(variant)) { try AggregationKernels.choose(variant) }
        }
    }

    /// What the variable says counts in a process of its own; in this one whatever is set must be sound.
    @Test func theVariableOfThisProcessIsSoundAndCounts() throws {
        try AggregationKernels.checkVariable()
        if let name = ProcessInfo.processInfo.environment[AggregationKernels.variable] {
            #expect(AggregationKernels.chosen.rawValue == name)
        }
    }
}
