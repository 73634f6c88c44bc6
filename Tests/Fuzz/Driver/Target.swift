import FuzzTargets
import Glibc

/// The target that IMPROMPTU_FUZZ_TARGET names.
let target: FuzzTarget = {
    guard let target = variable("IMPROMPTU_FUZZ_TARGET").flatMap(FuzzTarget.init(rawValue:)) else {
        let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")
        fatalError("IMPROMPTU_FUZZ_TARGET: expected one of \(names)")
    }
    return target
}()

func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
