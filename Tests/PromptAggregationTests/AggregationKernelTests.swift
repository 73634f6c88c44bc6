import CKernels
import Foundation
import PromptAggregation
import Testing

/// The kernels of each variant against the formulas of the header in Float64.
@Suite struct AggregationKernelTests {
    @Test(arguments: KernelCheck.allCases)
    func portable(check: KernelCheck) throws { try check.run("portable") }

    @Test(
        .enabled(if: aggregation_kernels_named("avx2") != nil, "this processor has no AVX2 and FMA"),
        arguments: KernelCheck.allCases)
    func avx2(check: KernelCheck) throws { try check.run("avx2") }

    @Test(
        .enabled(if: aggregation_kernels_named("avx512") != nil, "this processor has no AVX-512 F, DQ, BW and VL"),
        arguments: KernelCheck.allCases)
    func avx512(check: KernelCheck) throws { try check.run("avx512") }

    @Test func anUnknownNameHasNoKernels() { #expect(aggregation_kernels_named("sse9") == nil) }
}

enum KernelCheck: CaseIterable {
    case products, activationsAndPrecisions, gainsAndGradients, likelyGains, adam

    func run(_ variant: String) throws {
        let twin = KernelTwin(kernels: try #require(aggregation_kernels_named(variant)).pointee)
        switch self {
        case .products: twin.products()
        case .activationsAndPrecisions: twin.activationsAndPrecisions()
        case .gainsAndGradients: twin.gainsAndGradients()
        case .likelyGains: twin.likelyGains()
        case .adam: twin.adam()
        }
    }
}

/// The slow and obvious twin of the kernels.
private struct KernelTwin {
    let kernels: aggregation_kernels

    // Rows, columns and depths around the sizes of tiles and vectors.
    static let extents = [(1, 1, 1), (5, 15, 7), (6, 16, 128), (7, 17, 129), (13, 64, 40), (20, 100, 33)]

    static func numbers(_ count: Int, _ random: inout SeededRandom) -> [Float] {
        (0..<count).map { _ in Float(random.nextNormal()) }
    }

    func close(_ a: [Float], _ b: [Double], _ tolerance: Double = 1e-5) -> Bool {
        a.count == b.count && zip(a, b).allSatisfy { abs(Double($0) - $1) <= tolerance * max(1, abs($1)) }
    }

    func products() {
        var random = SeededRandom(seed: 3)
        for (m, n, k) in Self.extents {
            let (a, b) = (Self.numbers(m * k, &random), Self.numbers(k * n, &random))
            let start = Self.numbers(m * n, &random)
            var expected = [Double](repeating: 0, count: m * n)
            for i in 0..<m {
                for j in 0..<n {
                    for p in 0..<k { expected[i * n + j] += Double(a[i * k + p]) * Double(b[p * n + j]) }
                }
            }
            let accumulated = zip(expected, start).map { $0 + Double($1) }
            let aTurned = (0..<k * m).map { a[$0 % m * k + $0 / m] }
            let bTurned = (0..<k * n).map { b[$0 % k * n + $0 / k] }
            for accumulate in [0, 1] as [Int32] {
                let goal = accumulate == 1 ? accumulated : expected
                var (plain, fromTurned, transposed) = (start, start, start)
                kernels.gemm(m, n, k, a, k, 1, b, n, &plain, n, accumulate)
                kernels.gemm(m, n, k, aTurned, 1, m, b, n, &fromTurned, n, accumulate)
                kernels.gemm_transposed(m, n, k, a, k, bTurned, k, &transposed, n, accumulate)
                #expect(close(plain, goal) && close(fromTurned, goal) && close(transposed, goal), "\(m) \(n) \(k)")
            }
        }
    }

    func activationsAndPrecisions() {
        var random = SeededRandom(seed: 4)
        let (rows, columns) = (3, 37)
        let bias = Self.numbers(columns, &random)
        let values = Self.numbers(rows * columns, &random).map { 9 * $0 }
        var active = values
        kernels.bias_relu(rows, columns, bias, &active)
        let sums = values.indices.map { values[$0] + bias[$0 % columns] }
        #expect(active == sums.map { max(0, $0) })

        var logits = values
        var precision = [Float](repeating: 0, count: values.count)
        var logSums = [Float](repeating: 0, count: rows)
        kernels.precision(rows, columns, bias, &logits, &precision, &logSums)
        let held = sums.map { max(-20, min(20, $0)) }
        #expect(logits == held)
        #expect(close(precision, held.map { 1 + exp(-Double($0)) }, 1e-6))
        for row in 0..<rows {
            let expected = held[row * columns..<(row + 1) * columns].reduce(0.0) { $0 - log(1 + exp(-Double($1))) }
            #expect(abs(Double(logSums[row]) - expected) < 1e-5 * max(1, abs(expected)))
        }
        exponentialsAndLogarithms()
    }

