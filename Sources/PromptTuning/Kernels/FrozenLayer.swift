import CKernels
import PromptAggregation
import Synchronization

/// A frozen matrix packed for `multiply`: C = A W, W [depth, columns].
struct PackedMatrix: Sendable {
    private let memory: FloatMemory
    private let depth, columns, block: Int
    private let precision: EncoderPrecision

    /// - Parameter source: element (i, j) of W is source[i * rowStride + j * columnStride].
    init(
        depth: Int, columns: Int, precision: EncoderPrecision, source: UnsafePointer<Float>, rowStride: Int,
        columnStride: Int
    ) {
        let memory = FloatMemory(count: ck_packed_count(depth, columns, precision.kernel))
        self.init(
            ck_pack(depth, columns, precision.kernel, source, rowStride, columnStride, memory.start), precision, memory)
    }

    private init(_ packed: ck_matrix, _ precision: EncoderPrecision, _ memory: FloatMemory) {
        self.memory = memory
        self.precision = precision
        depth = packed.depth
        columns = packed.columns
        block = packed.block
    }

    private var matrix: ck_matrix {
        ck_matrix(
            depth: depth, columns: columns, block: block, precision: precision.kernel, panels: memory.start)
    }

    var byteCount: Int { memory.count * MemoryLayout<Float>.stride }

    /// The transpose, packed.
    ///
    /// - Parameter columns: how many columns of W are no padding.
    func transposed(columns: Int) -> PackedMatrix {
        let target = FloatMemory(count: ck_packed_count(columns, depth, precision.kernel))
        var source = matrix
        return PackedMatrix(ck_pack_transpose(&source, columns, target.start), precision, target)
    }

    /// C [rows, columns] = A [rows, depth] W (+ bias) (+ C), then `finish`.
    func multiply(
        _ kernels: Kernels, rows: Int, _ a: UnsafePointer<Float>, stride aStride: Int, bias: UnsafePointer<Float>?,
        into c: UnsafeMutablePointer<Float>, stride cStride: Int, accumulate: Bool = false, finish: ck_finish? = nil
    ) {
        var matrix = matrix
        if var finish {
            kernels.call.multiply(rows, a, aStride, &matrix, bias, c, cStride, accumulate ? 1 : 0, &finish)
        } else {
            kernels.call.multiply(rows, a, aStride, &matrix, bias, c, cStride, accumulate ? 1 : 0, nil)
        }
    }
}

/// A frozen linear layer y = x W^T + bias, packed for y once, and, when the first gradient passes, for the way back:
/// whoever only evaluates needs half of the memory.
final class FrozenLayer: Sendable {
    let forward: PackedMatrix
    let bias: FloatMemory
    let outputs: Int
    private let transposed = Mutex<PackedMatrix?>(nil)

    /// - Parameters:
    ///   - weight: W, [outputs, inputs].
    ///   - bias: [outputs].
    init(outputs: Int, inputs: Int, weight: [Float], bias: [Float], precision: EncoderPrecision) {
        forward = weight.withUnsafeBufferPointer {
            PackedMatrix(
                depth: inputs, columns: outputs, precision: precision, source: $0.baseAddress!, rowStride: 1,
                columnStride: inputs)
        }
        self.outputs = outputs
        self.bias = FloatMemory(bias, paddedTo: padded(outputs))
    }

    /// Bytes of what is packed by now.
    var byteCount: Int { forward.byteCount + transposed.withLock { $0?.byteCount ?? 0 } }

    /// For dx = dy W.
    var backward: PackedMatrix {
        transposed.withLock { matrix in
            if let matrix { return matrix }
            let made = forward.transposed(columns: outputs)
            matrix = made
            return made
        }
    }
}

extension EncoderPrecision {
    var kernel: ck_precision {
        switch self {
        case .float32: ck_float32
        case .bfloat16: ck_bfloat16
        }
    }
}
