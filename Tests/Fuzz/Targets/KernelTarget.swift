import CKernels
import PromptAggregation

private let variants = ["portable", "avx2", "avx512", "avx512bf16"]

private func aggregationKernels(_ variant: String) -> aggregation_kernels? {
    aggregation_kernels_named(variant)?.pointee
}

private func tuningKernels(_ variant: String) -> ck_kernels? { ck_kernels_named(variant)?.pointee }

/// Calls one kernel of each variant on rows of any size. Arguments have memory of their own of just their size, so that the
/// address sanitizer finds what reads or writes beyond them. Aggregation must give the same bits with all variants, and
/// tuning nearly the same numbers.
func tryKernels(_ bytes: UnsafeRawBufferPointer) {
    var words = Array(bytes.prefix(6)) + [UInt8](repeating: 0, count: max(0, 6 - bytes.count))
    let operation = words.removeFirst()
    var trial = KernelTrial(
        m: 1 + Int(words[0] % 20), n: 1 + Int(words[1] % 70), k: 1 + Int(words[2] % 150), twice: words[3] % 2 == 1,
        random: SeededRandom(seed: bytes.dropFirst(6).reduce(UInt64(words[4])) { $0 &* 31 &+ UInt64($1) }))
    if operation < 128 {
        trial.tryAggregation(Int(operation) % 9)
    } else {
        trial.tryTuning(Int(operation) % 8)
    }
}

private struct KernelTrial {
    let m, n, k: Int
    /// Whether a sum goes on from what is there.
    let twice: Bool
    var random: SeededRandom

    /// Memory of just so many floats on a boundary of 64 bytes, with normal numbers.
    private mutating func numbers(_ count: Int) -> Floats {
        let floats = Floats(count)
        for index in 0..<count { floats.start[index] = Float(random.nextNormal()) }
        return floats
    }

    private mutating func positiveNumbers(_ count: Int) -> Floats {
        let floats = numbers(count)
        for index in 0..<count { floats.start[index] = 1 + abs(floats.start[index]) }
        return floats
    }

    /// Rows of `width` numbers, padded with zeros to a multiple of 16 as tuning has them.
    private mutating func rows(_ count: Int, _ width: Int) -> Floats {
        let floats = numbers(count * padded(width))
        for row in 0..<count {
            for column in width..<padded(width) { floats.start[row * padded(width) + column] = 0 }
        }
        return floats
    }

    mutating func tryAggregation(_ operation: Int) {
        let (a, b, c, d) = (numbers(m * k), numbers(k * n), numbers(m * n), numbers(m * n))
        let (offset, sums, positive) = (numbers(n), numbers(m), positiveNumbers(n * k))
        let (x, precision, byMean, byLogit) = (numbers(n), positiveNumbers(n), numbers(n), numbers(n))
        // What Adam moves, its moments, and gradients.
        let (values, first, second, gradient) = (numbers(k), numbers(k), positiveNumbers(k), numbers(k))
        var step = adam_step(
            beta1: 0.9, rest1: 0.1, beta2: 0.999, rest2: 0.001, step: 0.01, scale: 1.5, epsilon: 1e-8)
        let results = [c, d, sums, byMean, byLogit, values, first, second]
        compare(results, by: aggregationKernels, within: 0) { kernels in
            switch operation {
            case 0: kernels.gemm(m, n, k, a.start, k, 1, b.start, n, c.start, n, twice ? 1 : 0)
            case 1: kernels.gemm(m, n, k, a.start, 1, m, b.start, n, c.start, n, twice ? 1 : 0)
            case 2: kernels.gemm_transposed(m, n, k, a.start, k, b.start, k, c.start, n, twice ? 1 : 0)
            case 3: kernels.bias_relu(m, n, offset.start, c.start)
            case 4: kernels.precision(m, n, offset.start, c.start, d.start, sums.start)
            case 5: kernels.gains(m, n, k, a.start, b.start, positive.start, offset.start, c.start)
            case 6: kernels.likely_gains(m, n, k, a.start, b.start, positive.start, offset.start, sums.start, c.start)
            case 7:
                kernels.normal_gradients(
                    n, x.start, offset.start, precision.start, 10, byMean.start, byLogit.start)
            default: kernels.adam(k, values.start, first.start, second.start, gradient.start, &step)
            }
        }
    }

