import CKernels
import Foundation
import PromptAggregation
import PromptTuning
import Testing

/// Attention forward and backward against the formulas in float64.
@Suite struct AttentionKernelTests {
    struct Shape: Sendable {
        let queries, keys, heads, headWidth: Int
    }
    static let shapes = [
        Shape(queries: 1, keys: 1, heads: 1, headWidth: 1), Shape(queries: 5, keys: 5, heads: 3, headWidth: 8),
        Shape(queries: 1, keys: 20, heads: 2, headWidth: 16), Shape(queries: 33, keys: 33, heads: 2, headWidth: 24),
        Shape(queries: 75, keys: 75, heads: 1, headWidth: 64),
    ]

    @Test(arguments: KernelVariant.supported, shapes)
    func attention(_ variant: KernelVariant, _ shape: Shape) throws {
        let kernels = try #require(ck_kernels_named(variant.rawValue)).pointee
        var random = SeededRandom(seed: 6)
        let headStride = padded(shape.headWidth)
        let stride = shape.heads * headStride
        func heads(_ rows: Int) -> [Float] { random.padded(rows * shape.heads, shape.headWidth) }
        let scale = 1 / Float(shape.headWidth).squareRoot()
        let q = heads(shape.queries).map { $0 * scale }
        let k = heads(shape.keys)
        let v = heads(shape.keys)
        let gradient = heads(shape.queries)
        var o = [Float](repeating: .nan, count: q.count)
        var dq = o
        var dk = [Float](repeating: .nan, count: k.count)
        var dv = dk
        let probabilities = Aligned(shape.heads * shape.queries * padded(shape.keys))
        let scratch = Aligned(ck_attention_scratch_count(shape.queries, shape.keys, headStride))
        q.withUnsafeBufferPointer { q in
            k.withUnsafeBufferPointer { k in
                v.withUnsafeBufferPointer { v in
                    var attention = ck_attention(
                        queries: shape.queries, keys: shape.keys, heads: shape.heads,
                        head_stride: headStride, query_stride: stride, key_stride: stride, q: q.baseAddress!,
                        k: k.baseAddress!, v: v.baseAddress!, probabilities: probabilities.start, scratch: scratch.start
                    )
                    kernels.attend(&attention, &o, stride)
                    kernels.attend_backward(&attention, gradient, stride, &dq, stride, &dk, &dv, stride)
                }
            }
        }
        for head in 0..<shape.heads {
            func part(_ matrix: [Float], _ rows: Int) -> [[Double]] {
                (0..<rows).map { row in
                    (0..<shape.headWidth).map { Double(matrix[row * stride + head * headStride + $0]) }
                }
            }
            let expected = NaiveAttention(
                q: part(q, shape.queries), k: part(k, shape.keys), v: part(v, shape.keys),
                gradient: part(gradient, shape.queries))
            #expect(difference(part(o, shape.queries), expected.o) < 1e-5)
            #expect(difference(part(dq, shape.queries), expected.dq) < 1e-5)
            #expect(difference(part(dk, shape.keys), expected.dk) < 1e-5)
            #expect(difference(part(dv, shape.keys), expected.dv) < 1e-5)
        }
    }

    private func difference(_ a: [[Double]], _ b: [[Double]]) -> Double {
        let differences = zip(a.joined(), b.joined()).map { abs($0 - $1) }
        return differences.allSatisfy(\.isFinite) ? differences.max() ?? 0 : .infinity
    }
}

/// O = softmax(Q Kᵀ) V of one head and its gradients, as the formulas say.
private struct NaiveAttention {
    var o, dq, dk, dv: [[Double]]

    init(q: [[Double]], k: [[Double]], v: [[Double]], gradient: [[Double]]) {
        func inner(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        let width = q[0].count
        let zeros = [Double](repeating: 0, count: width)
        o = q.map { _ in zeros }
        dq = o
        dk = k.map { _ in zeros }
        dv = dk
        for i in q.indices {
            let scores = k.map { inner(q[i], $0) }
            let most = scores.max()!
            let weights = scores.map { exp($0 - most) }
            let p = weights.map { $0 / weights.reduce(0, +) }
            let dp = v.map { inner(gradient[i], $0) }
            let mean = inner(p, dp)
            for j in k.indices {
                let ds = p[j] * (dp[j] - mean)
                for c in 0..<width {
                    o[i][c] += p[j] * v[j][c]
                    dv[j][c] += p[j] * gradient[i][c]
                    dq[i][c] += ds * k[j][c]
                    dk[j][c] += ds * q[i][c]
                }
            }
        }
    }
}
