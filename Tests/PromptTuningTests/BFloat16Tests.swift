import CKernels
import PromptAggregation
import PromptTuning
import Testing

/// Products with weights in bfloat16.
@Suite struct BFloat16Tests {
    /// Value and what it is rounded to, as bits of float32.
    static let roundings: [(UInt32, UInt32)] = [
        (0x3f80_0000, 0x3f80_0000), (0x3f80_7fff, 0x3f80_0000), (0x3f80_8001, 0x3f81_0000),
        // Halfway, to the even neighbour.
        (0x3f80_8000, 0x3f80_0000), (0x3f81_8000, 0x3f82_0000), (0xbf81_8000, 0xbf82_0000),
        // Beyond the largest number, and what is infinite.
        (0x7f7f_8000, 0x7f80_0000), (0xff80_0000, 0xff80_0000),
        // The smallest normal number, and subnormal ones.
        (0x0080_0000, 0x0080_0000), (0x007f_ffff, 0), (0x0000_0001, 0),
    ]

    private func kernels(_ variant: KernelVariant) throws -> ck_kernels {
        try #require(ck_kernels_named(variant.rawValue)).pointee
    }

    /// A [rows, depth] W [depth, columns] in bfloat16.
    private func product(
        _ kernels: ck_kernels, rows: Int, depth: Int, columns: Int, _ a: [Float], _ w: [Float], bias: [Float]? = nil,
        onto start: [Float]? = nil
    ) -> [Float] {
        let stride = padded(columns)
        let panels = Aligned(ck_packed_count(depth, columns, ck_bfloat16))
        var packed = ck_pack(depth, columns, ck_bfloat16, w, columns, 1, panels.start)
        var c = start ?? [Float](repeating: 0, count: rows * stride)
        kernels.multiply(rows, a, depth, &packed, bias, &c, stride, start == nil ? 0 : 1, nil)
        return c
    }

    @Test(arguments: KernelVariant.supported) func factorsAreRounded(_ variant: KernelVariant) throws {
        let kernels = try kernels(variant)
        for (given, expected) in Self.roundings {
            let (value, rounded) = (Float(bitPattern: given), Float(bitPattern: expected))
            // By two, so that no product is subnormal.
            #expect(
                product(kernels, rows: 1, depth: 1, columns: 1, [value], [2])[0] == 2 * rounded, "activation \(value)")
            #expect(product(kernels, rows: 1, depth: 1, columns: 1, [2], [value])[0] == 2 * rounded, "weight \(value)")
        }
        // All bits of its fraction that say so lie in the half that is cut off.
        for nan in [Float(bitPattern: 0x7f80_0001), Float(bitPattern: 0xffff_ffff)] {
            #expect(product(kernels, rows: 1, depth: 1, columns: 1, [nan], [1])[0].isNaN)
            #expect(product(kernels, rows: 1, depth: 1, columns: 1, [1], [nan])[0].isNaN)
        }
    }

    private static func rounded(_ value: Float) -> Double {
        let bits = value.bitPattern
        return Double(Float(bitPattern: (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000))
    }

    @Test func productsOfAllVariantsMatchThoseOfRoundedFactors() throws {
        var random = SeededRandom(seed: 11)
        for (rows, depth, columns) in [
            (1, 1, 1), (2, 3, 5), (7, 16, 16), (8, 48, 48), (9, 17, 33), (23, 100, 130), (5, 769, 49), (3, 1601, 7),
            (20, 768, 450),
        ] {
            let stride = padded(columns)
            let a = random.matrix(rows, depth)
            let w = random.matrix(depth, columns)
            let bias = random.matrix(1, columns) + [Float](repeating: 0, count: stride - columns)
            let start = random.matrix(rows, stride)
            for onto in [nil, start] {
                var results: [[Float]] = []
                for variant in KernelVariant.supported {
                    let c = product(
                        try kernels(variant), rows: rows, depth: depth, columns: columns, a, w, bias: bias, onto: onto)
                    results.append(c)
                    for row in 0..<rows {
                        for column in 0..<columns {
                            var expected = Double(bias[column]) + Double(onto?[row * stride + column] ?? 0)
                            for k in 0..<depth {
                                expected += Self.rounded(a[row * depth + k]) * Self.rounded(w[k * columns + column])
                            }
                            let error = abs(Double(c[row * stride + column]) - expected)
                            let bound = 1e-6 * Double(depth).squareRoot() + 2e-6
                            #expect(error < bound, "\(variant): \(rows) x \(depth) x \(columns)")
                        }
                    }
                }
                // None of the sums is subnormal.
                #expect(Set(results).count == 1, "\(rows) x \(depth) x \(columns): variants give unlike bits")
            }
        }
    }

    @Test func transposesGiveTheSameWeights() throws {
        var random = SeededRandom(seed: 12)
        let kernels = try kernels(.portable)
        for (depth, columns) in [(1, 1), (17, 33), (1601, 21), (40, 1000)] {
            let w = random.matrix(depth, columns)
            let turned = (0..<columns * depth).map { w[$0 % depth * columns + $0 / depth] }
            let a = random.matrix(2, columns)
            let panels = Aligned(ck_packed_count(depth, columns, ck_bfloat16))
            var packed = ck_pack(depth, columns, ck_bfloat16, w, columns, 1, panels.start)
            let back = Aligned(ck_packed_count(columns, depth, ck_bfloat16))
            var transpose = ck_pack_transpose(&packed, columns, back.start)
            var c = [Float](repeating: 0, count: 2 * padded(depth))
            kernels.multiply(2, a, columns, &transpose, nil, &c, padded(depth), 0, nil)
            #expect(c == product(kernels, rows: 2, depth: columns, columns: depth, a, turned))
        }
    }

    @Test func weightsOfBlocksTakeHalfOfTheMemory() throws {
        let encoder = try FrozenEncoder.bundled(precision: .bfloat16)
        // As in TuningBenchmarkTests, 2 bytes for a weight of a block and 4 for others.
        #expect(encoder.precision == .bfloat16)
        #expect(encoder.packedBytes == 2 * 6 * 12 * 192 * 192 + 4 * 48 * 192)
    }
}
