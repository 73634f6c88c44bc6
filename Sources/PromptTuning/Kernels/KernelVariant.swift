import CKernels

/// One of the implementations of the kernels. All compute the same within float32's rounding, and products of bfloat16
/// from the same rounded factors.
public enum KernelVariant: String, Hashable, Sendable, CaseIterable {
    /// AVX-512 (F, DQ, BW, VL), and one instruction for pairs of bfloat16 (AVX512-BF16).
    case avx512bf16
    /// AVX-512 (F, DQ, BW, VL).
    case avx512
    /// AVX2 and FMA.
    case avx2
    /// Vectors of four floats: SSE2 or NEON.
    case portable

    /// The variants that this machine can run, fastest first.
    public static var supported: [KernelVariant] { allCases.filter { ck_kernels_named($0.rawValue) != nil } }

    /// The variant in use: the fastest that this machine can run, unless IMPROMPTU_KERNELS names another.
    public static var best: KernelVariant { KernelVariant(rawValue: String(cString: ck_kernels_best().pointee.name))! }
}

/// The kernels of a variant, for the calls.
struct Kernels: @unchecked Sendable {
    /// Constant data of the program: no thread ever writes it.
    private let table: UnsafePointer<ck_kernels>

    var call: ck_kernels { table.pointee }

    /// - Throws: `TuningError.unsupportedKernels` when this machine cannot run them.
    init(_ variant: KernelVariant) throws(TuningError) {
        guard let table = ck_kernels_named(variant.rawValue) else { throw .unsupportedKernels(variant) }
        self.table = table
    }
}
