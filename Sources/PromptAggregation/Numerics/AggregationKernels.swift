import CKernels

/// Which instructions the kernels use. All variants of the aggregation's kernels give the same bits, so the choice changes
/// nothing but its speed; those of tuning agree within rounding.
public enum AggregationKernels: String, Hashable, Sendable, CaseIterable {
    /// What every processor of the build's architecture runs.
    case portable
    /// AVX2 and FMA.
    case avx2
    /// AVX-512 (F, DQ, BW, VL).
    case avx512

    /// The variable that names a variant for the whole process.
    public static let variable = CK_VARIANT_VARIABLE

    /// Whether this build has the variant and this processor runs it.
    public var isSupported: Bool { ck_variant_runs(rawValue) != 0 }

    /// The variant in use: what the variable names, or the fastest that this processor runs, until another is chosen.
    public static var chosen: AggregationKernels { AggregationKernels(rawValue: String(cString: ck_variant_chosen()))! }

    /// Has every fit that begins from now on use the variant, in all threads. Tuning keeps that of the process's start.
    ///
    /// - Throws: `AggregationKernelsError` where this processor does not run it.
    public static func choose(_ variant: AggregationKernels) throws(AggregationKernelsError) {
        guard ck_variant_choose(variant.rawValue) != 0 else { throw .unsupported(variant) }
    }

    /// Checks what the variable says; a program calls it when it starts, since without it a wrong name counts for none.
    ///
    /// - Throws: `AggregationKernelsError` where it names no variant, or one that this processor does not run.
    public static func checkVariable() throws(AggregationKernelsError) {
        guard let name = ck_variant_asked_for().map({ String(cString: $0) }) else { return }
        guard let variant = AggregationKernels(rawValue: name) else { throw .unknown(name: name) }
        guard variant.isSupported else { throw .unsupported(variant) }
    }
}

/// Why a variant of the kernels cannot be used.
public enum AggregationKernelsError: Error, Hashable, Sendable, CustomStringConvertible {
    case unknown(name: String)
    case unsupported(AggregationKernels)

    public var description: String {
        let running = AggregationKernels.allCases.filter(\.isSupported).map(\.rawValue).joined(separator: ", ")
        return switch self {
        case .unknown(let name): "\(AggregationKernels.variable): expected one of \(running), found '\(name)'"
        case .unsupported(let variant):
            "\(AggregationKernels.variable): expected one of \(running), which this processor runs, "
                + "found '\(variant.rawValue)'"
        }
    }
}