    /// One column a row: the errors that the header states.
    private func exponentialsAndLogarithms() {
        let start = (0...8000).map { Float($0 - 4000) / 200 }
        var (logits, precision, logs) = (start, start, start)
        kernels.precision(start.count, 1, [0], &logits, &precision, &logs)
        for place in start.indices {
            let exact = 1 + Elementary.exp(-Double(start[place]))
            #expect(abs(Double(precision[place]) - exact) < 2e-7 * exact)
            let log = -Elementary.log(Double(precision[place]))
            #expect(abs(Double(logs[place]) - log) < 2e-7 * max(1, abs(log)))
        }
    }

    func gainsAndGradients() {
        var random = SeededRandom(seed: 5)
        let (locals, pool, width) = (3, 5, 45)
        let rows = Self.numbers(locals * width, &random)
        let prompts = Self.numbers(pool * width, &random)
        let precision = Self.numbers(pool * width, &random).map { 1 + abs($0) }
        let offset = Self.numbers(pool, &random)
        var gains = [Float](repeating: 0, count: locals * pool)
        kernels.gains(locals, pool, width, rows, prompts, precision, offset, &gains)
        let expected = gains.indices.map { place in
            let (local, row) = (place / pool, place % pool)
            return (0..<width).reduce(Double(offset[row])) { sum, column in
                let residual = Double(rows[local * width + column]) - Double(prompts[row * width + column])
                return sum - 0.5 * residual * residual * Double(precision[row * width + column])
            }
        }
        #expect(close(gains, expected))

        var (byMean, byLogit) = ([Float](repeating: 0, count: width), [Float](repeating: 0, count: width))
        kernels.normal_gradients(width, rows, prompts, precision, 2, &byMean, &byLogit)
        for column in 0..<width {
            let residual = Double(rows[column]) - Double(prompts[column])
            let variance = 1 / Double(precision[column])
            // d/dx of ½ log σ(x) + ½ r² / σ(x), where 1/σ is the precision.
            let slope = 0.5 * (1 - variance) * (1 - residual * residual / variance)
            #expect(abs(Double(byMean[column]) - max(-2, min(2, -residual / variance))) < 1e-5)
            #expect(abs(Double(byLogit[column]) - max(-2, min(2, slope))) < 1e-5)
        }
    }

    /// The likely ones are the gains themselves, and of the others each is below its row's floor.
    func likelyGains() {
        var random = SeededRandom(seed: 7)
        for (locals, pool, width) in [(1, 1, 1), (3, 5, 45), (4, 9, 64), (5, 40, 200), (13, 60, 530)] {
            let prompts = Self.numbers(pool * width, &random)
            // Each near a prompt, as what a client sends is.
            let rows = (0..<locals * width).map {
                prompts[$0 / width % pool * width + $0 % width] + 0.3 * Float($0 % 7)
            }
            let precision = Self.numbers(pool * width, &random).map { 1 + abs($0) }
            let offset = Self.numbers(pool, &random).map { 10 * $0 }
            var (all, likely) = (
                [Float](repeating: 0, count: locals * pool), [Float](repeating: 0, count: locals * pool)
            )
            kernels.gains(locals, pool, width, rows, prompts, precision, offset, &all)
            // Floors that hold nothing back, and one that is already above all gains.
            var floors = [Float](repeating: -.infinity, count: locals)
            if locals > 4 { floors[4] = 1e6 }
            kernels.likely_gains(locals, pool, width, rows, prompts, precision, offset, &floors, &likely)
            for local in 0..<locals {
                let range = local * pool..<(local + 1) * pool
                let largest = all[range].max()!
                #expect(floors[local] == (local == 4 ? 1e6 : aggregation_gain_floor(largest)))
                for place in range where likely[place] != all[place] {
                    #expect(likely[place] == -.infinity && all[place] < floors[local])
                }
                if local != 4 { #expect(likely[range].max() == largest) }
            }
            if pool > 5 && width > 64 { #expect(likely.count { $0 == -.infinity } > locals * pool / 2) }
        }
    }

    func adam() {
        var random = SeededRandom(seed: 6)
        let start = Self.numbers(35, &random)
        let gradient = Self.numbers(35, &random)
        var (values, first) = (start, Self.numbers(35, &random))
        var second = Self.numbers(35, &random).map { $0 * $0 }
        var expected: (values: [Double], first: [Double], second: [Double]) = ([], [], [])
        for place in start.indices {
            let slope = Double(gradient[place])
            let m: Double = 0.9 * Double(first[place]) + 0.1 * slope
            let v: Double = 0.99 * Double(second[place]) + 0.01 * slope * slope
            expected.first.append(m)
            expected.second.append(v)
            expected.values.append(Double(start[place]) - 0.01 * m / (v.squareRoot() * 1.5 + 1e-8))
        }
        var step = adam_step(beta1: 0.9, rest1: 0.1, beta2: 0.99, rest2: 0.01, step: 0.01, scale: 1.5, epsilon: 1e-8)
        kernels.adam(35, &values, &first, &second, gradient, &step)
        #expect(close(values, expected.values) && close(first, expected.first) && close(second, expected.second))
    }
}