    mutating func tryTuning(_ operation: Int) {
        if operation == 7 { return tryAttention(heads: 1 + k % 3, width: 1 + k % 40) }
        let (x, y, z) = (rows(m, n), rows(m, n), rows(m, n))
        let (narrow, scale, shift, deviations) = (rows(m, k), rows(1, n), rows(1, n), numbers(m))
        let (plain, bias, trained, gradient) = (numbers(k * n), numbers(n), numbers(n * k), numbers(n * k))
        let precision = twice ? ck_bfloat16 : ck_float32
        let panels = Floats(ck_packed_count(k, n, precision))
        let packed = ck_pack(k, n, precision, plain.start, n, 1, panels.start)
        let (wide, deep) = (padded(n), padded(k))
        compare([x, y, narrow, deviations, gradient], by: tuningKernels, within: 1e-3) { kernels in
            switch operation {
            case 0:
                withUnsafePointer(to: packed) {
                    kernels.multiply(m, narrow.start, deep, $0, scale.start, x.start, wide, twice ? 1 : 0, nil)
                }
            case 1: kernels.normalize(m, n, 1e-5, z.start, wide, x.start, wide, deviations.start)
            case 2:
                kernels.normalize(m, n, 1e-5, z.start, wide, x.start, wide, deviations.start)
                kernels.normalize_backward(m, n, x.start, wide, deviations.start, z.start, wide, y.start, wide)
            case 3: kernels.scale_and_shift(m, n, scale.start, shift.start, x.start, wide)
            case 4: kernels.activate(twice ? ck_gelu : ck_quick_gelu, m * wide, x.start, y.start)
            case 5: kernels.linear(m, k, n, narrow.start, deep, trained.start, bias.start, x.start, wide)
            default:
                kernels.linear_weight_gradient(m, k, n, z.start, wide, narrow.start, deep, gradient.start)
                kernels.linear_input_gradient(m, k, n, z.start, wide, trained.start, narrow.start, deep)
            }
        }
    }

    /// Forward and backward with m queries and n keys, whose heads are padded one by one.
    private mutating func tryAttention(heads: Int, width: Int) {
        let stride = padded(width)
        let columns = heads * stride
        let (q, k, v, dO) = (
            rows(m * heads, width), rows(n * heads, width), rows(n * heads, width), rows(m * heads, width)
        )
        let (o, dq, dk, dv) = (
            rows(m * heads, width), rows(m * heads, width), rows(n * heads, width), rows(n * heads, width)
        )
        let probabilities = Floats(heads * m * padded(n))
        let scratch = Floats(ck_attention_scratch_count(m, n, stride))
        var attention = ck_attention(
            queries: m, keys: n, heads: heads, head_stride: stride, query_stride: columns, key_stride: columns,
            q: q.start, k: k.start, v: v.start, probabilities: probabilities.start, scratch: scratch.start)
        compare([o, dq, dk, dv, probabilities], by: tuningKernels, within: 1e-3) { kernels in
            kernels.attend(&attention, o.start, columns)
            kernels.attend_backward(&attention, dO.start, columns, dq.start, columns, dk.start, dv.start, columns)
        }
    }

    /// Runs `body` with each variant from the same numbers and compares what it leaves in `results` with the first one's.
    private func compare<Kernels>(
        _ results: [Floats], by named: (String) -> Kernels?, within tolerance: Float, _ body: (Kernels) -> Void
    ) {
        let starts = results.map(\.values)
        var expected: [[Float]]?
        for variant in variants {
            guard let kernels = named(variant) else { continue }
            for (result, start) in zip(results, starts) { result.values = start }
            body(kernels)
            let found = results.map(\.values)
            guard let first = expected else {
                expected = found
                continue
            }
            for (a, b) in zip(first.joined(), found.joined()) where a.bitPattern != b.bitPattern {
                guard abs(a - b) <= tolerance * max(1, abs(a)) else {
                    violated("\(variant) gives \(b) where portable gives \(a), for \(m) x \(n) x \(k)")
                }
            }
        }
    }

    private func padded(_ width: Int) -> Int { (width + 15) / 16 * 16 }
}

/// Floats in memory of their own.
private final class Floats {
    let start: UnsafeMutablePointer<Float>
    private let count: Int

    init(_ count: Int) {
        self.count = count
        start = UnsafeMutableRawPointer.allocate(byteCount: 4 * count, alignment: 64).bindMemory(
            to: Float.self, capacity: count)
        start.initialize(repeating: 0, count: count)
    }

    deinit { start.deallocate() }

    var values: [Float] {
        get { Array(UnsafeBufferPointer(start: start, count: count)) }
        set { start.update(from: newValue, count: count) }
    }
}

/// Sizes about those of vectors and tiles, for each kernel.
let kernelSeeds: [[UInt8]] = (0..<16).flatMap { (operation: UInt8) -> [[UInt8]] in
    let first: UInt8 = operation < 8 ? operation : 120 + operation
    return [[first, 0, 0, 0, 0, 1], [first, 5, 15, 6, 1, 2], [first, 6, 16, 128, 0, 3], [first, 19, 69, 149, 1, 4]]
}
