import CKernels

/// A frozen matrix packed for `multiply`: C = A W, W [depth, columns].
struct PackedMatrix: Sendable {
    private let memory: FloatMemory
    private let depth, columns, block: Int

    /// - Parameter source: element (i, j) of W is source[i * rowStride + j * columnStride].
    init(depth: Int, columns: Int, source: UnsafePointer<Float>, rowStride: Int, columnStride: Int) {
        memory = FloatMemory(count: ck_packed_count(depth, columns))
        let packed = ck_pack(depth, columns, source, rowStride, columnStride, memory.start)
        self.depth = packed.depth
        self.columns = packed.columns
        block = packed.block
    }

    /// C [rows, columns] = A [rows, depth] W (+ bias) (+ C), then `finish`.
    func multiply(
        _ kernels: Kernels, rows: Int, _ a: UnsafePointer<Float>, stride aStride: Int, bias: UnsafePointer<Float>?,
        into c: UnsafeMutablePointer<Float>, stride cStride: Int, accumulate: Bool = false, finish: ck_finish? = nil
    ) {
        var matrix = ck_matrix(depth: depth, columns: columns, block: block, panels: memory.start)
        if var finish {
            kernels.call.multiply(rows, a, aStride, &matrix, bias, c, cStride, accumulate ? 1 : 0, &finish)
        } else {
            kernels.call.multiply(rows, a, aStride, &matrix, bias, c, cStride, accumulate ? 1 : 0, nil)
        }
    }

    /// Floats of memory.
    var floatCount: Int { memory.count }
}

/// A frozen linear layer y = x W^T + bias, packed in both orientations, since its weights never change.
struct FrozenLayer: Sendable {
    let forward: PackedMatrix
    let backward: PackedMatrix
    let bias: FloatMemory

    /// - Parameters:
    ///   - weight: W, [outputs, inputs].
    ///   - bias: [outputs].
    init(outputs: Int, inputs: Int, weight: [Float], bias: [Float]) {
        (forward, backward) = weight.withUnsafeBufferPointer {
            (
                PackedMatrix(
                    depth: inputs, columns: outputs, source: $0.baseAddress!, rowStride: 1, columnStride: inputs),
                PackedMatrix(
                    depth: outputs, columns: inputs, source: $0.baseAddress!, rowStride: inputs, columnStride: 1)
            )
        }
        self.bias = FloatMemory(bias, paddedTo: padded(outputs))
    }
}
