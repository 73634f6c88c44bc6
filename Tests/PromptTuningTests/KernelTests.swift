import CKernels
import Foundation
import PromptAggregation
import PromptTuning
import Testing

/// Every kernel of every variant that this machine can run, against the formula in float64.
@Suite struct KernelTests {
    static let variants = KernelVariant.supported

    private func kernels(_ variant: KernelVariant) throws -> ck_kernels {
        try #require(ck_kernels_named(variant.rawValue)).pointee
    }

    @Test func variantsAreNamedAndBounded() {
        #expect(Self.variants.contains(.portable))
        #expect(Self.variants.contains(.best))
        #expect(ck_kernels_named("none such") == nil)
    }

    /// Its variants give other bits, so a run that is under way must not change from one to another.
    @Test func tuningKeepsItsVariantWhenTheAggregationTakesAnother() throws {
        let (tuning, aggregation) = (KernelVariant.best, AggregationKernels.chosen)
        defer { try? AggregationKernels.choose(aggregation) }
        for variant in AggregationKernels.allCases where variant.isSupported {
            try AggregationKernels.choose(variant)
            #expect(KernelVariant.best == tuning)
        }
    }

    // The tests below run with every variant that there is; these say by name which one is missing.
    @Test(.enabled(if: ck_kernels_named("avx2") != nil, "this processor has no AVX2 and FMA"))
    func avx2IsTried() { #expect(Self.variants.contains(.avx2)) }

    @Test(.enabled(if: ck_kernels_named("avx512") != nil, "this processor has no AVX-512 F, DQ, BW and VL"))
    func avx512IsTried() { #expect(Self.variants.contains(.avx512)) }

    @Test(.enabled(if: ck_kernels_named("avx512bf16") != nil, "this processor has no AVX-512 BF16"))
    func avx512bf16IsTried() { #expect(Self.variants.contains(.avx512bf16)) }

    @Test(arguments: variants) func multiply(_ variant: KernelVariant) throws {
        let kernels = try kernels(variant)
        var random = SeededRandom(seed: 1)
        for (rows, depth, columns) in [
            (1, 1, 1), (2, 3, 5), (7, 16, 16), (8, 48, 48), (9, 17, 33), (23, 100, 130), (5, 769, 49), (3, 1601, 7),
            (20, 768, 210),
        ] {
            let stride = padded(columns)
            let a = random.matrix(rows, depth)
            let w = random.matrix(depth, columns)
            let bias = random.matrix(1, columns) + [Float](repeating: 0, count: stride - columns)
            let start = random.matrix(rows, stride)
            let panels = Aligned(ck_packed_count(depth, columns, ck_float32))
            let packed = ck_pack(depth, columns, ck_float32, w, columns, 1, panels.start)
            for accumulate in [false, true] {
                var c = start
                withUnsafePointer(to: packed) {
                    kernels.multiply(rows, a, depth, $0, bias, &c, stride, accumulate ? 1 : 0, nil)
                }
                for row in 0..<rows {
                    for column in 0..<columns {
                        var expected = Double(bias[column]) + (accumulate ? Double(start[row * stride + column]) : 0)
                        for k in 0..<depth { expected += Double(a[row * depth + k]) * Double(w[k * columns + column]) }
                        let error = abs(Double(c[row * stride + column]) - expected)
                        #expect(error < 1e-6 * Double(depth).squareRoot() + 2e-6, "\(rows) x \(depth) x \(columns)")
                    }
                }
            }
        }
    }

    @Test(arguments: variants) func finishedProducts(_ variant: KernelVariant) throws {
        let kernels = try kernels(variant)
        var random = SeededRandom(seed: 2)
        let (rows, depth, columns) = (11, 900, 224)
        let a = random.matrix(rows, depth)
        let w = random.matrix(depth, columns)
        let panels = Aligned(ck_packed_count(depth, columns, ck_float32))
        var packed = ck_pack(depth, columns, ck_float32, w, columns, 1, panels.start)
        var plain = [Float](repeating: 0, count: rows * columns)
        kernels.multiply(rows, a, depth, &packed, nil, &plain, columns, 0, nil)

        var slopes = random.matrix(rows, columns)
        let factors = slopes
        var scaled = plain
        slopes.withUnsafeMutableBufferPointer {
            var finish = ck_finish(kind: ck_scale, activation: ck_gelu, slopes: $0.baseAddress)
            kernels.multiply(rows, a, depth, &packed, nil, &scaled, columns, 0, &finish)
        }
        #expect(scaled == zip(plain, factors).map { $0 * $1 })

        var activated = plain
        var expected = plain
        var expectedSlopes = plain
        kernels.activate(ck_gelu, plain.count, &expected, &expectedSlopes)
        slopes.withUnsafeMutableBufferPointer {
            var finish = ck_finish(kind: ck_activate, activation: ck_gelu, slopes: $0.baseAddress)
            kernels.multiply(rows, a, depth, &packed, nil, &activated, columns, 0, &finish)
        }
        #expect(activated == expected)
        #expect(slopes == expectedSlopes)
    }

    @Test(arguments: variants) func normalize(_ variant: KernelVariant) throws {
        let kernels = try kernels(variant)
        var random = SeededRandom(seed: 3)
        for width in [1, 7, 16, 24, 100, 192] {
            let stride = padded(width)
            let rows = 5
            let epsilon = 1e-5
            let x = random.padded(rows, width, shift: 3)
            let dy = random.padded(rows, width)
            let before = random.padded(rows, width)
            var y = [Float](repeating: .nan, count: x.count)
            var inverse = [Float](repeating: 0, count: rows)
            var dx = before
            kernels.normalize(rows, width, Float(epsilon), x, stride, &y, stride, &inverse)
            kernels.normalize_backward(rows, width, y, stride, inverse, dy, stride, &dx, stride)
            for row in 0..<rows {
                func values(_ m: [Float]) -> [Double] { m[row * stride..<row * stride + width].map(Double.init) }
                let n = Double(width)
                let mean = values(x).reduce(0, +) / n
                let variance = values(x).reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
                let factor = 1 / (variance + epsilon).squareRoot()
                let normalised = values(x).map { ($0 - mean) * factor }
                let meanGradient = values(dy).reduce(0, +) / n
                let slope = zip(values(dy), normalised).reduce(0) { $0 + $1.0 * $1.1 } / n
                #expect(abs(Double(inverse[row]) / factor - 1) < 1e-5)
                for column in 0..<width {
                    let place = row * stride + column
                    #expect(abs(Double(y[place]) - normalised[column]) < 1e-5)
                    let gradient = factor * (Double(dy[place]) - meanGradient - normalised[column] * slope)
                    #expect(abs(Double(dx[place] - before[place]) - gradient) < 1e-5 * max(1, factor))
                }
                #expect(y[row * stride + width..<(row + 1) * stride].allSatisfy { $0 == 0 || $0.isNaN })
                #expect(dx[row * stride + width..<(row + 1) * stride].allSatisfy { $0 == 0 })
            }
        }
    }

    @Test(arguments: variants) func scaleAndShift(_ variant: KernelVariant) throws {
        let kernels = try kernels(variant)
        var random = SeededRandom(seed: 4)
        let scale = random.padded(1, 20)
        let shift = random.padded(1, 20)
        let before = random.padded(3, 20)
        var x = before
        kernels.scale_and_shift(3, 20, scale, shift, &x, 32)
        for place in x.indices {
            #expect(abs(x[place] - (before[place] * scale[place % 32] + shift[place % 32])) < 1e-6)
        }
    }

    @Test(arguments: variants) func activations(_ variant: KernelVariant) throws {
        let kernels = try kernels(variant)
        func sigmoid(_ z: Double) -> Double { 1 / (1 + exp(-z)) }
        let functions: [(ck_activation, (Double) -> Double)] = [
            (ck_gelu, { $0 * 0.5 * erfc(-$0 / 2.0.squareRoot()) }),
            (
                ck_gelu_tanh,
                { 0.5 * $0 * (1 + tanh((2 / .pi as Double).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }
            ),
            (ck_quick_gelu, { $0 * sigmoid(1.702 * $0) }),
        ]
        let points = (0..<4096).map { Float(Double($0) / 4096 * 40 - 20) }
        for (kind, function) in functions {
            var values = points
            var slopes = points
            kernels.activate(kind, points.count, &values, &slopes)
            var alone = points
            kernels.activate(kind, points.count, &alone, nil)
            #expect(alone == values)
            for (index, point) in points.enumerated() {
                let x = Double(point)
                let step = 1e-4
                let slope = (function(x + step) - function(x - step)) / (2 * step)
                #expect(abs(Double(values[index]) - function(x)) < 1e-6 + 4e-7 * abs(x), "\(kind) at \(x)")
                #expect(abs(Double(slopes[index]) - slope) < 1.5e-6, "slope of \(kind) at \(x)")
            }
        }
    }

    @Test(arguments: variants) func trainedLayer(_ variant: KernelVariant) throws {
        let kernels = try kernels(variant)
        var random = SeededRandom(seed: 5)
        let (rows, inputs, outputs) = (5, 37, 6)
        let x = random.padded(rows, inputs)
        let w = random.matrix(outputs, inputs)
        let bias = random.matrix(1, outputs)
        let dy = random.matrix(rows, outputs)
        let before = random.matrix(outputs, inputs)
        var y = [Float](repeating: 0, count: rows * outputs)
        var dx = x
        var dw = before
        kernels.linear(rows, inputs, outputs, x, 48, w, bias, &y, outputs)
        kernels.linear_input_gradient(rows, inputs, outputs, dy, outputs, w, &dx, 48)
        kernels.linear_weight_gradient(rows, inputs, outputs, dy, outputs, x, 48, &dw)
        for row in 0..<rows {
            for output in 0..<outputs {
                let expected = (0..<inputs).reduce(bias[output]) { $0 + x[row * 48 + $1] * w[output * inputs + $1] }
                #expect(abs(y[row * outputs + output] - expected) < 1e-5)
            }
            for input in 0..<inputs {
                let expected = (0..<outputs).reduce(0) { $0 + dy[row * outputs + $1] * w[$1 * inputs + input] }
                #expect(abs(dx[row * 48 + input] - expected) < 1e-5)
            }
        }
        for place in dw.indices {
            let expected = (0..<rows).reduce(before[place]) {
                $0 + dy[$1 * outputs + place / inputs] * x[$1 * 48 + place % inputs]
            }
            #expect(abs(dw[place] - expected) < 1e-5)
        }
    }

    @Test func crossEntropy() {
        let logits: [Float] = [1, 2, 3, -1, 80, 80]
        let adjustment: [Float] = [0, -.infinity, 1]
        var losses = [0.0, 0.0]
        var predictions: [Int32] = [0, 0]
        var gradient = [Float](repeating: 0, count: 6)
        ck_cross_entropy(2, 3, logits, 3, [0, 2], adjustment, [3, 1, 1], 0.5, &gradient, &losses, &predictions)
        // Without class 1: losses 3 (log(e^1 + e^4) − 1) and log(e^−1 + e^81) − 81.
        let share = exp(4.0) / (exp(1.0) + exp(4.0))
        #expect(abs(losses[0] - 3 * (log(exp(1.0) + exp(4.0)) - 1)) < 1e-12)
        #expect(abs(losses[1]) < 1e-12)
        #expect(predictions == [2, 1])
        let expected = [-1.5 * share, 0, 1.5 * share, 0, 0, 0]
        for (found, expected) in zip(gradient, expected) { #expect(abs(Double(found) - expected) < 1e-7) }
        // exp(−82) / 2 is nothing: it would slow down all that is computed with it.
        #expect(gradient[3] == 0)
    }

    @Test func poolDoesEachItemOnce() throws {
        let pool = try #require(ck_pool_create(3))
        defer { ck_pool_destroy(pool) }
        for items in [0, 1, 100] {
            var counts = [Int32](repeating: 0, count: items)
            counts.withUnsafeMutableBufferPointer { buffer in
                ck_pool_run(
                    pool, items,
                    { context, _, item in context.assumingMemoryBound(to: Int32.self)[item] += 1 },
                    buffer.baseAddress ?? UnsafeMutablePointer<Int32>.allocate(capacity: 1))
            }
            #expect(counts == [Int32](repeating: 1, count: items))
        }
    }
}
